//! NOD-TASKS-BLOCKED: tasks stuck in the kernel.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-TASKS-BLOCKED"),
    title: "tasks stuck in the kernel",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-TASKS-BLOCKED"),
};

const TOLD: Told = Told {
    kind: CheckKind::Blocked,
    headline: |it| format!("tasks on node {} are stuck in the kernel: {}", it.node, it.found),
    then: &[
        "they cannot be killed until what they wait for answers: pods that use it neither stop nor start",
    ],
    look: (
        "what they wait for",
        "for t in $(ps -eo pid,stat --no-headers | grep \" D\" | cut -c1-8); do cat /proc/$t/comm /proc/$t/wchan /proc/$t/stack; echo; done",
    ),
    advice: &[
        (
            "look for storage that does not answer: an NFS server, a CSI volume, a failing disk",
            Risk::None,
        ),
        (
            "where it does not come back, drain the node and restart it",
            Risk::Wide,
        ),
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
