//! SCH-RESOURCE-CLAIM: a ResourceClaim of the pod (dynamic resource allocation) does not exist, is in use, or can be met on
//! no node.

use sonde_grammar::fact::{NodeReason, PreFilter, Unschedulable};
use sonde_model::{Code, Kind, Risk};

use super::stated::{said, scheduler_is_silent, who};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-RESOURCE-CLAIM"),
    title: "a resource claim cannot be met",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-RESOURCE-CLAIM"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if scheduler_is_silent(facts) {
        return;
    }
    let Some((words, message)) = said(facts) else {
        return;
    };
    let Some((detail, alone)) = told(words) else {
        return;
    };
    let claims = &facts.pod().spec.resource_claims;
    if facts.episode.subject.kind == Kind::Pod && !facts.is_partial() && claims.is_empty() {
        return;
    }
    if alone {
        case.proven_by(message.seen());
    } else {
        case.hinted_by(message.seen());
    }
    if !claims.is_empty() {
        let names: Vec<&str> = claims.iter().map(|it| it.name.as_str()).collect();
        let names = names.join(", ");
        case.step(
            format!("the pod claims {names}"),
            [facts.field("spec.resourceClaims", &names)],
        );
    }
    case.step(
        format!("the scheduler cannot meet the claim: {detail}"),
        [message.seen()],
    );
    case.headline(format!(
        "{} has no node: its resource claim cannot be met: {detail}",
        who(facts)
    ));
    let namespace = match facts.episode.subject.namespace.as_ref() {
        "" => "-A".to_owned(),
        name => format!("-n {name}"),
    };
    case.look(
        "the pod's claims, who reserved them, and what they ask for",
        format!("kubectl get resourceclaims {namespace} -o yaml"),
    );
    case.look(
        "which devices the drivers offer, and on which nodes",
        "kubectl get deviceclasses,resourceslices",
    );
    case.advice(
        "let the driver run where the devices are, free devices that other claims hold, or let the claim ask for what is offered",
        Risk::Wide,
    );
}

/// The scheduler's words on a claim, and whether they are all that it says. A control plane keeps itself to itself.
fn told(words: &Unschedulable) -> Option<(&str, bool)> {
    let before = words.pre_filter.iter().find_map(|stop| match stop {
        PreFilter::ResourceClaim(detail) => Some(detail.as_str()),
        _ => None,
    });
    if let Some(detail) = before {
        return Some((detail, true));
    }
    let detail = words.reasons.iter().find_map(|(_, reason)| match reason {
        NodeReason::ResourceClaim(detail) => Some(detail.as_str()),
        _ => None,
    })?;
    let alone = words.reasons.iter().all(|(_, reason)| match reason {
        NodeReason::ResourceClaim(_) => true,
        NodeReason::Taint { key, .. } => key.starts_with("node-role.kubernetes.io/"),
        _ => false,
    });
    Some((detail, alone))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const NOWHERE: &str = "0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    const MISSING: &str = "0/2 nodes are available: resourceclaim \"gpu\" not found. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    const MIXED: &str = "0/2 nodes are available: 1 Insufficient cpu, 1 cannot allocate all claims.";

    fn claims() -> serde_json::Value {
        json!({"spec": {"resourceClaims": [{"name": "gpu", "resourceClaimName": "gpu"}]}})
    }

    fn nodes() -> Scene {
        scene()
            .object(node("n1", json!({})))
            .object(node("n2", json!({})))
    }

    #[test]
    fn found_with_the_claim_and_proven_by_the_words_alone() {
        for said in [NOWHERE, MISSING] {
            let outcome = nodes().object(pending(said, claims())).diagnose();
            let finding = outcome.finds_only("SCH-RESOURCE-CLAIM", Verdict::Proven);
            assert!(
                finding
                    .evidence
                    .iter()
                    .any(|it| it.source.ends_with("spec.resourceClaims") && it.text == "gpu")
            );
            Scene::new()
                .loose(said)
                .diagnose()
                .finds_only("SCH-RESOURCE-CLAIM", Verdict::Proven);
        }
    }

    #[test]
    fn not_proven_beside_a_rival_nor_without_words() {
        let outcome = nodes().object(pending(MIXED, claims())).diagnose();
        outcome.does_not_claim("SCH-RESOURCE-CLAIM");
        let said = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.";
        nodes()
            .object(pending(said, claims()))
            .diagnose()
            .lacks("SCH-RESOURCE-CLAIM");
        nodes()
            .object(pending("", claims()))
            .diagnose()
            .lacks("SCH-RESOURCE-CLAIM");
    }

    #[test]
    fn over_when_it_runs_and_calm_with_claims_that_are_met() {
        let runs = || nodes().object(scheduled(claims()));
        runs().diagnose().is_calm();
        runs()
            .event(
                "Pod/shop/app-1",
                "FailedScheduling",
                NOWHERE,
                "2026-03-01T09:59:00Z",
            )
            .diagnose()
            .is_calm();
    }
}
