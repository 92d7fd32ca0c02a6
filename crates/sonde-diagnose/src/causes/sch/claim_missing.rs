//! SCH-CLAIM-MISSING: the pod names a claim that does not exist or is being deleted.

use std::sync::Arc;

use sonde_grammar::fact::PreFilter;
use sonde_model::{Code, Kind, Risk, nearest};
use sonde_schedule::Obstacle;

use super::stated::{claim_ref, decides, who};
use crate::cause::page;
use crate::field_on;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-CLAIM-MISSING"),
    title: "a claim of the pod does not exist",
    explains: &[Symptom::Unschedulable],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("SCH-CLAIM-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::ClaimMissing) else {
        return;
    };
    let who = who(facts);
    let found = stated.obstacles().iter().find_map(|obstacle| match obstacle {
        Obstacle::ClaimMissing { claim, ephemeral } => Some((claim.clone(), *ephemeral, false)),
        Obstacle::ClaimDeleting(claim) => Some((claim.clone(), false, true)),
        _ => None,
    });
    let told = stated.stops().iter().find_map(|stop| match stop {
        PreFilter::ClaimNotFound(claim) => Some((claim.as_str().into(), false, false)),
        PreFilter::EphemeralClaim(claim) => Some((claim.as_str().into(), true, false)),
        PreFilter::ClaimDeleting(claim) => Some((claim.as_str().into(), false, true)),
        _ => None,
    });
    let Some((claim, ephemeral, deleting)): Option<(Arc<str>, bool, bool)> = found.or(told) else {
        case.headline(format!("a claim of {who} does not exist"));
        stated.finish(facts, case);
        return;
    };
    let reference = claim_ref(facts, &claim);
    if let Some(there) = facts.snapshot.get(&reference).filter(|it| it.deletion.is_none()) {
        case.refuted_by(
            field_on(&there.reference, "metadata.name", &claim),
            "the claim exists by now",
        );
        return;
    }
    case.headline(if deleting {
        format!("{who} needs claim {claim}, which is being deleted")
    } else if ephemeral {
        format!("{who} waits for claim {claim}, which a controller makes for its ephemeral volume")
    } else {
        format!("{who} needs claim {claim}, which does not exist")
    });
    let at = facts.pod().spec.volumes.iter().position(|volume| {
        volume
            .persistent_volume_claim
            .as_ref()
            .is_some_and(|it| *it.claim_name == *claim)
    });
    if let Some(at) = at {
        let path = format!("spec.volumes[{at}].persistentVolumeClaim.claimName");
        case.step(
            format!("the pod needs claim {claim}"),
            [facts.field(&path, &claim)],
        );
    }
    if let Some(absence) = facts.absence(&reference) {
        case.step(format!("claim {claim} does not exist"), [absence]);
    } else if deleting {
        case.step(
            format!("claim {claim} is being deleted"),
            [field_on(&reference, "metadata.deletionTimestamp", "set")],
        );
    }
    case.part(format!("claim {claim}"));
    case.follows(reference.clone());
    let names: Vec<String> = facts
        .snapshot
        .in_namespace(Kind::PersistentVolumeClaim, &facts.episode.subject.namespace)
        .map(|it| it.reference.name.to_string())
        .collect();
    if !deleting && let Some(near) = nearest(&claim, names.iter().map(String::as_str)) {
        let seen = facts.computed(format!("names like {claim}"), near);
        case.step(
            format!("there is a claim {near}, which is nearly the same name"),
            [seen],
        );
        case.advice(
            format!("if {near} was meant, correct the name in the pod template"),
            Risk::Restart,
        );
    }
    if deleting {
        case.look(
            "which pods still use it: it goes when the last of them does",
            format!("kubectl describe {}", reference.kubectl()),
        );
        case.advice(
            format!("create claim {claim} anew once it is gone; its data may go with it"),
            Risk::DataLoss,
        );
    } else if !ephemeral {
        case.advice(format!("create claim {claim} in the pod's namespace"), Risk::None);
    }
    stated.finish(facts, case);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/1 nodes are available: persistentvolumeclaim \"data\" not found. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";

    #[test]
    fn a_claim_that_is_being_deleted() {
        let outcome = scene()
            .object(zoned("n1", "a"))
            .object(volume("a"))
            .object(claim(
                json!({"metadata": {"deletionTimestamp": "2026-03-01T11:59:58Z"}}),
            ))
            .object(pending(SAID, with_claim()))
            .diagnose();
        let finding = outcome.finds_only("SCH-CLAIM-MISSING", Verdict::Proven);
        assert!(
            finding.headline.contains("claim data, which is being deleted"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn who_can_say_more_speaks() {
        let outcome = scene()
            .object(node("n1", json!({})))
            .object(pending(SAID, with_claim()))
            .diagnose();
        outcome.lacks("SCH-CLAIM-MISSING");
        assert_eq!(outcome.report.findings.len(), 1);
    }

    #[test]
    fn words_alone_are_enough_until_the_claim_is_seen() {
        let words = || Scene::new().object(pending(SAID, with_claim()));
        words()
            .diagnose()
            .finds_only("DEP-CLAIM-MISSING", Verdict::Proven);
        words()
            .object(claim(json!({})))
            .diagnose()
            .lacks("SCH-CLAIM-MISSING")
            .lacks("DEP-CLAIM-MISSING");
    }

    #[test]
    fn what_the_scheduler_said_before_its_newest_words_is_over() {
        let newer = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
        let outcome = Scene::new()
            .object(pending(newer, with_claim()))
            .event("Pod/shop/app-1", "FailedScheduling", SAID, "2026-03-01T11:40:00Z")
            .diagnose();
        outcome
            .lacks("SCH-CLAIM-MISSING")
            .lacks("DEP-CLAIM-MISSING")
            .finds_only("SCH-NODE-AFFINITY", Verdict::Proven);
    }

    #[test]
    fn over_when_it_was_made() {
        scene()
            .object(zoned("n1", "a"))
            .object(volume("a"))
            .object(claim(json!({})))
            .object(pending(SAID, with_claim()))
            .diagnose()
            .lacks("SCH-CLAIM-MISSING");
    }
}
