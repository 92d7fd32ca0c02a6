//! LOS-NODE-SHUT-DOWN: the machine was shut down.

use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Risk};

use super::node::troubled;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-NODE-SHUT-DOWN"),
    title: "machine was shut down",
    explains: &[Symptom::NodeNotReady, Symptom::Lost, Symptom::Deleting],
    reads: &[Kind::Node],
    state,
    page: page!("LOS-NODE-SHUT-DOWN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(home) = troubled(facts) else { return };
    if !home.is_silent() {
        return;
    }
    let said = home.find(|fact| match fact {
        NodeFact::ShuttingDown => Some("it says that it shuts down"),
        _ => None,
    });
    let Some((detail, seen)) = said else { return };
    case.proven_by(seen.clone());
    let name = &home.reference.name;
    case.step(format!("{name} was shut down: {detail}"), [seen]);
    case.step("so the node is not ready", home.ready().map(|(_, seen)| seen));
    home.conclude(facts, case);
    case.headline(format!("node {name} is lost: the machine was shut down"));
    case.advice(
        format!("start {name} again; if it will not come back, remove its node so that its pods move"),
        Risk::DataLoss,
    );
}
