//! SCH-CLUSTER-FULL: the nodes that would take the pod have too little room left, even together.

use std::sync::Arc;

use sonde_model::{Code, Kind};
use sonde_schedule::{Rejection, Room};

use super::stated::{Bearing, Stated, computed, decides_if, request_field, who};
use super::{fixes, words};
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-CLUSTER-FULL"),
    title: "no node has room, and not enough in total",
    explains: &[Symptom::Unschedulable],
    reads: &[Kind::PriorityClass],
    state,
    page: page!("SCH-CLUSTER-FULL"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let full = |stated: &Stated<'_>| match super::fragmented::is_fragmented(facts, stated) {
        _ if stated.nodes().is_empty() => Bearing::Proof,
        false => Bearing::Proof,
        // Pods that were not listed may hold what seems to be free.
        true if !stated.knows_pods() => Bearing::Support,
        true => Bearing::Against,
    };
    let Some(stated) = decides_if(facts, case, Why::NoRoom, full) else {
        return;
    };
    let who = who(facts);
    match short_of(facts, &stated) {
        Some(room) => {
            let wanted = words::amount(&room.resource, room.requested);
            case.headline(format!(
                "{who} asks for {wanted}, and no node has that much free: {} at most, on {}",
                words::amount(&room.resource, room.largest_hole),
                room.largest_hole_on
            ));
            case.step(
                format!("the pod asks for {wanted}"),
                request_field(facts, &room.resource),
            );
            let free = format!(
                "{} free on {} node(s) together",
                words::amount(&room.resource, room.total_free),
                room.nodes
            );
            if room.total_free < room.requested {
                case.step("that is more than all of them have left", [computed(facts, free)]);
            }
            who_holds(facts, case, &room);
        }
        None => {
            let short = stated.named_short(false);
            case.headline(format!("no node has enough {short} free for {who}"));
        }
    }
    stated.finish(facts, case);
}

/// The resource that lacks most, in proportion, where the nodes are known.
pub(super) fn short_of(facts: &Facts<'_>, stated: &Stated<'_>) -> Option<Room> {
    let short: Vec<Arc<str>> = stated
        .rejections()
        .filter_map(Rejection::shortfall)
        .map(|(resource, _)| resource.clone())
        .collect();
    let rooms = stated
        .room(facts)
        .into_iter()
        .filter(|room| short.contains(&room.resource));
    rooms.min_by_key(|room| {
        room.largest_hole
            .saturating_mul(1000)
            .checked_div(room.requested.max(1))
    })
}

