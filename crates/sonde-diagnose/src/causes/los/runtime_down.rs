//! LOS-RUNTIME-DOWN: the node's container runtime does not answer its kubelet.

use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Risk};

use super::node::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-RUNTIME-DOWN"),
    title: "container runtime down",
    explains: &[Symptom::NodeNotReady, Symptom::Deleting],
    reads: &[Kind::Node],
    state,
    page: page!("LOS-RUNTIME-DOWN"),
};

const TOLD: Told = Told {
    silent: Some(false),
    is: |fact| matches!(fact, NodeFact::RuntimeDown { .. }),
    step: |node, words| format!("the container runtime of {node} does not answer: {words}"),
    headline: "is not ready: its container runtime does not answer",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if tell(facts, case, &TOLD) {
        let node = facts
            .node_ref()
            .map_or("NODE".into(), |node| node.name.to_string());
        case.fix(
            "look at the runtime on the node, and start it again",
            format!("ssh {node} 'systemctl status containerd crio docker; systemctl restart containerd'"),
            Risk::Wide,
        );
    }
}
