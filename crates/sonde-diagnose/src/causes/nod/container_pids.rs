//! NOD-CONTAINER-PIDS: container at its limit of processes.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-CONTAINER-PIDS"),
    title: "container at its limit of processes",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-CONTAINER-PIDS"),
};

const TOLD: Told = Told {
    kind: CheckKind::ContainerTasks,
    headline: |it| {
        format!(
            "{} has nearly as many processes and threads as it may: {}",
            crate::node_check::about(it),
            it.found
        )
    },
    then: &[
        "at the limit its own forks and new threads fail: Resource temporarily unavailable, or an OutOfMemoryError of a JVM",
    ],
    look: (
        "which of its programs has the most threads",
        "ps -eLo pid,comm --no-headers | sort | uniq -c | sort -n | tail",
    ),
    advice: &[
        (
            "find what makes threads or processes and does not end them",
            Risk::Wide,
        ),
        ("raise the kubelet's podPidsLimit", Risk::Wide),
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
