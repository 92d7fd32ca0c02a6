//! SCH-EXTENDED-RESOURCE-IN-USE: nodes offer the extended resource that the pod asks for, and other pods have it all.

use sonde_model::Code;
use sonde_schedule::Rejection;

use super::cluster_full::who_holds;
use super::stated::{decides, request_field, who};
use super::words;
use crate::cause::page;
use crate::placement::{Why, is_extended};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-EXTENDED-RESOURCE-IN-USE"),
    title: "all of an extended resource is in use",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-EXTENDED-RESOURCE-IN-USE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::ExtendedInUse) else {
        return;
    };
    let who = who(facts);
    let room = stated.room(facts).into_iter().find(|room| {
        is_extended(&room.resource)
            && stated
                .rejections()
                .filter_map(Rejection::shortfall)
                .any(|(resource, _)| *resource == room.resource)
    });
    match room {
        Some(room) => {
            let amount = |it| words::amount(&room.resource, it);
            case.headline(format!(
                "{who} asks for {}, and at most {} is free on one node",
                amount(room.requested),
                amount(room.largest_hole)
            ));
            case.step(
                format!("the pod asks for {}", amount(room.requested)),
                request_field(facts, &room.resource),
            );
            who_holds(facts, case, &room);
        }
        None => {
            case.headline(format!(
                "no node has enough {} free for {who}",
                stated.named_short(true)
            ));
        }
    }
    stated.finish(facts, case);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";

    fn scene_with(used: &str) -> Scene {
        scene()
            .object(node(
                "n1",
                json!({"status": {"allocatable": {"nvidia.com/gpu": "2"}}}),
            ))
            .object(other("train", "n1", "0", asks(json!({"nvidia.com/gpu": used}))))
            .object(pending(SAID, asks(json!({"nvidia.com/gpu": "1"}))))
    }

    #[test]
    fn found_with_who_has_it() {
        let outcome = scene_with("2").diagnose();
        let finding = outcome.finds_only("SCH-EXTENDED-RESOURCE-IN-USE", Verdict::Proven);
        assert!(
            finding
                .evidence
                .iter()
                .any(|it| it.text.contains("pod/train in shop (2 nvidia.com/gpu)")),
            "{:?}",
            finding.evidence
        );
    }

    #[test]
    fn over_when_one_came_free() {
        scene_with("1").diagnose().lacks("SCH-EXTENDED-RESOURCE-IN-USE");
    }

    #[test]
    fn words_alone_leave_open_whether_any_node_offers_it() {
        for scene in [
            Scene::new().loose(SAID),
            Scene::new().object(pending(SAID, asks(json!({"nvidia.com/gpu": "1"})))),
        ] {
            let outcome = scene.diagnose();
            let finding = outcome.finds_only("SCH-EXTENDED-RESOURCE-IN-USE", Verdict::Possible);
            let rivals: Vec<_> = finding.rivals.iter().map(|code| code.as_str()).collect();
            assert_eq!(rivals, ["SCH-EXTENDED-RESOURCE-UNKNOWN"]);
            assert!(!finding.next.is_empty());
        }
    }
}
