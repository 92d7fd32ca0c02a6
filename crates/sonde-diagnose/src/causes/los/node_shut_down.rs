//! LOS-NODE-SHUT-DOWN: the machine was shut down, or is shutting down.

use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Risk};

use super::node::{Told, tell, troubled};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-NODE-SHUT-DOWN"),
    title: "machine was shut down",
    explains: &[Symptom::NodeNotReady, Symptom::Lost, Symptom::Deleting],
    reads: &[Kind::Node, Kind::Lease],
    state,
    page: page!("LOS-NODE-SHUT-DOWN"),
};

const TOLD: Told = Told {
    silent: None,
    is: |fact| matches!(fact, NodeFact::ShuttingDown),
    step: |node, words| format!("{node} was shut down: {words}"),
    headline: "is lost: the machine was shut down",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if tell(facts, case, &TOLD) {
        if let Some(home) = troubled(facts).filter(|home| !home.is_text && !home.is_silent()) {
            case.headline(format!("node {} is shutting down", home.reference.name));
        }
        case.advice(
            "start the machine again; if it will not come back, remove its node so that its pods move",
            Risk::DataLoss,
        );
    }
}
