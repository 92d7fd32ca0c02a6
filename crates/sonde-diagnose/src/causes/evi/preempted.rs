//! EVI-PREEMPTED: the scheduler deleted the pod to make room for one of higher priority.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Kind, Risk, Severity};

use super::evicted::{node_name, said, victim};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-PREEMPTED"),
    title: "preempted by a pod of higher priority",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EVI-PREEMPTED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |it| match it {
        EvictionFact::Preempted { by, .. } => Some(match by {
            Some(by) => format!("the scheduler made room on the node for pod {by}, which has a higher priority"),
            None => "the scheduler made room on the node for a pod of higher priority".to_owned(),
        }),
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
    case.headline(format!("{victim} was preempted on {node_text}: {how}"));
    case.severity(Severity::Error);
    case.advice("give it a priority class that fits its importance, or the cluster more room", Risk::None);
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
        merge(&mut it, json!({"status": {"reason": "", "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "default-scheduler: preempting to accommodate a higher priority pod"}], "containerStatuses": [crate::testing::status(json!({"ready": false, "state": {"running": null, "terminated": {"exitCode": 143, "reason": "Error", "startedAt": "2026-03-01T11:50:00Z", "finishedAt": "2026-03-01T11:58:00Z"}}}))]}}));
        Scene::new().object(it).diagnose().finds_only("EVI-PREEMPTED", Verdict::Proven);
    }

    #[test]
    fn not_found_without_the_words_and_calm_when_healthy() {
        Scene::new().object(evicted("Evicted", "")).diagnose().lacks("EVI-PREEMPTED");
        Scene::new().object(pod(json!({}))).diagnose().is_calm();
    }
}
