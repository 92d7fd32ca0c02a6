//! SCH-EXTENDED-RESOURCE-UNKNOWN: the pod asks for an extended resource that no node offers, or more of it than any node has.

use std::collections::BTreeSet;

use sonde_model::{Code, Risk, nearest};
use sonde_schedule::Rejection;

use super::stated::{computed, decides, request_field, who};
use super::words;
use crate::cause::page;
use crate::placement::{Why, is_extended};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-EXTENDED-RESOURCE-UNKNOWN"),
    title: "a resource that no node offers",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-EXTENDED-RESOURCE-UNKNOWN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::ExtendedUnknown) else {
        return;
    };
    let who = who(facts);
    let wanted = stated.rejections().find_map(|rejection| match rejection {
        Rejection::Insufficient {
            resource,
            requested,
            allocatable,
            ..
        } if requested > allocatable && is_extended(resource) => Some((resource.clone(), *requested)),
        _ => None,
    });
    let Some((resource, requested)) = wanted else {
        case.headline(format!(
            "{who} asks for {}, which no node offers, or not so much of it",
            stated.named_short(true)
        ));
        stated.finish(facts, case);
        return;
    };
    let cluster = facts.placements.cluster();
    let offers = |room: &sonde_schedule::NodeRoom| room.columns().allocatable.get(&resource);
    let largest = cluster.nodes().iter().map(|room| offers(room)).max().unwrap_or(0);
    let amount = words::amount(&resource, requested);
    case.headline(match largest {
        0 => format!("{who} asks for {amount}, and no node offers {resource}"),
        most if most < requested => format!(
            "{who} asks for {amount}, and no node has more than {}",
            words::amount(&resource, most)
        ),
        _ => format!("{who} asks for {amount}, and none of the nodes that it may use offers that"),
    });
    case.step(
        format!("the pod asks for {amount}"),
        request_field(facts, &resource),
    );
    if largest == 0 {
        let names: BTreeSet<&str> = cluster
            .nodes()
            .iter()
            .flat_map(|room| room.columns().allocatable.iter())
            .map(|(name, _)| name)
            .filter(|name| is_extended(name))
            .collect();
        if let Some(near) = nearest(&resource, names.iter().copied()) {
            let seen = computed(facts, format!("nodes offer {near}"));
            case.step(
                format!("nodes offer {near}, which is nearly the same name"),
                [seen],
            );
            case.advice(
                format!("if {near} was meant, correct the name in the pod template"),
                Risk::Restart,
            );
        }
        case.look(
            "whether the device plugin that offers it runs on the nodes",
            "kubectl get daemonsets -A",
        );
    }
    case.advice(
        format!("add a node that offers {amount}, or let the plugin that offers it run where the device is"),
        Risk::Wide,
    );
    stated.finish(facts, case);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";

    fn gpu(name: &str, amount: &str) -> serde_json::Value {
        asks(json!({name: amount}))
    }

    #[test]
    fn found_when_nobody_offers_it() {
        let outcome = scene()
            .object(node("n1", json!({})))
            .object(pending(SAID, gpu("nvidia.com/gpu", "1")))
            .diagnose();
        let finding = outcome.finds_only("SCH-EXTENDED-RESOURCE-UNKNOWN", Verdict::Proven);
        assert!(
            finding.headline.contains("no node offers nvidia.com/gpu"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn a_typing_error_is_named() {
        let outcome = scene()
            .object(node(
                "n1",
                json!({"status": {"allocatable": {"nvidia.com/gpu": "4"}}}),
            ))
            .object(pending(SAID, gpu("nvidia.com/gpus", "1")))
            .diagnose();
        let finding = outcome.finds_only("SCH-EXTENDED-RESOURCE-UNKNOWN", Verdict::Proven);
        assert!(
            finding
                .chain
                .iter()
                .any(|step| step.text.contains("nodes offer nvidia.com/gpu"))
        );
    }

    #[test]
    fn not_when_all_are_in_use_or_behind_a_taint() {
        let offered = json!({"status": {"allocatable": {"nvidia.com/gpu": "1"}}});
        let user = asks(json!({"nvidia.com/gpu": "1"}));
        scene()
            .object(node("n1", offered))
            .object(other("a", "n1", "0", user))
            .object(pending(SAID, gpu("nvidia.com/gpu", "1")))
            .diagnose()
            .finds_only("SCH-EXTENDED-RESOURCE-IN-USE", Verdict::Proven);
        let tainted = json!({"spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}]}, "status": {"allocatable": {"nvidia.com/gpu": "1"}}});
        scene()
            .object(node("n1", json!({})))
            .object(node("n2", tainted))
            .object(pending(SAID, gpu("nvidia.com/gpu", "1")))
            .diagnose()
            .finds_only("SCH-TAINT", Verdict::Proven);
    }

    #[test]
    fn likely_from_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-EXTENDED-RESOURCE-UNKNOWN", Verdict::Likely);
    }
}
