//! DEP-CLAIM-NO-VOLUME-FITS: no volume that was made by hand fits the claim.

use sonde_grammar::fact::ClaimFact;
use sonde_model::{Code, Kind, ObjectRef, Risk};
use sonde_world::view::PersistentVolume;

use super::claim::{NO_PROVISIONER, Unbound, unbound, volumes_of};
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
        if let Some((detail, seen)) = mismatch {
            case.proven_by(seen.clone());
            case.step(format!("the volume does not fit the claim: {detail}"), [seen]);
            claim.conclude(facts, case, &format!("its volume does not fit: {detail}"));
        } else if !none_fits(facts, case, &claim) {
            continue;
        }
        case.fix(
            format!(
                "make a volume that fits in size, access mode, class and labels{}",
                wishes(&claim)
            ),
            "kubectl get pv",
            Risk::None,
        );
        return;
    }
}

/// The class makes no volumes by itself, and none of those that are there fits.
fn none_fits(facts: &Facts<'_>, case: &mut Case, claim: &Unbound) -> bool {
    let Some(name) = claim.class_name().filter(|name| !name.is_empty()) else {
        return false;
    };
    let class = claim.class(facts);
    let complete = facts.snapshot.is_complete_everywhere(&Kind::PersistentVolume);
    let volumes = volumes_of(facts, name);
    let by_hand = class
        .as_ref()
        .is_some_and(|class| class.provisioner == NO_PROVISIONER);
    let without_object = class.is_none() && !volumes.is_empty();
    // The controller looks for the class and its provisioner only where it found no volume that fits.
    let looked = claim.said(|fact| match fact {
        ClaimFact::ProvisioningFailed { detail } if detail.contains(NO_PROVISIONER) => Some(()),
        ClaimFact::ClassMissing { .. } if without_object => Some(()),
        _ => None,
    });
    if looked.is_none() && !(complete && (by_hand || without_object)) {
        return false;
    }
    let misfits: Vec<Misfit> = volumes
        .iter()
        .filter_map(|(volume, view)| misfit(claim, volume, view))
        .collect();
    // One that fits is bound in a moment.
    if looked.is_none() && misfits.len() < volumes.len() {
        return false;
    }
    case.step(
        if without_object {
            format!("volumes of class {name} are made by hand, there is no StorageClass of that name")
        } else {
            "its class makes no volumes by itself".to_owned()
        },
        [claim.field("spec.storageClassName", name)],
    );
    let shown = (complete || !misfits.is_empty()).then(|| {
        let words: Vec<String> = misfits.iter().take(SHOWN).map(Misfit::text).collect();
        let text = if words.is_empty() {
            "none".to_owned()
        } else {
            words.join("; ")
        };
        facts.computed("volumes of the claim's class", text)
    });
    let seen: Vec<Seen> = looked
        .iter()
        .map(|(_, seen)| seen.clone())
        .chain(shown.clone())
        .collect();
    case.step("none of the volumes made by hand fits", seen);
    match (looked, shown) {
        (Some((_, looked)), _) => case.proven_by(looked),
        (None, Some(shown)) => case.supported_by(shown),
        (None, None) => return false,
    };
    let why = match misfits.as_slice() {
        [one] => format!(
            "the only volume of its class, {}, is {}",
            one.volume.name, one.why
        ),
        _ => "no volume that was made by hand fits it".to_owned(),
    };
    claim.conclude(facts, case, &why);
    for kept in misfits.iter().filter(|it| it.is_released).take(1) {
        case.fix(
            format!(
                "or, if its data is not needed any more, give {} free again",
                kept.volume.name
            ),
            format!(
                "kubectl patch {} --type json -p '[{{\"op\":\"remove\",\"path\":\"/spec/claimRef\"}}]'",
                kept.volume.kubectl()
            ),
            Risk::DataLoss,
        );
    }
    true
}

/// Volumes that are told one by one.
const SHOWN: usize = 5;

/// A volume of the claim's class, and what keeps it from fitting.
struct Misfit {
    volume: ObjectRef,
    why: String,
    is_released: bool,
}

impl Misfit {
    fn text(&self) -> String {
        format!("{}: {}", self.volume.name, self.why)
    }
}

/// Why a volume does not fit, as far as it can be told from here; `None` where nothing stands against it.
fn misfit(claim: &Unbound, volume: &ObjectRef, view: &PersistentVolume) -> Option<Misfit> {
    let quantity = sonde_world::view::Amount::quantity;
    let spec = &claim.claim.spec;
    let capacity = view.spec.capacity.get("storage");
    let misfit = |why: String| {
        Some(Misfit {
            volume: volume.clone(),
            why,
            is_released: view.status.phase == "Released",
        })
    };
    if let Some(holder) = &view.spec.claim_ref {
        if *holder.name == *claim.reference.name && *holder.namespace == *claim.reference.namespace {
            return (!holder.uid.is_empty() && holder.uid != claim.claim.metadata.uid)
                .then(|| misfit("kept for an earlier claim of this name, which is gone".to_owned()))?;
        }
        let holder = format!("claim {} in {}", holder.name, holder.namespace);
        return misfit(if view.status.phase == "Released" {
            format!("kept for {holder}, which is gone (Released)")
        } else {
            format!("bound to {holder}")
        });
    }
    if let (Some(wanted), Some(have)) = (spec.size(), capacity)
        && quantity(have) < quantity(wanted)
    {
        return misfit(format!(
            "too small: it has {}, and the claim asks for {}",
            have.0, wanted.0
        ));
    }
    let missing: Vec<&str> = spec
        .access_modes
        .iter()
        .filter(|mode| !view.spec.access_modes.contains(mode))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        return misfit(format!("not {}", missing.join(" and not ")));
    }
    let mode = |mode: &str| if mode.is_empty() { "Filesystem" } else { mode }.to_owned();
    let (wanted, have) = (mode(&spec.volume_mode), mode(&view.spec.volume_mode));
    if wanted != have {
        return misfit(format!("of volume mode {have}, and the claim wants {wanted}"));
    }
    spec.selector
        .is_some()
        .then(|| misfit("perhaps without the labels that the claim selects by".to_owned()))?
}

/// What the claim asks for: `: 10Gi, ReadWriteOnce, class fast`.
fn wishes(claim: &Unbound) -> String {
    let spec = &claim.claim.spec;
    let mut wishes: Vec<String> = spec.size().map(|size| size.0.clone()).into_iter().collect();
    wishes.extend(spec.access_modes.iter().cloned());
    wishes.extend(
        claim
            .class_name()
            .filter(|name| !name.is_empty())
            .map(|name| format!("class {name}")),
    );
    if wishes.is_empty() {
        return String::new();
    }
    format!(": the claim asks for {}", wishes.join(", "))
}