/// Who holds the rest where most is free.
pub(super) fn who_holds(facts: &Facts<'_>, case: &mut Case, room: &Room) {
    if room.holders.is_empty() {
        return;
    }
    let text = format!(
        "most on {} is held by {}",
        room.largest_hole_on,
        fixes::holders(&room.resource, &room.holders)
    );
    case.step("the rest is held by other pods", [computed(facts, text)]);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.";

    fn full() -> Scene {
        scene()
            .object(node("n1", json!({})))
            .object(node("n2", json!({})))
            .object(other("a", "n1", "3500m", json!({})))
            .object(other("b", "n2", "3", json!({})))
    }

    /// Its pod ran until another came first: who, and by which priority, is the point.
    #[test]
    fn a_pod_that_lost_its_room_is_told_with_who_took_it() {
        let first = other(
            "urgent",
            "n1",
            "3500m",
            json!({"spec": {"priority": 1000}, "metadata": {"uid": "u-urgent"}}),
        );
        let scene = |time: &str| {
            full()
                .object(first.clone())
                .object(pending(SAID, json!({"spec": {"priority": -100}})))
                .event(
                    "Pod/shop/app-0",
                    "Preempted",
                    "Preempted by pod u-urgent on node n1",
                    time,
                )
        };
        let outcome = scene("2026-03-01T11:49:00Z").diagnose();
        let finding = outcome.finding("SCH-CLUSTER-FULL");
        assert!(finding.headline.contains("shop/urgent"), "{}", finding.headline);
        let told = finding
            .chain
            .iter()
            .any(|it| it.text.contains("-100") && it.text.contains("1000"));
        assert!(told, "{:?}", finding.chain);
        // Long ago: that is another story.
        let outcome = scene("2026-03-01T09:00:00Z").diagnose();
        let finding = outcome.finding("SCH-CLUSTER-FULL");
        assert!(!finding.headline.contains("urgent"), "{}", finding.headline);
    }

    #[test]
    fn found_with_the_numbers_of_each_node() {
        let outcome = full().object(pending(SAID, json!({}))).diagnose();
        let finding = outcome.finds_only("SCH-CLUSTER-FULL", Verdict::Proven);
        assert!(
            finding.headline.contains("asks for 2 CPU") && finding.headline.contains("1 CPU at most, on n2"),
            "{}",
            finding.headline
        );
        let evidence: Vec<_> = finding.evidence.iter().map(|it| it.text.as_str()).collect();
        assert!(
            evidence.contains(&"n1: 2 CPU wanted, 500m CPU free (3.5 CPU of 4 CPU requested)"),
            "{evidence:?}"
        );
        let fixes: Vec<_> = finding.fixes.iter().map(|fix| fix.text.as_str()).collect();
        assert!(
            fixes
                .iter()
                .any(|text| text.contains("let pod/b in shop leave node n2")),
            "{fixes:?}"
        );
        assert!(
            fixes
                .iter()
                .any(|text| text.contains("ask for at most 1 CPU instead of 2 CPU")),
            "{fixes:?}"
        );
        assert!(
            fixes
                .iter()
                .any(|text| text.contains("add a node like n1 (4 CPU, 8Gi memory)")),
            "{fixes:?}"
        );
    }

    #[test]
    fn one_finding_for_forty_replicas() {
        let mut scene = full();
        for at in 1..=40 {
            let patch = json!({"metadata": {"name": format!("app-{at}"), "uid": format!("u{at}")}});
            scene = scene.object(pending(SAID, patch));
        }
        let outcome = scene.diagnose();
        assert_eq!(
            outcome
                .finds_only("SCH-CLUSTER-FULL", Verdict::Proven)
                .explains
                .len(),
            40
        );
    }

    #[test]
    fn ended_pods_hold_no_room() {
        let outcome = full()
            .object(other(
                "a",
                "n1",
                "3500m",
                json!({"status": {"phase": "Succeeded", "containerStatuses": null}}),
            ))
            .object(pending(SAID, json!({})))
            .diagnose();
        outcome.lacks("SCH-CLUSTER-FULL");
    }

    #[test]
    fn words_alone_leave_open_why_there_is_no_room() {
        // The pod's own text shows what it asks for, and not what the nodes have.
        for scene in [
            Scene::new().loose(SAID),
            Scene::new().object(pending(SAID, json!({}))),
            Scene::new().object(pending(SAID, asks(json!({"cpu": "100"})))),
        ] {
            let outcome = scene.diagnose();
            let finding = outcome.finds_only("SCH-CLUSTER-FULL", Verdict::Possible);
            assert!(finding.headline.contains("enough cpu"), "{}", finding.headline);
            let rivals: Vec<_> = finding.rivals.iter().map(|code| code.as_str()).collect();
            assert_eq!(rivals, ["SCH-FRAGMENTED", "SCH-REQUEST-TOO-LARGE"]);
            assert!(!outcome.wants.is_empty() && !finding.next.is_empty());
            let forbidden: Vec<_> = outcome
                .report
                .blind_spots
                .iter()
                .map(|spot| spot.forbids.len())
                .collect();
            assert_eq!(forbidden, [3, 3], "{:?}", outcome.report.blind_spots);
        }
    }

    #[test]
    fn as_many_nodes_as_the_scheduler_counts_are_all() {
        let scene = Scene::new()
            .object(node("n1", json!({})))
            .object(node("n2", json!({})))
            .object(other("a", "n1", "3500m", json!({})))
            .object(other("b", "n2", "3", json!({})));
        scene
            .object(pending(SAID, json!({})))
            .diagnose()
            .finds_only("SCH-CLUSTER-FULL", Verdict::Proven);
    }

    #[test]
    fn calm_when_it_runs() {
        full().object(scheduled(json!({}))).diagnose().is_calm();
    }
}
