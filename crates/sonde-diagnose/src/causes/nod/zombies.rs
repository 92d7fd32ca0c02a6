//! NOD-ZOMBIES: processes that nobody waits for.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-ZOMBIES"),
    title: "processes that nobody waits for",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-ZOMBIES"),
};

const TOLD: Told = Told {
    kind: CheckKind::Zombies,
    headline: |it| {
        format!(
            "a program on node {} does not wait for its children: {}",
            it.node, it.found
        )
    },
    then: &["each of them keeps its number; in the end no process can be made"],
    look: (
        "whose children they are",
        "ps -eo ppid,stat,comm | grep \" Z\" | sort | uniq -c | sort -n | tail",
    ),
    advice: &[
        (
            "restart the parent: its children then go to a process that waits for them",
            Risk::Wide,
        ),
        (
            "run the container with an init process (shareProcessNamespace, tini)",
            Risk::Wide,
        ),
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
