//! SCH-NODE-AFFINITY: no node has the labels that the pod's node selector or required node affinity asks for.

use std::collections::BTreeMap;

use sonde_model::Code;
use sonde_schedule::{Miss, Rejection};

use super::stated::{decides, who};
use crate::Seen;
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-NODE-AFFINITY"),
    title: "node selector or affinity matches no node",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-NODE-AFFINITY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::NodeAffinity) else {
        return;
    };
    let who = who(facts);
    let misses = stated
        .rejections()
        .filter_map(|rejection| match rejection {
            Rejection::NodeAffinity(misses) => Some(misses),
            _ => None,
        })
        .flatten();
    // The requirement that most nodes miss; of equals the first that the pod names.
    // A pod names few, and the nodes are thousands.
    let mut counts: Vec<(&Miss, usize)> = Vec::new();
    for miss in misses {
        match counts
            .iter_mut()
            .find(|(have, _)| have.requirement == miss.requirement)
        {
            Some((_, count)) => *count += 1,
            None => counts.push((miss, 1)),
        }
    }
    let Some((worst, missed_by)) = counts.into_iter().rev().max_by_key(|(_, count)| *count) else {
        case.headline(format!("no node matches the node selector or affinity of {who}"));
        if let Some(spec) = asked(facts) {
            case.step("the pod asks for certain nodes", [spec]);
        }
        stated.finish(facts, case);
        return;
    };
    let requirement = &worst.requirement;
    let text = requirement.requirement.text();
    let mut values: BTreeMap<String, usize> = BTreeMap::new();
    for room in facts.placements.cluster().nodes() {
        if let Some(value) = room.label(&requirement.requirement.key) {
            *values.entry(value.to_string()).or_default() += 1;
        }
    }
    let have = if requirement.of_field {
        "nodes of that name do not exist".to_owned()
    } else if values.is_empty() {
        format!("no node has a label {}", requirement.requirement.key)
    } else {
        let list: Vec<&str> = values.keys().take(5).map(String::as_str).collect();
        let more = if values.len() > 5 { ", …" } else { "" };
        format!("nodes have {}", list.join(", ") + more)
    };
    let all = missed_by == stated.nodes().len();
    case.headline(if all {
        format!("{who} asks for nodes with {text}; {have}")
    } else {
        format!("no node has every label that {who} asks for, among them {text}")
    });
    case.step(
        format!("the pod asks for nodes with {text}"),
        [facts.field(&requirement.place, &text)],
    );
    stated.finish(facts, case);
}

/// The pod's node selector as evidence.
fn asked(facts: &Facts<'_>) -> Option<Seen> {
    let selector = &facts.pod().spec.node_selector;
    let pairs: Vec<String> = selector
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    (!pairs.is_empty()).then(|| facts.field("spec.nodeSelector", pairs.join(",")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";

    fn nodes() -> Scene {
        scene()
            .object(node("n1", json!({"metadata": {"labels": {"disktype": "ssd"}}})))
            .object(node("n2", json!({"metadata": {"labels": {"disktype": "hdd"}}})))
    }

    #[test]
    fn a_wrong_value_is_corrected() {
        let outcome = nodes()
            .object(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "shop"}, "spec": {"replicas": 1}, "status": {"replicas": 1, "unavailableReplicas": 1}}))
            .object(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "app", "namespace": "shop", "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "app", "uid": "d", "controller": true}]}, "spec": {"replicas": 1}, "status": {"replicas": 1}}))
            .object(pending(SAID, json!({"spec": {"nodeSelector": {"disktype": "ssdd"}}})))
            .diagnose();
        let finding = outcome.finds_only("SCH-NODE-AFFINITY", Verdict::Proven);
        assert!(
            finding
                .headline
                .contains("asks for nodes with disktype=ssdd; nodes have hdd, ssd"),
            "{}",
            finding.headline
        );
        let commands: Vec<_> = finding
            .fixes
            .iter()
            .filter_map(|fix| fix.command.as_deref())
            .collect();
        assert!(
            commands.contains(&r#"kubectl patch deploy/app -n shop --type=strategic -p '{"spec":{"template":{"spec":{"nodeSelector":{"disktype":"ssd"}}}}}'"#),
            "{commands:?}"
        );
    }

    #[test]
    fn a_missing_label_can_be_given() {
        let outcome = nodes()
            .object(pending(
                SAID,
                json!({"spec": {"nodeSelector": {"team": "payments"}}}),
            ))
            .diagnose();
        let finding = outcome.finds_only("SCH-NODE-AFFINITY", Verdict::Proven);
        assert!(
            finding.headline.contains("no node has a label team"),
            "{}",
            finding.headline
        );
        assert!(
            finding
                .fixes
                .iter()
                .any(|fix| fix.command.as_deref() == Some("kubectl label node n1 team=payments"))
        );
    }

    #[test]
    fn affinity_terms_count_too() {
        let term = json!([{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a", "b"]}]}]);
        let patch = json!({"spec": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": term}}}}});
        let outcome = nodes().object(pending(SAID, patch)).diagnose();
        let finding = outcome.finds_only("SCH-NODE-AFFINITY", Verdict::Proven);
        assert!(finding.headline.contains("zone in (a,b)"), "{}", finding.headline);
    }

    #[test]
    fn not_when_the_chosen_node_is_full() {
        nodes()
            .object(other("a", "n1", "4", json!({})))
            .object(pending(
                SAID,
                json!({"spec": {"nodeSelector": {"disktype": "ssd"}}}),
            ))
            .diagnose()
            .finds_only("SCH-CLUSTER-FULL", Verdict::Proven);
    }

    #[test]
    fn proven_by_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-NODE-AFFINITY", Verdict::Proven);
    }

    #[test]
    fn over_when_a_node_got_the_label() {
        nodes()
            .object(pending(
                SAID,
                json!({"spec": {"nodeSelector": {"disktype": "ssd"}}}),
            ))
            .diagnose()
            .lacks("SCH-NODE-AFFINITY");
    }
}
