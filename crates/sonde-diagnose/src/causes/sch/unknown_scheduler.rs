//! SCH-UNKNOWN-SCHEDULER: the pod asks for a scheduler by name, and nothing shows that one of that name runs.

use sonde_model::{Code, Kind, Risk, nearest};
use sonde_schedule::Obstacle;

use super::stated::{said, who};
use crate::Want;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-UNKNOWN-SCHEDULER"),
    title: "nobody answers to the schedulerName",
    explains: &[Symptom::Unschedulable],
    reads: &[Kind::Event],
    state,
    page: page!("SCH-UNKNOWN-SCHEDULER"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let pod = facts.pod();
    let name = pod.spec.scheduler_name.as_str();
    if facts.episode.subject.kind != Kind::Pod || matches!(name, "" | DEFAULT) || said(facts).is_some() {
        return;
    }
    let seen = facts.field("spec.schedulerName", name);
    let unseen = facts.placement().is_some_and(|placement| {
        placement
            .fit
            .before_nodes
            .iter()
            .any(|obstacle| matches!(obstacle, Obstacle::UnknownScheduler(_)))
    });
    if !unseen {
        let text = "it has placed other pods or written events";
        case.refuted_by(facts.computed("pods and events by scheduler", text), text);
        return;
    }
    let near = nearest(name, [DEFAULT]);
    let nothing = facts.computed(
        "pods and events by scheduler",
        format!("no pod was placed and no event written by {name}"),
    );
    let everything = [Kind::Pod, Kind::Event]
        .iter()
        .all(|kind| facts.snapshot.is_complete_everywhere(kind));
    if everything && pod.condition("PodScheduled").is_none() {
        case.proven_by(nothing.clone());
    } else {
        case.supported_by(nothing.clone());
        case.wants(
            Want::Kind {
                kind: Kind::Pod,
                namespace: "".into(),
            },
            "whether any pod was placed by that scheduler",
        );
    }
    case.headline(format!(
        "{} asks for scheduler {name}, and nothing shows that a scheduler of that name runs",
        who(facts)
    ));
    case.step(format!("the pod asks for scheduler {name}"), [seen]);
    case.step("no scheduler of that name is seen at work", [nothing]);
    case.step(
        "so nobody looks at the pod, and it has neither a condition nor an event",
        [facts.field("status.phase", &pod.status.phase)],
    );
    if let Some(near) = near {
        case.advice(
            format!("if {near} was meant, correct schedulerName in the pod template"),
            Risk::Restart,
        );
    } else {
        case.advice(
            format!("start scheduler {name}, or remove schedulerName from the pod template to use {DEFAULT}"),
            Risk::Restart,
        );
    }
    case.root_key(name);
}

const DEFAULT: &str = "default-scheduler";

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    fn named(name: &str) -> serde_json::Value {
        json!({"metadata": {"creationTimestamp": "2026-03-01T11:50:00Z"}, "spec": {"schedulerName": name}, "status": {"conditions": null}})
    }

    fn nodes() -> Scene {
        scene().object(node("n1", json!({})))
    }

    #[test]
    fn found_when_nothing_shows_that_it_runs() {
        let outcome = nodes().object(pending("", named("default-schedular"))).diagnose();
        let finding = outcome.finds_only("SCH-UNKNOWN-SCHEDULER", Verdict::Proven);
        assert!(
            finding.headline.contains("asks for scheduler default-schedular"),
            "{}",
            finding.headline
        );
        assert!(
            finding
                .fixes
                .iter()
                .any(|fix| fix.text.contains("if default-scheduler was meant"))
        );
    }

    #[test]
    fn not_when_it_placed_another_pod() {
        let outcome = nodes()
            .object(other("a", "n1", "1", json!({"spec": {"schedulerName": "batch"}})))
            .object(pending("", named("batch")))
            .diagnose();
        outcome
            .does_not_claim("SCH-UNKNOWN-SCHEDULER")
            .rules_out("SCH-UNKNOWN-SCHEDULER");
    }

    #[test]
    fn not_proven_when_other_pods_were_not_listed() {
        let outcome = Scene::new().object(pending("", named("batch"))).diagnose();
        outcome.finds_only("SCH-UNKNOWN-SCHEDULER", Verdict::Likely);
    }

    #[test]
    fn calm_when_it_runs() {
        nodes()
            .object(scheduled(json!({"spec": {"schedulerName": "batch"}})))
            .diagnose()
            .is_calm();
    }
}
