//! EVI-PREEMPTED-CRITICAL: the kubelet ended the pod to admit a critical one.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Kind, Risk, Severity};

use super::evicted::{node_name, said, victim};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-PREEMPTED-CRITICAL"),
    title: "preempted by the kubelet for a critical pod",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EVI-PREEMPTED-CRITICAL"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |it| match it {
        EvictionFact::PreemptedForCritical => Some("the kubelet made room for a critical pod (static or system priority) that was bound to the node"),
        _ => None,
    });
    let Some((how, message)) = found else { return };
    case.proven_by(message.seen());
    let node = facts.node_ref();
    let (node_text, victim) = (node_name(node.as_ref()), victim(facts));
    case.step(how, [message.seen()]);
    if let Some((code, ended)) = facts.exit() {
        case.step(format!("its process ends with exit code {code}"), [ended]);
    }
    case.headline(format!("{victim} was ended on {node_text} to make room for a critical system pod"));
    case.severity(Severity::Error);
    case.advice("leave room for system pods: see kube-reserved and system-reserved, and the requests of DaemonSets", Risk::None);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::pressure::tests::evicted;
    use crate::testing::{Scene, merge, pod};

    #[test]
    fn found_when_the_status_says_so() {
        let mut it = evicted("Evicted", "");
        merge(&mut it, json!({"status": {"reason": "Preempting", "message": "Preempted in order to admit critical pod"}}));
        Scene::new().object(it).diagnose().finds_only("EVI-PREEMPTED-CRITICAL", Verdict::Proven);
    }

    #[test]
    fn not_found_without_the_words_and_calm_when_healthy() {
        Scene::new().object(evicted("Evicted", "")).diagnose().lacks("EVI-PREEMPTED-CRITICAL");
        Scene::new().object(pod(json!({}))).diagnose().is_calm();
    }
}
