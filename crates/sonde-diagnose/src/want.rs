//! Evidence that would decide and is not at hand.

use std::sync::Arc;

use jiff::Timestamp;
use sonde_model::{Kind, ObjectRef};

use crate::LogKey;

/// One thing to fetch before the engine runs again. Offline it becomes a blind spot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// The last lines of a container's log.
    ContainerLog(LogKey),
    /// A node's kernel log around a time.
    KernelLog {
        /// The node.
        node: Arc<str>,
        /// The time; `None` for the newest lines.
        around: Option<Timestamp>,
    },
    /// A node's kubelet log around a time.
    KubeletLog {
        /// The node.
        node: Arc<str>,
        /// The time; `None` for the newest lines.
        around: Option<Timestamp>,
    },
    /// One object.
    Object(ObjectRef),
    /// Every object of a kind, in one namespace or (empty) in the cluster.
    Kind {
        /// The kind.
        kind: Kind,
        /// The namespace.
        namespace: Arc<str>,
    },
}
