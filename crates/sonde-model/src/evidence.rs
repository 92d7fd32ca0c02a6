//! What was seen, where and when.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ObjectRef;

/// The id of an evidence within its finding, `e1`, `e2`, in the order of first use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct EvidenceId(pub String);

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What sort of thing was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EvidenceKind {
    /// A field of an API object.
    Field,
    /// An event.
    Event,
    /// A line of a container's log.
    ContainerLog,
    /// A line of the kernel log.
    KernelLog,
    /// A line of the kubelet's log.
    KubeletLog,
    /// A line of the container runtime's log.
    RuntimeLog,
    /// What Sonde's agent on the node saw in the kernel: a signal with its sender, a process that ended.
    Agent,
    /// Counters of the node, as the kubelet exports them.
    Metric,
    /// Pasted text that says nothing about where it comes from.
    Text,
    /// A number computed from a completely known part of the snapshot, such as the free memory of a node.
    Computed,
    /// An object that does not exist although its kind and namespace were completely listed.
    Absence,
}

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Id within the finding.
    pub id: EvidenceId,
    /// What sort of thing.
    pub kind: EvidenceKind,
    /// The place: an object's field path, a log's name and line.
    pub source: String,
    /// The object it was seen on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// When it happened; for repeated events the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub time: Option<Timestamp>,
    /// The exact words, redacted.
    pub text: String,
}
