//! EVI-NODE-CONDITION: the node was under pressure when the pod arrived, and its kubelet refused it.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Kind, Risk, Severity};

use super::evicted::{node_name, said, victim};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-NODE-CONDITION"),
    title: "refused by a node under pressure",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EVI-NODE-CONDITION"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |it| match it {
        EvictionFact::NodeCondition { conditions } => Some(format!("the node had {} when the pod arrived, so its kubelet refused it", conditions.join(", "))),
        _ => None,
    });
    let Some((how, message)) = found else { return };
    case.proven_by(message.seen());
    let node = facts.node_ref();
    let (node_text, victim) = (node_name(node.as_ref()), victim(facts));
    case.step(&how, [message.seen()]);
    if let Some((code, ended)) = facts.exit() {
        case.step(format!("its process ends with exit code {code}"), [ended]);
    }
    case.headline(format!("{victim} was refused because {how}", how = how.replace("the node had", &format!("{node_text} had"))));
    case.severity(Severity::Error);
    if let Some(node) = node {
        case.root(node);
    }
    case.advice("see what the node is short of; its pressure lasts minutes beyond the shortage (evictionPressureTransitionPeriod)", Risk::None);
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
        merge(&mut it, json!({"status": {"message": "Pod was rejected: The node had condition: [DiskPressure]. "}}));
        Scene::new().object(it).diagnose().finds_only("EVI-NODE-CONDITION", Verdict::Proven);
    }

    #[test]
    fn not_found_without_the_words_and_calm_when_healthy() {
        Scene::new().object(evicted("Evicted", "")).diagnose().lacks("EVI-NODE-CONDITION");
        Scene::new().object(pod(json!({}))).diagnose().is_calm();
    }
}
