//! NET-LISTEN-OVERFLOW: listen queue overflows.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NET-LISTEN-OVERFLOW"),
    title: "listen queue overflows",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NET-LISTEN-OVERFLOW"),
};

const TOLD: Told = Told {
    kind: CheckKind::ListenQueue,
    headline: |it| {
        format!(
            "{} does not take connections as fast as they come: {}",
            crate::node_check::at_pod_or_node(it),
            it.found
        )
    },
    then: &["the kernel drops what no longer fits in the queue; callers wait a second or more and try again"],
    look: ("which queues are full", "ss -ltn | awk \"\\$2 >= \\$3\""),
    advice: &[
        (
            "let the server take connections faster: more workers, no blocking in the accept loop",
            Risk::Wide,
        ),
        (
            "where bursts are normal, raise its backlog and net.core.somaxconn",
            Risk::Wide,
        ),
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
