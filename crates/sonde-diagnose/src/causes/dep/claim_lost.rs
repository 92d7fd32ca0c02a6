//! DEP-CLAIM-LOST: the claim's volume is gone.

use sonde_grammar::fact::PreFilter;
use sonde_model::{Code, Kind, ObjectRef, Risk, Severity};

use super::claim::{claims, stopped, unbound};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-CLAIM-LOST"),
    title: "claim lost its volume",
    explains: &[
        Symptom::ClaimNotBound,
        Symptom::Unschedulable,
        Symptom::NotStarting,
    ],
    reads: &[Kind::PersistentVolume],
    state,
    page: page!("DEP-CLAIM-LOST"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if let Some(claim) = unbound(facts)
        .into_iter()
        .find(|it| it.claim.status.phase == "Lost")
    {
        let volume = claim.claim.spec.volume_name.clone();
        let seen = claim.field("status.phase", "Lost");
        case.proven_by(seen.clone());
        case.step(
            format!("the claim was bound to volume {volume}"),
            [claim.field("spec.volumeName", &volume)],
        );
        let gone = facts.absence(&ObjectRef::cluster(Kind::PersistentVolume, &volume));
        case.step(
            "that volume does not exist any more",
            [seen].into_iter().chain(gone),
        );
        claim.conclude(facts, case, &format!("its volume {volume} was removed"));
        end(case);
        return;
    }
    // The claim may still say Bound while its volume is gone.
    let said = stopped(facts, |stop| match stop {
        PreFilter::ClaimVolumeGone { claim, volume } => Some((claim, volume)),
        _ => None,
    });
    let Some(((name, volume), message)) = said else {
        return;
    };
    let Some(claim) = claims(facts).into_iter().find(|it| *it.name == **name) else {
        return;
    };
    case.proven_by(message.seen());
    case.step(
        format!("the pod needs claim {name}"),
        [field_on(&claim, "spec.volumeName", volume)],
    );
    case.step(
        format!("its volume {volume} does not exist any more"),
        [message.seen()],
    );
    case.headline(format!("claim {name} has lost its volume {volume}"));
    case.root(claim);
    end(case);
}

fn end(case: &mut Case) {
    case.severity(Severity::Critical);
    case.advice(
        "restore the data from a backup into a new claim; if the storage behind the volume still exists, make a volume for it by hand",
        Risk::DataLoss,
    );
}
