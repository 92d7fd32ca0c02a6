//! SCH-UNBOUND-CLAIM: a claim of the pod has no volume yet, or has lost it; why is the claim's own matter.

use std::sync::Arc;

use sonde_grammar::fact::PreFilter;
use sonde_model::{Code, Kind};
use sonde_schedule::Obstacle;
use sonde_world::view::PersistentVolumeClaim;

use super::stated::{claim_ref, decides, who};
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};
use crate::{Seen, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-UNBOUND-CLAIM"),
    title: "a claim of the pod has no volume",
    explains: &[Symptom::Unschedulable],
    reads: &[Kind::PersistentVolumeClaim, Kind::StorageClass],
    state,
    page: page!("SCH-UNBOUND-CLAIM"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::UnboundClaim) else {
        return;
    };
    if stated.obstacles().is_empty()
        && let Some(bound) = all_bound(facts)
    {
        case.refuted_by(bound, "every claim of the pod is bound by now");
        return;
    }
    let who = who(facts);
    let found = stated.obstacles().iter().find_map(|obstacle| match obstacle {
        Obstacle::UnboundClaims(claims) => claims.first().map(|it| (it.claim.clone(), None)),
        Obstacle::ClaimLost { claim, volume } => Some((claim.clone(), Some(volume.clone()))),
        _ => None,
    });
    let told = stated.stops().iter().find_map(|stop| match stop {
        PreFilter::ClaimVolumeGone { claim, volume } => {
            Some((claim.as_str().into(), Some(volume.as_str().into())))
        }
        _ => None,
    });
    let Some((claim, lost)): Option<(Arc<str>, Option<Arc<str>>)> = found.or(told) else {
        case.headline(format!("a claim of {who} has no volume yet"));
        case.look(
            "which claim is not bound",
            format!("kubectl get pvc -n {}", namespace(facts)),
        );
        stated.finish(facts, case);
        return;
    };
    let reference = claim_ref(facts, &claim);
    case.headline(match &lost {
        Some(volume) => format!("{who} waits for claim {claim}, whose volume {volume} is gone"),
        None => format!("{who} waits for claim {claim}, which has no volume yet"),
    });
    let phase = facts
        .snapshot
        .view::<PersistentVolumeClaim>(&reference)
        .map_or_else(|| "not bound".to_owned(), |view| view.status.phase);
    case.step(
        format!("claim {claim} has no volume"),
        [field_on(&reference, "status.phase", phase)],
    );
    case.look(
        "what the cluster says about the claim",
        format!("kubectl describe {}", reference.kubectl()),
    );
    case.part(format!("claim {claim}"));
    case.follows(reference);
    stated.finish(facts, case);
}

/// The claims of the pod, where all are known and each has its volume.
fn all_bound(facts: &Facts<'_>) -> Option<Seen> {
    let volumes = &facts.pod().spec.volumes;
    if facts.is_partial() || volumes.iter().any(|volume| volume.ephemeral.is_some()) {
        return None;
    }
    let mut last = None;
    for claim in volumes
        .iter()
        .filter_map(|volume| volume.persistent_volume_claim.as_ref())
    {
        let reference = claim_ref(facts, &claim.claim_name);
        let view: PersistentVolumeClaim = facts.snapshot.view(&reference)?;
        if view.status.phase != "Bound" {
            return None;
        }
        last = Some(field_on(&reference, "status.phase", "Bound"));
    }
    last
}

fn namespace<'a>(facts: &'a Facts<'_>) -> &'a str {
    match facts.episode.subject.namespace.as_ref() {
        "" => "NAMESPACE",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";

    #[test]
    fn the_claims_own_finding_explains_the_pod() {
        let outcome = scene()
            .object(node("n1", json!({})))
            .object(unbound_claim())
            .object(pending(SAID, with_claim()))
            .diagnose();
        outcome.lacks("SCH-UNBOUND-CLAIM");
        let finding = &outcome.report.findings[0];
        assert_eq!(
            (outcome.report.findings.len(), finding.subject.name.as_ref()),
            (1, "data")
        );
        assert!(
            finding.explains.iter().any(|it| it.name.as_ref() == "app-1"),
            "{:?}",
            finding.explains
        );
    }

    #[test]
    fn proven_by_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-UNBOUND-CLAIM", Verdict::Proven);
    }

    #[test]
    fn over_when_it_is_bound_though_no_node_is_known() {
        let outcome = Scene::new()
            .object(claim(json!({})))
            .object(pending(SAID, with_claim()))
            .diagnose();
        outcome.lacks("SCH-UNBOUND-CLAIM").rules_out("SCH-UNBOUND-CLAIM");
    }

    #[test]
    fn over_when_it_is_bound() {
        scene()
            .object(zoned("n1", "a"))
            .object(claim(json!({})))
            .object(volume("a"))
            .object(pending(SAID, with_claim()))
            .diagnose()
            .lacks("SCH-UNBOUND-CLAIM");
    }
}
