//! SCH-FRAGMENTED: the nodes have enough room together, and no single one of them has.

use crate::wording::count;
use sonde_model::Code;
use sonde_schedule::Rejection;

use super::cluster_full::{short_of, who_holds};
use super::stated::{Bearing, Stated, computed, decides_if, request_field, who};
use super::words;
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-FRAGMENTED"),
    title: "enough room in total, on no single node",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-FRAGMENTED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    // From words alone the room may be spread as well as used up.
    let fragmented = |stated: &Stated<'_>| match is_fragmented(facts, stated) {
        _ if stated.nodes().is_empty() => Bearing::Support,
        true if stated.knows_pods() => Bearing::Proof,
        true => Bearing::Support,
        false => Bearing::Against,
    };
    let Some(stated) = decides_if(facts, case, Why::NoRoom, fragmented) else {
        return;
    };
    let Some(room) = short_of(facts, &stated) else {
        case.headline(format!("no single node has enough room free for {}", who(facts)));
        return stated.finish(facts, case);
    };
    let amount = |it| words::amount(&room.resource, it);
    if room.is_fragmented() {
        case.headline(format!(
            "{} asks for {}; {} are free on {} together, but only {} on one ({})",
            who(facts),
            amount(room.requested),
            amount(room.total_free),
            count(room.nodes, "node"),
            amount(room.largest_hole),
            room.largest_hole_on
        ));
    } else {
        let wanted: Vec<String> = stated
            .room(facts)
            .iter()
            .map(|room| words::amount(&room.resource, room.requested))
            .collect();
        case.headline(format!(
            "{} asks for {}; each is free somewhere, but no node has all of it free",
            who(facts),
            wanted.join(" and ")
        ));
    }
    case.step(
        format!("the pod asks for {}", amount(room.requested)),
        request_field(facts, &room.resource),
    );
    let holes = format!(
        "{} free in total, the largest hole is {} on {}",
        amount(room.total_free),
        amount(room.largest_hole),
        room.largest_hole_on
    );
    case.step("the free room is spread over the nodes", [computed(facts, holes)]);
    who_holds(facts, case, &room);
    stated.finish(facts, case);
}

/// No resource that is short is short in total.
pub(super) fn is_fragmented(facts: &Facts<'_>, stated: &Stated<'_>) -> bool {
    let short: Vec<&str> = stated
        .rejections()
        .filter_map(Rejection::shortfall)
        .map(|(resource, _)| resource.as_ref())
        .collect();
    let rooms = stated.room(facts);
    !rooms.is_empty()
        && !rooms
            .iter()
            .any(|room| short.contains(&room.resource.as_ref()) && room.total_free < room.requested)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::{Kind, Verdict};

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.";

    fn holes(on_each: &str) -> Scene {
        let mut scene = scene();
        for name in ["n1", "n2", "n3"] {
            scene = scene.object(node(name, json!({}))).object(other(
                &format!("on-{name}"),
                name,
                on_each,
                json!({}),
            ));
        }
        scene.object(pending(SAID, asks(json!({"cpu": "3"}))))
    }

    #[test]
    fn found_with_total_and_largest_hole() {
        let outcome = holes("2").diagnose();
        let finding = outcome.finds_only("SCH-FRAGMENTED", Verdict::Proven);
        assert!(
            finding
                .headline
                .contains("6 CPU are free on 3 nodes together, but only 2 CPU on one (n1)"),
            "{}",
            finding.headline
        );
        assert!(
            finding
                .evidence
                .iter()
                .any(|it| it.text.contains("held by pod/on-n1 in shop (2 CPU)"))
        );
    }

    #[test]
    fn not_when_the_cluster_is_full() {
        holes("4")
            .diagnose()
            .finds_only("SCH-CLUSTER-FULL", Verdict::Proven);
    }

    #[test]
    fn each_resource_free_on_another_node() {
        let outcome = scene()
            .object(node("n1", json!({})))
            .object(node("n2", json!({})))
            .object(other("cpu", "n1", "4", json!({})))
            .object(other("memory", "n2", "0", asks(json!({"memory": "8Gi"}))))
            .object(pending(
                "0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.",
                asks(json!({"cpu": "2", "memory": "2Gi"})),
            ))
            .diagnose();
        let finding = outcome.finds_only("SCH-FRAGMENTED", Verdict::Proven);
        assert!(
            finding.headline.contains("no node has all of it free"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn not_claimed_without_the_nodes() {
        let outcome = Scene::new().object(pending(SAID, json!({}))).diagnose();
        let rivals = &outcome.lacks("SCH-FRAGMENTED").finding("SCH-CLUSTER-FULL").rivals;
        assert!(
            rivals.iter().any(|code| code.as_str() == "SCH-FRAGMENTED"),
            "{rivals:?}"
        );
    }

    #[test]
    fn over_when_room_came_free() {
        holes("1").diagnose().lacks("SCH-FRAGMENTED");
    }

    #[test]
    fn not_proven_where_pods_that_were_not_listed_may_hold_the_room() {
        let mut scene = Scene::new().complete(&[Kind::Node]);
        for name in ["n1", "n2", "n3"] {
            scene = scene.object(node(name, json!({}))).object(other(
                &format!("on-{name}"),
                name,
                "2",
                json!({}),
            ));
        }
        let outcome = scene.object(pending(SAID, asks(json!({"cpu": "3"})))).diagnose();
        let finding = outcome.finds_only("SCH-CLUSTER-FULL", Verdict::Possible);
        assert!(
            finding
                .rivals
                .iter()
                .any(|code| code.as_str() == "SCH-FRAGMENTED"),
            "{:?}",
            finding.rivals
        );
        assert!(
            finding
                .next
                .iter()
                .any(|next| next.text.contains("which pods hold the room")),
            "{:?}",
            finding.next
        );
    }
}
