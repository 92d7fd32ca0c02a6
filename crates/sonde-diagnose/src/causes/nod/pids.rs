//! NOD-PIDS: processes and threads nearly used up.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-PIDS"),
    title: "processes and threads nearly used up",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-PIDS"),
};

const TOLD: Told = Told {
    kind: CheckKind::Tasks,
    headline: |it| {
        format!(
            "node {} has nearly as many processes and threads as it may: {}",
            it.node, it.found
        )
    },
    then: &[
        "at the limit no process or thread can be made: Resource temporarily unavailable, also for the kubelet",
    ],
    look: (
        "who has the most threads",
        "ps -eo nlwp,pid,comm --sort=-nlwp | head -20",
    ),
    advice: &[
        (
            "find the pod that makes so many, and limit pods (podPidsLimit of the kubelet)",
            Risk::Wide,
        ),
        ("raise kernel.pid_max", Risk::Wide),
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
