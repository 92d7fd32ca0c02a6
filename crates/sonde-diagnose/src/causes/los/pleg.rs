//! LOS-PLEG: the kubelet's view of its containers is stuck: the runtime answers too slowly or not at all.

use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Risk};

use super::node::{Told, tell};
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

const TOLD: Told = Told {
    silent: Some(false),
    is: |fact| matches!(fact, NodeFact::PlegUnhealthy { .. }),
    step: |node, words| format!("the kubelet of {node} cannot list its containers in time: {words}"),
    headline: "is not ready: its runtime lists containers too slowly (PLEG is not healthy)",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if tell(facts, case, &TOLD) {
        case.advice(
            "look for a slow disk, too many containers, or a hanging runtime on the node; restart the runtime when it hangs",
            Risk::Wide,
        );
    }
}
