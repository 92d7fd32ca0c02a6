//! NOD-RUNTIME-SILENT: container runtime does not answer.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-RUNTIME-SILENT"),
    title: "container runtime does not answer",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-RUNTIME-SILENT"),
};

const TOLD: Told = Told {
    kind: CheckKind::Runtime,
    headline: |it| {
        format!(
            "the container runtime of node {} does not answer its questions: {}",
            it.node, it.found
        )
    },
    then: &[
        "containers are neither started nor stopped; the node becomes NotReady when the kubelet gives up",
    ],
    look: (
        "whether it runs",
        "systemctl status containerd crio docker --no-pager; crictl info",
    ),
    advice: &[(
        "look at the runtime's log, then restart it: systemctl restart containerd",
        Risk::Wide,
    )],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
