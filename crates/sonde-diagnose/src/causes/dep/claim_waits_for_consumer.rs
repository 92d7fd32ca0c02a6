//! DEP-CLAIM-WAITS-FOR-CONSUMER: the claim waits for its first pod, as its class says; nothing is wrong.

use sonde_grammar::fact::ClaimFact;
use sonde_model::{Code, Kind, Risk, Severity};

use super::claim::unbound;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-CLAIM-WAITS-FOR-CONSUMER"),
    title: "claim waits for its first pod",
    explains: &[Symptom::ClaimNotBound],
    reads: &[Kind::StorageClass],
    state,
    page: page!("DEP-CLAIM-WAITS-FOR-CONSUMER"),
};

const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

fn state(facts: &Facts<'_>, case: &mut Case) {
    for claim in unbound(facts) {
        // The scheduler has chosen a node for its pod: it waits for its provisioner now.
        let chosen = facts
            .metadata_of(&claim.reference)
            .is_some_and(|it| it.annotations.contains_key(SELECTED_NODE));
        if chosen {
            continue;
        }
        let says = claim.said(|fact| {
            matches!(
                fact,
                ClaimFact::WaitForFirstConsumer | ClaimFact::WaitForPodScheduled { .. }
            )
            .then_some(())
        });
        let by_class = claim.class(facts).is_some_and(|class| class.waits_for_consumer());
        let seen = match says {
            Some((_, seen)) => seen,
            None if by_class => claim.field("spec.storageClassName", claim.class_name().unwrap_or_default()),
            None => continue,
        };
        case.proven_by(seen.clone());
        let users = facts.snapshot.pods_using(&claim.reference).count();
        case.step(
            "its volume is made when the first pod that uses it has a node",
            [seen],
        );
        claim.conclude(
            facts,
            case,
            if users == 0 {
                "it waits for its first pod"
            } else {
                "it waits until its pod has a node"
            },
        );
        // The pod's own finding says what holds the pod.
        case.severity(Severity::Info);
        case.advice(
            "nothing is wrong with the claim; if no pod will ever use it, delete it",
            Risk::None,
        );
        return;
    }
}
