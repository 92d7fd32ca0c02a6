//! SCH-NODE-NAME: the pod names its node, and that node does not exist or is another one.

use sonde_model::{Code, Risk};
use sonde_schedule::Rejection;

use super::stated::{decides, who};
use crate::placement::Why;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-NODE-NAME"),
    title: "the pod names a node that is not there",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-NODE-NAME"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::NodeName) else {
        return;
    };
    let who = who(facts);
    let wanted = stated.rejections().find_map(|rejection| match rejection {
        Rejection::NodeName { wanted } => Some(wanted.clone()),
        _ => None,
    });
    case.headline(match &wanted {
        Some(name) => format!("{who} names node {name}, which does not exist"),
        None => format!("{who} names a node that does not exist"),
    });
    if let Some(name) = wanted {
        case.step("the pod names its node", [facts.field("spec.nodeName", name)]);
    }
    case.advice(
        "remove spec.nodeName from the pod template; a node selector lets the scheduler choose",
        Risk::Restart,
    );
    stated.finish(facts, case);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/3 nodes are available: 3 node(s) didn't match the requested node name.";

    #[test]
    fn proven_by_the_words_of_the_scheduler() {
        Scene::new().loose(SAID).diagnose().finds_only("SCH-NODE-NAME", Verdict::Proven);
    }

    #[test]
    fn calm_when_it_runs() {
        scene().object(node("n1", json!({}))).object(scheduled(json!({}))).diagnose().is_calm();
    }
}
