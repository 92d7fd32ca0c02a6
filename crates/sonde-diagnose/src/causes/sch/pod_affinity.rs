//! SCH-POD-AFFINITY: the pod must be near certain other pods, and none of them is near any node that would take it.

use sonde_model::{Code, Risk};
use sonde_schedule::Rejection;

use super::stated::{decides, who};
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-POD-AFFINITY"),
    title: "no pod that it must be near to",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-POD-AFFINITY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::PodAffinity) else {
        return;
    };
    let who = who(facts);
    let wanted = stated.rejections().find_map(|rejection| match rejection {
        Rejection::PodAffinity {
            selector,
            key,
            nowhere,
            ..
        } => Some((selector.clone(), key.clone(), *nowhere)),
        _ => None,
    });
    match wanted {
        Some((selector, key, nowhere)) => {
            case.headline(if nowhere {
                format!("{who} must run near pods {selector}, and none of them runs anywhere")
            } else {
                format!("{who} must run near pods {selector} (same {key}), and no node there takes it")
            });
            case.step(
                format!("the pod must be near pods {selector}, counted by {key}"),
                [facts.field(
                    "spec.affinity.podAffinity",
                    format!("{selector}, topologyKey {key}"),
                )],
            );
            case.look(
                "whether the pods that it wants to be near to exist, and in which namespace",
                format!("kubectl get pods -A -l '{selector}' -o wide"),
            );
        }
        None => {
            case.headline(format!("no node is near the pods that {who} must run near to"));
        }
    }
    case.advice(
        "correct the selector, the namespaces or the topologyKey of the pod affinity, or start the pods that it names",
        Risk::Restart,
    );
    stated.finish(facts, case);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/2 nodes are available: 2 node(s) didn't match pod affinity rules. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";

    fn rule(kind: &str, app: &str, key: &str) -> serde_json::Value {
        json!({"spec": {"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}}]}}}})
    }

    fn nodes() -> Scene {
        scene()
            .object(node("n1", json!({"metadata": {"labels": {"zone": "a"}}})))
            .object(node("n2", json!({"metadata": {"labels": {"zone": "b"}}})))
    }

    #[test]
    fn found_when_the_partner_runs_nowhere() {
        let outcome = nodes()
            .object(pending(SAID, rule("podAffinity", "cache", "zone")))
            .diagnose();
        let finding = outcome.finds_only("SCH-POD-AFFINITY", Verdict::Proven);
        assert!(
            finding
                .headline
                .contains("near pods app=cache, and none of them runs anywhere"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn not_when_the_partners_node_is_full() {
        nodes()
            .object(other("cache", "n1", "4", json!({})))
            .object(pending(SAID, rule("podAffinity", "cache", "zone")))
            .diagnose()
            .lacks("SCH-POD-AFFINITY");
    }

    #[test]
    fn over_when_the_partner_came() {
        nodes()
            .object(other("cache", "n1", "1", json!({})))
            .object(pending(SAID, rule("podAffinity", "cache", "zone")))
            .diagnose()
            .lacks("SCH-POD-AFFINITY");
    }

    #[test]
    fn proven_by_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-POD-AFFINITY", Verdict::Proven);
    }
}
