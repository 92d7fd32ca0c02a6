//! NOD-DISK-PRESSURE: the node's disk is nearly full.

use sonde_model::{Code, Kind, Risk};

use super::{Scarce, pressure};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-DISK-PRESSURE"),
    title: "node short of disk",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node, Kind::Pod],
    state,
    page: page!("NOD-DISK-PRESSURE"),
};

const SCARCE: Scarce = Scarce {
    // `OutOfDisk` ended with 1.12.
    conditions: &["DiskPressure", "OutOfDisk"],
    word: "disk space or inodes",
    said: &["disk", "ephemeral-storage", "inodes", "nodefs", "imagefs"],
    evicted_for: &[
        "ephemeral-storage",
        "inodes",
        "nodefs",
        "imagefs",
        "nodefsInodes",
        "imagefsInodes",
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if pressure(facts, case, &SCARCE) {
        let node = facts.episode.subject.name.clone();
        if !facts.is_text() {
            case.look(
                "what fills the disk",
                format!("kubectl get --raw /api/v1/nodes/{node}/proxy/stats/summary"),
            );
        }
        case.advice(
            "remove what fills it: images, logs, emptyDir volumes; or give the node a larger disk",
            Risk::Wide,
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::Scene;

    fn node(kind: &str, status: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"conditions": [
            {"type": "Ready", "status": "True"},
            {"type": kind, "status": status, "reason": "r", "message": "m", "lastTransitionTime": "2026-03-01T11:00:00Z"}]}})
    }

    #[test]
    fn each_condition_is_its_own_cause() {
        for (kind, code) in [
            ("DiskPressure", "NOD-DISK-PRESSURE"),
            ("MemoryPressure", "NOD-MEMORY-PRESSURE"),
            ("PIDPressure", "NOD-PID-PRESSURE"),
            ("NetworkUnavailable", "NOD-NETWORK-UNAVAILABLE"),
            ("KernelDeadlock", "NOD-KERNEL-TROUBLE"),
            ("ReadonlyFilesystem", "NOD-KERNEL-TROUBLE"),
        ] {
            Scene::new()
                .object(node(kind, "True"))
                .diagnose()
                .finds_only(code, Verdict::Proven);
        }
    }

    #[test]
    fn silent_when_false_and_on_conditions_that_nobody_knows() {
        Scene::new()
            .object(node("DiskPressure", "False"))
            .diagnose()
            .is_calm();
        Scene::new()
            .object(node("EtcdIsVoter", "True"))
            .diagnose()
            .is_calm();
        Scene::new()
            .object(node("SysctlChanged", "True"))
            .diagnose()
            .is_calm();
    }
}
