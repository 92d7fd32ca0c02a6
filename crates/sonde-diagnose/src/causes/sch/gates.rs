//! SCH-GATES: the pod has scheduling gates: someone has asked the scheduler to wait.

use sonde_grammar::fact::PreFilter;
use sonde_model::{Code, Kind, Risk, Severity};
use sonde_schedule::Obstacle;

use super::stated::{decides, said, who};
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-GATES"),
    title: "scheduling gates hold the pod back",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-GATES"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let has_none = facts.episode.subject.kind == Kind::Pod
        && !facts.is_partial()
        && facts.pod().spec.scheduling_gates.is_empty();
    if has_none {
        if let Some((_, message)) =
            said(facts).filter(|(said, _)| said.pre_filter.iter().any(|it| matches!(it, PreFilter::Gates(_))))
        {
            case.refuted_by(message.seen(), "the pod has no gate any more");
        }
        return;
    }
    let Some(stated) = decides(facts, case, Why::Gates) else {
        return by_condition(facts, case);
    };
    let gates: Vec<String> = stated
        .obstacles()
        .iter()
        .find_map(|obstacle| match obstacle {
            Obstacle::Gates(gates) => Some(gates.clone()),
            _ => None,
        })
        .or_else(|| {
            stated.stops().iter().find_map(|stop| match stop {
                PreFilter::Gates(gates) => Some(gates.clone()),
                _ => None,
            })
        })
        .unwrap_or_default();
    let names = gates.join(", ");
    case.headline(if gates.is_empty() {
        format!(
            "{} is held back by scheduling gates; whoever set them must remove them",
            who(facts)
        )
    } else {
        format!(
            "{} is held back by scheduling gate {names}; whoever set it must remove it",
            who(facts)
        )
    });
    let seen = facts.field("spec.schedulingGates", &names);
    case.proven_by(seen.clone());
    case.step("the scheduler does not look at a pod that has a gate", [seen]);
    // Queues set gates on purpose; the wait is theirs to explain.
    let queued = |gate: &String| QUEUES.iter().any(|queue| gate.contains(queue));
    case.severity(if !gates.is_empty() && gates.iter().all(queued) {
        Severity::Info
    } else {
        Severity::Warning
    });
    if facts.episode.subject.kind == Kind::Pod {
        case.fix(
            "if nobody will remove the gate, remove it by hand",
            format!(
                "kubectl patch {} --type=json -p '[{{\"op\":\"remove\",\"path\":\"/spec/schedulingGates\"}}]'",
                facts.episode.subject.kubectl()
            ),
            Risk::None,
        );
    }
    stated.finish(facts, case);
}

/// A table shows the condition and no gate.
fn by_condition(facts: &Facts<'_>, case: &mut Case) {
    const GATED: &str = "SchedulingGated";
    let Some(condition) = facts
        .pod()
        .condition("PodScheduled")
        .filter(|_| facts.is_partial())
    else {
        return;
    };
    // A description shows neither the reason nor the gates.
    if condition.is_false() && condition.reason.is_empty() && said(facts).is_none() {
        let seen = facts.field("status.conditions[PodScheduled].status", &condition.status);
        case.hinted_by(seen.clone());
        case.severity(Severity::Warning);
        case.step(
            "it is not scheduled, and no word of a scheduler says why, as of a pod that has a gate",
            [seen],
        );
        case.headline(format!(
            "{} is not scheduled, and nothing says why: it may have a scheduling gate, which a description does not show, or the scheduler's events are gone",
            who(facts)
        ));
        case.look(
            "whether it has gates",
            format!(
                "kubectl get {} -o jsonpath={{.spec.schedulingGates}}",
                facts.episode.subject.kubectl()
            ),
        );
        return;
    }
    if condition.reason != GATED {
        return;
    }
    let seen = facts.field("status.conditions[PodScheduled].reason", GATED);
    case.proven_by(seen.clone());
    case.severity(Severity::Warning);
    case.step("the scheduler does not look at a pod that has a gate", [seen]);
    case.headline(format!(
        "{} is held back by scheduling gates; whoever set them must remove them",
        who(facts)
    ));
    case.look(
        "which gates it has",
        format!(
            "kubectl get {} -o jsonpath={{.spec.schedulingGates}}",
            facts.episode.subject.kubectl()
        ),
    );
}

/// Parts of the gate names of queues that admit pods in their own time.
const QUEUES: &[&str] = &["kueue.x-k8s.io", "volcano.sh", "yunikorn"];

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    fn gated(gate: &str) -> serde_json::Value {
        json!({"spec": {"schedulingGates": [{"name": gate}]}, "status": {"conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": "Scheduling is blocked due to non-empty scheduling gates", "lastTransitionTime": "2026-03-01T11:50:00Z"}]}})
    }

    #[test]
    fn found_with_its_name() {
        let outcome = scene()
            .object(node("n1", json!({})))
            .object(pending("", gated("example.com/quota")))
            .diagnose();
        let finding = outcome.finds_only("SCH-GATES", Verdict::Proven);
        assert!(
            finding.headline.contains("example.com/quota"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn a_queue_is_no_alarm() {
        let outcome = scene()
            .object(node("n1", json!({})))
            .object(pending("", gated("kueue.x-k8s.io/admission")))
            .diagnose();
        assert_eq!(outcome.finding("SCH-GATES").severity, sonde_model::Severity::Info);
    }

    #[test]
    fn known_without_any_node() {
        Scene::new()
            .object(pending("", gated("x")))
            .diagnose()
            .finding("SCH-GATES");
    }

    #[test]
    fn calm_when_it_runs() {
        scene()
            .object(node("n1", json!({})))
            .object(scheduled(json!({})))
            .diagnose()
            .is_calm();
    }

    #[test]
    fn over_when_the_gate_was_removed() {
        let mut open = gated("x");
        open["spec"]["schedulingGates"] = json!(null);
        for scene in [Scene::new(), scene().object(node("n1", json!({})))] {
            scene
                .object(pending("", open.clone()))
                .diagnose()
                .lacks("SCH-GATES");
        }
    }

    #[test]
    fn a_rival_decides_only_once_the_gate_is_gone() {
        // The cluster is full as well; nobody has looked yet.
        let full = || {
            scene()
                .object(node("n1", json!({})))
                .object(other("a", "n1", "4", json!({})))
        };
        full()
            .object(pending("", gated("x")))
            .diagnose()
            .finds_only("SCH-GATES", Verdict::Proven);
        let said = "0/1 nodes are available: 1 Insufficient cpu.";
        full()
            .object(pending(said, json!({})))
            .diagnose()
            .lacks("SCH-GATES")
            .finds_only("SCH-CLUSTER-FULL", Verdict::Proven);
    }
}
