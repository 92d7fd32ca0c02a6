//! SCH-TAINT: every node that the pod may use has a taint that it does not tolerate.

use std::cmp::Reverse;

use sonde_grammar::fact::{NodeReason, Unschedulable};
use sonde_model::{Code, Kind, ObjectRef};
use sonde_schedule::Rejection;
use sonde_world::view::{Taint, Toleration};

use super::stated::{Stated, decides, who};
use super::words;
use crate::cause::page;
use crate::field_on;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-TAINT"),
    title: "every usable node is tainted",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-TAINT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::Taint) else {
        return;
    };
    let who = who(facts);
    let mut taints: Vec<(&Taint, usize)> = Vec::new();
    for rejection in stated.rejections() {
        let Rejection::Taint(taint) = rejection else {
            continue;
        };
        match taints
            .iter_mut()
            .find(|(have, _)| have.key == taint.key && have.value == taint.value)
        {
            Some(have) => have.1 += 1,
            None => taints.push((taint, 1)),
        }
    }
    // A control plane is tainted in every cluster; the other taint is the news.
    taints.sort_by_key(|(taint, count)| (taint.key.starts_with("node-role.kubernetes.io/"), Reverse(*count)));
    match (taints.first(), told_taint(stated.said)) {
        (Some((taint, _)), _) => {
            let text = words::taint(taint);
            case.headline(format!(
                "{who} does not tolerate {text} on {} ({})",
                stated.node_names(),
                words::taint_reason(taint)
            ));
            tolerated(facts, case);
            troubled(facts, case, &stated, taint);
        }
        (None, Some(key)) => {
            let taint = Taint {
                key: key.to_owned(),
                ..Taint::default()
            };
            case.headline(format!(
                "every usable node has taint {key}, which {who} does not tolerate ({})",
                words::taint_reason(&taint)
            ));
        }
        (None, None) => {
            case.headline(format!(
                "every usable node has a taint that {who} does not tolerate"
            ));
            case.look(
                "which taints the nodes have",
                "kubectl get nodes -o custom-columns=NAME:.metadata.name,TAINTS:.spec.taints",
            );
        }
    }
    stated.finish(facts, case);
}

/// The taint that the scheduler names, where it names one that is not the control plane's.
fn told_taint(said: Option<&Unschedulable>) -> Option<&str> {
    let mut keys = said?.reasons.iter().filter_map(|(_, reason)| match reason {
        NodeReason::Taint { key, .. } if !key.is_empty() => Some(key.as_str()),
        _ => None,
    });
    let first = keys.next()?;
    if first.starts_with("node-role.kubernetes.io/") {
        return Some(keys.next().unwrap_or(first));
    }
    Some(first)
}

/// What the pod does tolerate, beside what every pod gets.
fn tolerated(facts: &Facts<'_>, case: &mut Case) {
    let tolerations = &facts.pod().spec.tolerations;
    let texts = |of: &dyn Fn(&Toleration) -> bool| {
        let texts: Vec<String> = tolerations
            .iter()
            .filter(|it| of(it))
            .map(|it| {
                format!("{} {} {}", it.key, it.operator, it.value)
                    .trim()
                    .to_owned()
            })
            .collect();
        texts.join(", ")
    };
    let seen = if tolerations.is_empty() {
        facts.unset("spec.tolerations")
    } else {
        facts.field("spec.tolerations", texts(&|_| true))
    };
    let own = texts(&|it| !it.key.starts_with("node.kubernetes.io/"));
    let own = if own.is_empty() {
        "nothing of its own".to_owned()
    } else {
        own
    };
    case.step(format!("the pod tolerates: {own}"), [seen]);
}

/// A taint that says that its node is in trouble: the node's own finding explains this one.
fn troubled(facts: &Facts<'_>, case: &mut Case, stated: &Stated<'_>, taint: &Taint) {
    if !taint.key.starts_with("node.kubernetes.io/")
        && !taint.key.starts_with("node.cloudprovider.kubernetes.io/")
    {
        return;
    }
    let nodes = stated.nodes();
    let Some(node) = nodes.first() else { return };
    let node = ObjectRef::cluster(Kind::Node, &node.node);
    if let Some(added) = taint.time_added.0 {
        let mut seen = field_on(&node, "spec.taints", words::taint(taint));
        seen.time = Some(added);
        case.step("the taint was put there by the cluster itself", [seen]);
    }
    case.look("why the node has the taint", format!("kubectl describe {node}"));
    if facts.snapshot.get(&node).is_some() {
        case.follows(node).root_key(taint.key.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/2 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 1 node(s) had untolerated taint {dedicated: gpu}. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    const SAID_1_36: &str = "0/2 nodes are available: 2 node(s) had untolerated taint(s). preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";

    fn tainted(name: &str, key: &str) -> serde_json::Value {
        node(
            name,
            json!({"spec": {"taints": [{"key": key, "value": "gpu", "effect": "NoSchedule"}]}}),
        )
    }

    fn nodes() -> Scene {
        scene()
            .object(tainted("n1", "node-role.kubernetes.io/control-plane"))
            .object(tainted("n2", "dedicated"))
    }

    #[test]
    fn found_with_the_taint_and_who_tolerates_it() {
        for said in [SAID, SAID_1_36] {
            let user = other(
                "train",
                "n2",
                "1",
                json!({"spec": {"tolerations": [{"key": "dedicated", "operator": "Exists"}]}}),
            );
            let outcome = nodes().object(user).object(pending(said, json!({}))).diagnose();
            let finding = outcome.finds_only("SCH-TAINT", Verdict::Proven);
            assert!(
                finding
                    .headline
                    .contains("does not tolerate dedicated=gpu:NoSchedule"),
                "{}",
                finding.headline
            );
            let fixes: Vec<_> = finding.fixes.iter().map(|fix| fix.text.as_str()).collect();
            assert!(
                fixes.iter().any(|text| text.contains(
                    "tolerations: [{key: \"dedicated\", operator: Equal, value: \"gpu\", effect: NoSchedule}]"
                ) && text.contains("rs/train")),
                "{fixes:?}"
            );
        }
    }

    #[test]
    fn not_when_an_untainted_node_is_full() {
        nodes()
            .object(node("n3", json!({})))
            .object(other("a", "n3", "4", json!({})))
            .object(pending(SAID, json!({})))
            .diagnose()
            .finds_only("SCH-CLUSTER-FULL", Verdict::Proven);
    }

    #[test]
    fn over_when_it_is_tolerated() {
        nodes()
            .object(pending(
                SAID,
                json!({"spec": {"tolerations": [{"key": "dedicated", "operator": "Exists"}]}}),
            ))
            .diagnose()
            .lacks("SCH-TAINT");
    }

    #[test]
    fn proven_by_the_words_alone() {
        let outcome = Scene::new().loose("0/3 nodes are available: 3 node(s) had taint {dedicated: gpu}, that the pod didn't tolerate.").diagnose();
        let finding = outcome.finds_only("SCH-TAINT", Verdict::Proven);
        assert!(
            finding.headline.contains("taint dedicated"),
            "{}",
            finding.headline
        );
        Scene::new()
            .loose(SAID_1_36)
            .diagnose()
            .finds_only("SCH-TAINT", Verdict::Proven);
    }
}
