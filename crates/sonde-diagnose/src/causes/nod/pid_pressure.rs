//! NOD-PID-PRESSURE: the node is nearly out of process ids.

use sonde_model::{Code, Kind, Risk};

use super::{Scarce, pressure};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-PID-PRESSURE"),
    title: "node short of process ids",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node, Kind::Pod],
    state,
    page: page!("NOD-PID-PRESSURE"),
};

const SCARCE: Scarce = Scarce {
    conditions: &["PIDPressure"],
    word: "process ids",
    said: &["pids"],
    evicted_for: &["pids"],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if pressure(facts, case, &SCARCE) {
        case.advice("find the pod that makes so many processes or threads, and limit it (podPidsLimit of the kubelet)", Risk::Wide);
    }
}
