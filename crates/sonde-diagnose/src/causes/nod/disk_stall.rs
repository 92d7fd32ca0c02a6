//! NOD-DISK-STALL: all tasks wait for disks.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-DISK-STALL"),
    title: "all tasks wait for disks",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-DISK-STALL"),
};

const TOLD: Told = Told {
    kind: CheckKind::IoStall,
    headline: |it| {
        format!(
            "the disks of node {} are so slow or busy that all its tasks wait for them: {}",
            it.node, it.found
        )
    },
    then: &["whatever reads or writes files stands still; starts of containers and probes time out"],
    look: (
        "which disk, and who uses it",
        "cat /proc/diskstats; for p in /proc/[0-9]*; do echo $(grep write_bytes $p/io | head -1) $(cat $p/comm); done | sort -k2 -n | tail",
    ),
    advice: &[
        (
            "find who reads or writes most, and move it to a disk of its own",
            Risk::Wide,
        ),
        (
            "look for a disk that fails: kernel lines of I/O errors",
            Risk::None,
        ),
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
