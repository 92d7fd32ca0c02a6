//! What all refusals of a kubelet have in common.

use sonde_grammar::Fact;
use sonde_grammar::fact::RejectFact;
use sonde_model::{Kind, Risk};

use crate::{Case, Facts, Message};

/// The kubelet's refusal.
pub(super) fn refusal<'a>(facts: &Facts<'a>) -> Option<(&'a RejectFact, &'a Message)> {
    facts.find(|fact| match fact {
        Fact::Reject(refused) => Some(refused),
        _ => None,
    })
}

/// `the kubelet of node n1`, as far as it is known.
pub(super) fn kubelet(facts: &Facts<'_>) -> String {
    facts.node_ref().map_or_else(
        || "the kubelet".to_owned(),
        |node| format!("the kubelet of {node}"),
    )
}

/// The end of the chain, and what to do with the refused pod.
pub(super) fn finish(facts: &Facts<'_>, case: &mut Case, message: &Message) {
    case.step(
        "the kubelet refuses the pod, which stays Failed; only a new pod is tried again",
        [message.seen()],
    );
    if facts.episode.subject.kind != Kind::Pod {
        return;
    }
    let text = if facts.workload() != facts.episode.subject {
        "remove the refused pod; its controller makes another one, which may get another node"
    } else if facts.is_partial() {
        "remove the refused pod; if it has a controller, that makes another one, else create it anew"
    } else {
        "mend what was refused, remove the pod and create it anew: it has no controller that would"
    };
    case.fix(
        text,
        format!("kubectl delete {}", facts.episode.subject.kubectl()),
        Risk::None,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use super::super::testing::{node, scheduled};
    use crate::testing::Scene;

    /// Code, status.reason, status.message, words of the headline.
    const TABLE: &[(&str, &str, &str, &str)] = &[
        (
            "SCH-REJECTED-DEVICES",
            "UnexpectedAdmissionError",
            "Pod was rejected: Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. Requested: 1, Available: 0, which is unexpected",
            "its devices cannot be given",
        ),
        (
            "SCH-REJECTED-PREDICATE",
            "NodeAffinity",
            "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
            "does not match its node selector or affinity",
        ),
        (
            "SCH-REJECTED-PREDICATE",
            "SysctlForbidden",
            "forbidden sysctl: \"net.core.somaxconn\" not allowlisted",
            "sets net.core.somaxconn, which the node does not allow",
        ),
        (
            "SCH-REJECTED-RESOURCES",
            "OutOfcpu",
            "Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000",
            "for want of cpu: 2 CPU asked for, 3 CPU of 4 CPU in use",
        ),
        (
            "SCH-REJECTED-TOPOLOGY",
            "TopologyAffinityError",
            "Pod was rejected: Resources cannot be allocated with Topology locality",
            "NUMA node",
        ),
    ];

    #[test]
    fn what_is_larger_than_its_node_is_told_so() {
        let said = "Pod was rejected: Node didn't have enough resource: cpu, requested: 32000, used: 0, capacity: 4000";
        let mut bare = refused("OutOfcpu", said, false);
        bare["metadata"]["ownerReferences"].take();
        for (other, advice) in [("4", "ask for at most 4 CPU"), ("64", "such as n2")] {
            let outcome = Scene::new()
                .complete(&[Kind::Node])
                .object(node("n1", json!({})))
                .object(node("n2", json!({"status": {"allocatable": {"cpu": other}}})))
                .object(bare.clone())
                .diagnose();
            let finding = outcome.finds_only("SCH-REJECTED-RESOURCES", Verdict::Proven);
            assert!(
                finding
                    .headline
                    .contains("asks for 32 CPU, and the whole node has 4 CPU")
            );
            assert!(
                finding.fixes[0].text.contains("no controller"),
                "{:?}",
                finding.fixes
            );
            assert!(finding.fixes[1].text.contains(advice), "{:?}", finding.fixes);
        }
    }

    fn refused(reason: &str, said: &str, owner: bool) -> Value {
        let mut pod = scheduled(
            json!({"status": {"phase": "Failed", "reason": reason, "message": said, "conditions": null, "containerStatuses": null}}),
        );
        if !owner {
            pod["metadata"]["ownerReferences"] = json!(null);
        }
        pod
    }

    #[test]
    fn each_refusal_is_found_in_the_status() {
        for (code, reason, said, words) in TABLE {
            let outcome = Scene::new().object(refused(reason, said, false)).diagnose();
            let finding = outcome.finds_only(code, Verdict::Proven);
            assert!(finding.headline.contains(words), "{}", finding.headline);
        }
    }

    #[test]
    fn over_when_the_controller_made_another() {
        for (_, reason, said, _) in TABLE {
            let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "app", "namespace": "shop", "uid": "u-rs"},
                "spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": 1}});
            Scene::new()
                .object(set)
                .object(refused(reason, said, true))
                .diagnose()
                .is_calm();
        }
    }

    #[test]
    fn calm_when_it_runs() {
        Scene::new().object(scheduled(json!({}))).diagnose().is_calm();
    }

    #[test]
    fn unknown_without_the_kubelets_words() {
        for (code, reason, ..) in TABLE {
            // The reason alone tells which resource, and no numbers.
            let outcome = Scene::new().object(refused(reason, "", false)).diagnose();
            let finding = &outcome.report.findings[0];
            assert!(
                finding.code.as_str() == *code || !finding.next.is_empty(),
                "{}",
                outcome.summary()
            );
            if finding.code.as_str() != *code {
                assert!(finding.verdict <= Verdict::Possible, "{}", outcome.summary());
            }
        }
    }
}
