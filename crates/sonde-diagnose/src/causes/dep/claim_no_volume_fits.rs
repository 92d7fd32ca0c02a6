//! DEP-CLAIM-NO-VOLUME-FITS: no volume that was made by hand fits the claim.

use sonde_grammar::fact::ClaimFact;
use sonde_model::{Code, Kind, Risk};
use sonde_world::view::PersistentVolume;

use super::claim::{NO_PROVISIONER, Unbound, unbound};
use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-CLAIM-NO-VOLUME-FITS"),
    title: "no volume fits the claim",
    explains: &[
        Symptom::ClaimNotBound,
        Symptom::Unschedulable,
        Symptom::NotStarting,
    ],
    reads: &[Kind::PersistentVolume, Kind::StorageClass],
    state,
    page: page!("DEP-CLAIM-NO-VOLUME-FITS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    for claim in unbound(facts) {
        let mismatch = claim.said(|fact| match fact {
            ClaimFact::Mismatch { detail } => Some(detail.clone()),
            _ => None,
        });
        let by_hand = claim
            .class(facts)
            .is_some_and(|class| class.provisioner == NO_PROVISIONER);
        // The controller looks for a provisioner only where it found no volume that fits.
        let looked = claim.said(|fact| {
            matches!(fact, ClaimFact::ProvisioningFailed { detail } if detail.contains(NO_PROVISIONER))
                .then_some(())
        });
        let complete = facts.snapshot.is_complete_everywhere(&Kind::PersistentVolume);
        if let Some((detail, seen)) = mismatch {
            case.proven_by(seen.clone());
            case.step(format!("the volume does not fit the claim: {detail}"), [seen]);
            claim.conclude(facts, case, &format!("its volume does not fit: {detail}"));
        } else if looked.is_some() || (by_hand && complete) {
            let near = complete.then(|| misfits(facts, &claim));
            let seen = near.map(|near| {
                let text = if near.is_empty() {
                    "none".to_owned()
                } else {
                    near.join("; ")
                };
                facts.computed("volumes of the claim's class", text)
            });
            case.step(
                "its class makes no volumes by itself",
                [claim.field("spec.storageClassName", claim.class_name().unwrap_or_default())],
            );
            let shown: Vec<Seen> = looked
                .iter()
                .map(|(_, seen)| seen.clone())
                .chain(seen.clone())
                .collect();
            case.step("none of the volumes made by hand fits", shown);
            match (looked, seen) {
                (Some((_, looked)), _) => case.proven_by(looked),
                (None, Some(seen)) => case.supported_by(seen),
                (None, None) => continue,
            };
            claim.conclude(facts, case, "no volume that was made by hand fits it");
        } else {
            continue;
        }
        case.fix(
            "make a volume that fits in size, access mode, class and labels",
            "kubectl get pv",
            Risk::None,
        );
        return;
    }
}

/// The volumes of the claim's class, each with what keeps it from fitting.
fn misfits(facts: &Facts<'_>, claim: &Unbound) -> Vec<String> {
    let wanted = claim
        .claim
        .spec
        .size()
        .and_then(sonde_world::view::Amount::quantity);
    facts
        .snapshot
        .of_kind(Kind::PersistentVolume)
        .filter_map(|object| {
            Some((
                object.reference.name.clone(),
                object.encoded.decode::<PersistentVolume>().ok()?,
            ))
        })
        .filter(|(_, volume)| Some(volume.spec.storage_class_name.as_str()) == claim.class_name())
        .map(|(name, volume)| {
            let size = volume
                .spec
                .capacity
                .get("storage")
                .and_then(sonde_world::view::Amount::quantity);
            let why = if volume.spec.claim_ref.is_some() {
                "bound to another claim".to_owned()
            } else if size < wanted {
                format!(
                    "too small ({})",
                    volume.spec.capacity.get("storage").map_or("", |it| &it.0)
                )
            } else if !claim
                .claim
                .spec
                .access_modes
                .iter()
                .all(|mode| volume.spec.access_modes.contains(mode))
            {
                "of another access mode".to_owned()
            } else {
                "kept for another reason".to_owned()
            };
            format!("{name}: {why}")
        })
        .take(5)
        .collect()
}
