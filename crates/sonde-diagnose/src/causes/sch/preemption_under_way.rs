//! SCH-PREEMPTION-UNDER-WAY: the scheduler has chosen a node and pods of lower priority are ending there to make room.

use sonde_grammar::fact::{PreFilter, Preemption};
use sonde_model::{Code, Kind, Severity};

use super::fixes;
use super::stated::{said, under_way, who};
use crate::cause::page;
use crate::field_on;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-PREEMPTION-UNDER-WAY"),
    title: "room is being made",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-PREEMPTION-UNDER-WAY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let told = said(facts).filter(|(said, _)| {
        said.preemption.contains(&Preemption::VictimsTerminating)
            || said.pre_filter.contains(&PreFilter::WaitingForPreemption)
    });
    let under_way = under_way(facts);
    let node_name = facts.pod().status.nominated_node_name.as_str();
    match (&under_way, told) {
        (Some((node, victims)), _) => {
            let seen = facts.field("status.nominatedNodeName", node);
            case.proven_by(seen.clone());
            case.headline(format!(
                "{} gets a node soon: {} is making room, {} must end first",
                who(facts),
                node,
                fixes::names(victims)
            ));
            case.step(format!("the scheduler chose node {node}"), [seen]);
            for victim in victims.iter().take(3) {
                case.step(
                    format!("{victim} is ending"),
                    [field_on(victim, "metadata.deletionTimestamp", "set")],
                );
                case.explains(victim.clone());
            }
            if let Some(victim) = victims.first() {
                case.look(
                    "how long the victims still take",
                    format!(
                        "kubectl get {} -o jsonpath='{{.metadata.deletionTimestamp}}'",
                        victim.kubectl()
                    ),
                );
            }
        }
        (None, Some(_)) if !node_name.is_empty() && facts.snapshot.is_complete_everywhere(&Kind::Pod) => {
            let seen = facts.computed("pods that are being deleted", format!("none ends on {node_name}"));
            case.refuted_by(seen, "its victims are gone; the scheduler tries again on its own");
            return;
        }
        (None, Some((_, message)))
            if facts.snapshot.get(&facts.episode.subject).is_none() || !node_name.is_empty() =>
        {
            case.proven_by(message.seen());
            case.headline(format!(
                "{} gets a node soon: pods of lower priority are ending to make room",
                who(facts)
            ));
            case.step(
                "the scheduler waits for the victims of its preemption",
                [message.seen()],
            );
        }
        _ => return,
    }
    case.severity(Severity::Info);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to a terminating pod on the nominated node.";

    fn scene_with(deletion: Option<&str>) -> Scene {
        let victim = json!({"metadata": {"deletionTimestamp": deletion, "deletionGracePeriodSeconds": 60}});
        scene()
            .object(node("n1", json!({})))
            .object(other("low", "n1", "4", victim))
            .object(pending(
                SAID,
                json!({"spec": {"priority": 1000}, "status": {"nominatedNodeName": "n1"}}),
            ))
    }

    #[test]
    fn found_and_no_alarm() {
        let outcome = scene_with(Some("2026-03-01T12:00:30Z")).diagnose();
        let finding = outcome.finding("SCH-PREEMPTION-UNDER-WAY");
        assert_eq!(finding.severity, sonde_model::Severity::Info);
        assert!(
            finding.headline.contains("pod/low in shop must end first"),
            "{}",
            finding.headline
        );
        outcome.lacks("SCH-CLUSTER-FULL");
    }

    #[test]
    fn not_when_nobody_ends() {
        let outcome = scene_with(None).diagnose();
        outcome
            .lacks("SCH-PREEMPTION-UNDER-WAY")
            .finds_only("SCH-CLUSTER-FULL", Verdict::Proven);
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
    fn over_when_the_victims_are_gone() {
        let outcome = scene()
            .object(node("n1", json!({})))
            .object(pending(
                SAID,
                json!({"spec": {"priority": 1000}, "status": {"nominatedNodeName": "n1"}}),
            ))
            .diagnose();
        outcome
            .lacks("SCH-PREEMPTION-UNDER-WAY")
            .finds_only("SCH-UNKNOWN", Verdict::Unknown);
    }

    #[test]
    fn not_claimed_without_a_chosen_node_nor_its_pods() {
        let said = "0/1 nodes are available: 1 Insufficient cpu.";
        Scene::new()
            .object(pending(said, json!({})))
            .diagnose()
            .lacks("SCH-PREEMPTION-UNDER-WAY");
        let chosen = json!({"status": {"nominatedNodeName": "n1"}});
        Scene::new()
            .object(pending(said, chosen))
            .diagnose()
            .lacks("SCH-PREEMPTION-UNDER-WAY");
    }
}
