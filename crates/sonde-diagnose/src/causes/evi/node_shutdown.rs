//! EVI-NODE-SHUTDOWN: the node was shutting down, and the kubelet ended the pod.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Kind, Risk, Severity};

use super::evicted::{node_name, said, victim};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-NODE-SHUTDOWN"),
    title: "ended because the node shut down",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EVI-NODE-SHUTDOWN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |it| match it {
        EvictionFact::NodeShutdown => Some("the node was shutting down, so its kubelet ended the pod"),
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
    case.headline(format!("{victim} was ended because {node_text} was shutting down"));
    case.severity(Severity::Warning);
    if let Some(node) = node {
        case.root(node);
    }
    case.advice("drain nodes before they shut down; pods that are left over as Failed can be deleted", Risk::None);
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
        merge(&mut it, json!({"status": {"reason": "Terminated", "message": "Pod was terminated in response to imminent node shutdown."}}));
        Scene::new().object(it).diagnose().finds_only("EVI-NODE-SHUTDOWN", Verdict::Proven);
    }

    #[test]
    fn not_found_without_the_words_and_calm_when_healthy() {
        Scene::new().object(evicted("Evicted", "")).diagnose().lacks("EVI-NODE-SHUTDOWN");
        Scene::new().object(pod(json!({}))).diagnose().is_calm();
    }
}
