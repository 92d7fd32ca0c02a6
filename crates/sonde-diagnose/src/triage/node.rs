//! Nodes.

use jiff::SignedDuration;
use sonde_model::Moment as _;
use sonde_world::Object;

use super::{Opened, Triage};
use crate::{Episode, Symptom};

/// Conditions that are trouble when they are true: Kubernetes' own, and those of node-problem-detector's shipped
/// configuration. Others are unknown to us and may be healthy when true.
const TROUBLES: &[&str] = &[
    "MemoryPressure",
    "DiskPressure",
    "OutOfDisk",
    "PIDPressure",
    "NetworkUnavailable",
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

/// A node that joins, or whose kubelet starts anew, is not ready for a while; a guess.
const START_PATIENCE: SignedDuration = SignedDuration::from_mins(2);
/// What a kubelet says only in the first seconds of its life.
const STARTS: &[&str] = &["may not have completed yet", "yet to be successful"];

pub(super) fn look(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let Some(node) = object.node() else { return };
    let me = &object.reference;
    let ready = node.conditions.iter().find(|condition| condition.kind == "Ready");
    match ready {
        Some(ready) if !ready.is_true() => {
            // A node that has just joined reports NotReady until its network is configured.
            let word = if ready.status == "Unknown" {
                "Unknown"
            } else {
                "NotReady"
            };
            let since = ready.last_transition_time.0;
            let starts = STARTS.iter().any(|words| ready.message.contains(words));
            let joined = object.created.filter(|_| ready.is_false());
            let from = joined.max(since.filter(|_| starts));
            out.push(Opened::patient(
                Episode::new(me.clone(), Symptom::NodeNotReady, word).since(since),
                from.map(|from| from.later(START_PATIENCE)),
            ));
        }
        Some(_) => {}
        None if !object.partial
            && triage
                .elapsed(object.created)
                .is_some_and(|age| age > START_PATIENCE) =>
        {
            out.push(
                Episode::new(me.clone(), Symptom::NodeNotReady, "NotReady")
                    .since(object.created)
                    .into(),
            );
        }
        None => {}
    }
    for condition in &node.conditions {
        if condition.is_true() && TROUBLES.contains(&condition.kind.as_str()) {
            let episode = Episode::new(me.clone(), Symptom::NodePressure, &condition.kind)
                .since(condition.last_transition_time.0);
            out.push(episode.into());
        }
    }
}
