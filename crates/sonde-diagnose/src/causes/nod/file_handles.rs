//! NOD-FILE-HANDLES: open files nearly used up.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-FILE-HANDLES"),
    title: "open files nearly used up",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-FILE-HANDLES"),
};

const TOLD: Told = Told {
    kind: CheckKind::FileHandles,
    headline: |it| {
        format!(
            "node {} has nearly as many open files as it may: {}",
            it.node, it.found
        )
    },
    then: &[
        "at the limit every open, accept and connect of every program fails with Too many open files in system",
    ],
    look: (
        "who holds the most",
        "for p in /proc/[0-9]*; do echo $(ls $p/fd | wc -l) $(cat $p/comm); done | sort -n | tail",
    ),
    advice: &[
        (
            "find the program that opens files and sockets and does not close them",
            Risk::Wide,
        ),
        ("raise fs.file-max", Risk::Wide),
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
