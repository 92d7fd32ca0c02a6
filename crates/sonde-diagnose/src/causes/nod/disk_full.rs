//! NOD-DISK-FULL: file system nearly full.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-DISK-FULL"),
    title: "file system nearly full",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-DISK-FULL"),
};

const TOLD: Told = Told {
    kind: CheckKind::DiskSpace,
    headline: |it| format!("{} of node {} is nearly full: {}", it.about, it.node, it.found),
    then: &["below the kubelet's threshold it evicts pods; at zero every write fails"],
    look: (
        "what takes the space",
        "df -h; du -xh --max-depth=2 /var/lib | sort -h | tail -20",
    ),
    advice: &[
        (
            "remove images and containers that nobody uses: crictl rmi --prune",
            Risk::Wide,
        ),
        ("find the log or the volume that grows, and bound it", Risk::Wide),
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
