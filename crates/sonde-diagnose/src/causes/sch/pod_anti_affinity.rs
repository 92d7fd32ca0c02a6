//! SCH-POD-ANTI-AFFINITY: on every node that would take the pod there is a pod that it must not be near to, or that does not want it near.

use std::sync::Arc;

use sonde_model::{Code, ObjectRef, Risk};
use sonde_schedule::{Affinity, Rejection};

use super::stated::{decides, who};
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-POD-ANTI-AFFINITY"),
    title: "anti-affinity leaves no node",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-POD-ANTI-AFFINITY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::PodAntiAffinity) else {
        return;
    };
    let who = who(facts);
    let mine = facts.workload();
    let against: Vec<(Affinity, ObjectRef, Arc<str>)> = stated
        .rejections()
        .filter_map(|rejection| match rejection {
            Rejection::PodAntiAffinity { rule, with, key, .. } => Some((*rule, with.clone(), key.clone())),
            _ => None,
        })
        .collect();
    let siblings = against
        .iter()
        .filter(|(_, with, _)| facts.snapshot.root_owner(with) == mine)
        .count();
    case.headline(match against.first() {
        Some((_, _, key)) if siblings == against.len() => format!(
            "each replica of {who} needs a {} of its own, and {} that come into question have one already",
            domain(key),
            stated.node_names()
        ),
        Some((Affinity::Own, with, key)) => format!(
            "{who} must not share a {} with {with}, and nothing else is left",
            domain(key)
        ),
        Some((Affinity::Existing, with, key)) => format!(
            "{with} does not allow {who} in its {}, and nothing else is left",
            domain(key)
        ),
        None => format!("anti-affinity between pods leaves no node for {who}"),
    });
    if let Some((_, with, key)) = against.iter().find(|(rule, ..)| *rule == Affinity::Own) {
        let seen = facts.field("spec.affinity.podAntiAffinity", format!("topologyKey {key}"));
        case.step(format!("the pod must not be near pods like {with}"), [seen]);
    }
    case.advice(
        "make the rule a preference (preferredDuringSchedulingIgnoredDuringExecution)",
        Risk::Restart,
    );
    // Where the filters ran they tell whether replicas of its own are in the way.
    if !stated.is_computed() {
        case.advice("add a node, or run fewer replicas", Risk::Restart);
    }
    stated.finish(facts, case);
}

/// What a topology key divides the cluster into.
fn domain(key: &str) -> &str {
    match key {
        "kubernetes.io/hostname" => "node",
        key if key.ends_with("/zone") => "zone",
        key => key,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::{Scene, merge};

    const SAID: &str = "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.";

    fn rule(kind: &str, app: &str, key: &str) -> serde_json::Value {
        json!({"spec": {"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}}]}}}})
    }

    fn apart(app: &str) -> serde_json::Value {
        rule("podAntiAffinity", app, "kubernetes.io/hostname")
    }

    fn sibling(name: &str, node: &str) -> serde_json::Value {
        let mut pod = other(
            name,
            node,
            "1",
            json!({"metadata": {"labels": {"app": "app"}, "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app", "uid": "u-rs", "controller": true}]}}),
        );
        merge(&mut pod, apart("app"));
        pod
    }

    fn nodes() -> Scene {
        scene()
            .object(node("n1", json!({})))
            .object(node("n2", json!({})))
    }

    #[test]
    fn the_third_replica_of_two_nodes() {
        let outcome = nodes()
            .object(sibling("app-2", "n1"))
            .object(sibling("app-3", "n2"))
            .object(pending(SAID, apart("app")))
            .diagnose();
        let finding = outcome.finds_only("SCH-POD-ANTI-AFFINITY", Verdict::Proven);
        assert!(
            finding
                .headline
                .contains("each replica of rs/app needs a node of its own, and nodes n1 and n2"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn another_pod_does_not_want_it_near() {
        let mut guard = other("guard", "n1", "1", json!({}));
        merge(&mut guard, apart("app"));
        let outcome = scene()
            .object(node("n1", json!({})))
            .object(guard)
            .object(pending(SAID, json!({})))
            .diagnose();
        let finding = outcome.finds_only("SCH-POD-ANTI-AFFINITY", Verdict::Proven);
        assert!(
            finding.headline.contains("pod/guard does not allow"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn not_when_the_free_node_is_full() {
        nodes()
            .object(sibling("app-2", "n1"))
            .object(other("big", "n2", "4", json!({})))
            .object(pending(SAID, apart("app")))
            .diagnose()
            .finds_only("SCH-CLUSTER-FULL", Verdict::Proven);
    }

    #[test]
    fn proven_by_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-POD-ANTI-AFFINITY", Verdict::Proven);
    }
}
