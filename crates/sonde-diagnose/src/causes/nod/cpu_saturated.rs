//! NOD-CPU-SATURATED: processors saturated.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-CPU-SATURATED"),
    title: "processors saturated",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-CPU-SATURATED"),
};

const TOLD: Told = Told {
    kind: CheckKind::Cpu,
    headline: |it| {
        format!(
            "node {} has had more work than its cores can do for a quarter of an hour: {}",
            it.node, it.found
        )
    },
    then: &["every process on it waits for its turn: calls get slower, probes time out"],
    look: ("who uses the processors", "top -b -n 1 -o %CPU | head -30"),
    advice: &[
        (
            "move work away from the node, or give it fewer pods: set CPU requests that match what the pods use",
            Risk::Wide,
        ),
        ("limit who uses most, where it is not meant to", Risk::Wide),
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
