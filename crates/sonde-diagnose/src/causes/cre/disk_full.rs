//! CRE-DISK-FULL: the node has no room to make sandbox or container.

use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, SandboxFailure};
use sonde_model::{Code, Risk};

use super::said::{look_at_node, said, tell_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-DISK-FULL"),
    title: "no room on the node",
    explains: &[Symptom::NotStarting, Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-DISK-FULL"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Sandbox(SandboxFailure::DiskFull) => Some(()),
        Fact::Create(CreateFailure::DiskFull) => Some(()),
        _ => None,
    });
    let Some((_, message)) = found else { return };
    case.proven_by(message.seen());
    tell_node(facts, case, message, "its disk is full");
    look_at_node(facts, case, "the disks", "df -h; df -i");
    case.advice(
        "free room or inodes on the node: old logs, unused images, files of pods that are gone",
        Risk::Wide,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_sandbox};

    #[test]
    fn a_full_disk() {
        check_sandbox(&Check {
            code: "CRE-DISK-FULL",
            proofs: &[
                "failed to create containerd container: mkdir /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/new-1: no space left on device",
            ],
            says: &["disk is full"],
            pod: json!({}),
        });
    }
}
