//! NOD-DISK-READ-ONLY: file system became read-only.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-DISK-READ-ONLY"),
    title: "file system became read-only",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-DISK-READ-ONLY"),
};

const TOLD: Told = Told {
    kind: CheckKind::ReadOnly,
    headline: |it| {
        format!(
            "{} of node {} takes no more writes: {}",
            it.about, it.node, it.found
        )
    },
    then: &["every program that writes there fails, the kubelet and the runtime too where it is theirs"],
    look: (
        "what the kernel says of the error",
        "dmesg -T | grep -iE \"ext4|xfs|btrfs|i/o error|remount\" | tail -30",
    ),
    advice: &[(
        "move the pods away (kubectl drain), then check the disk and the file system",
        Risk::Wide,
    )],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
