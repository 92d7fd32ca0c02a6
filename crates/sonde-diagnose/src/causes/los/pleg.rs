//! LOS-PLEG: the kubelet's view of its containers is stuck: the runtime answers too slowly or not at all.

use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Risk};

use super::node::troubled;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-PLEG"),
    title: "PLEG is not healthy",
    explains: &[Symptom::NodeNotReady, Symptom::Deleting],
    reads: &[Kind::Node],
    state,
    page: page!("LOS-PLEG"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(home) = troubled(facts) else { return };
    if home.is_silent() {
        return;
    }
    let said = home.find(|fact| match fact {
        NodeFact::PlegUnhealthy { detail } => Some(detail.clone()),
        _ => None,
    });
    let Some((detail, seen)) = said else { return };
    case.proven_by(seen.clone());
    let name = &home.reference.name;
    case.step(format!("the kubelet of {name} cannot list its containers in time: {detail}"), [seen]);
    case.step("so the node is not ready", home.ready().map(|(_, seen)| seen));
    home.conclude(facts, case);
    case.headline(format!("node {name} is not ready: its runtime lists containers too slowly (PLEG is not healthy)"));
    case.advice(
        "look for a slow disk, too many containers, or a hanging runtime on the node; restart the runtime when it hangs",
        Risk::Wide,
    );
}
