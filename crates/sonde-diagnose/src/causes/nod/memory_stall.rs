//! NOD-MEMORY-STALL: all tasks wait for memory.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-MEMORY-STALL"),
    title: "all tasks wait for memory",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-MEMORY-STALL"),
};

const TOLD: Told = Told {
    kind: CheckKind::MemoryStall,
    headline: |it| {
        format!(
            "node {} is so short of memory that all its tasks wait for it: {}",
            it.node, it.found
        )
    },
    then: &["the kernel takes pages back faster than work is done; a kill for memory or an eviction is near"],
    look: (
        "which processes hold the memory",
        "ps -eo pid,rss,comm --sort=-rss | head -20",
    ),
    advice: &[
        (
            "give pods requests that match what they use, so that fewer fit on the node",
            Risk::Wide,
        ),
        ("end or move who holds most", Risk::Wide),
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
