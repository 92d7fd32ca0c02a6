//! LOS-RUNTIME-DOWN: the node's container runtime does not answer its kubelet.

use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Risk};

use super::node::troubled;
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

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(home) = troubled(facts) else { return };
    if home.is_silent() {
        return;
    }
    let said = home.find(|fact| match fact {
        NodeFact::RuntimeDown { detail } => Some(detail.clone()),
        _ => None,
    });
    let Some((detail, seen)) = said else { return };
    case.proven_by(seen.clone());
    let name = &home.reference.name;
    case.step(format!("the container runtime of {name} does not answer: {detail}"), [seen]);
    case.step("so the node is not ready", home.ready().map(|(_, seen)| seen));
    home.conclude(facts, case);
    case.headline(format!("node {name} is not ready: its container runtime does not answer"));
    case.fix(
        "look at the runtime on the node, and start it again",
        format!("ssh {name} 'systemctl status containerd crio docker; systemctl restart containerd'"),
        Risk::Wide,
    );
}
