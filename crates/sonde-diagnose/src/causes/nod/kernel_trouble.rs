//! NOD-KERNEL-TROUBLE: the node's kernel or a daemon on it reports a trouble, as node-problem-detector relays it.

use sonde_model::{Code, Kind, Risk, Severity};

use super::condition;

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-KERNEL-TROUBLE"),
    title: "node's kernel or daemon in trouble",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node, Kind::Pod],
    state,
    page: page!("NOD-KERNEL-TROUBLE"),
};

/// The conditions of node-problem-detector's shipped configuration that mean trouble.
const RELAYED: &[&str] = &[
    "KernelDeadlock",
    "ReadonlyFilesystem",
    "CorruptDockerOverlay2",
    "FrequentKubeletRestart",
    "FrequentDockerRestart",
    "FrequentContainerdRestart",
    "FrequentUnregisterNetDevice",
    "KubeletUnhealthy",
    "ContainerRuntimeUnhealthy",
];

fn state(facts: &Facts<'_>, case: &mut Case) {
    let relayed = RELAYED.iter().find_map(|kind| condition(facts, kind));
    let Some((condition, seen)) = relayed else { return };
    let node = &facts.episode.subject;
    case.proven_by(seen.clone());
    case.step(
        format!("{} reports {}: {}", node.name, condition.kind, condition.message),
        [seen],
    );
    case.headline(format!(
        "node {} reports {}: {}",
        node.name, condition.kind, condition.message
    ));
    case.severity(Severity::Warning);
    case.root(node.clone());
    case.root_key(condition.kind.as_str());
    case.look(
        "the kernel's own lines",
        format!("kubectl debug {node} -it --image=busybox --profile=sysadmin -- chroot /host dmesg -T"),
    );
    case.advice("move its pods away and look at the machine", Risk::Wide);
}
