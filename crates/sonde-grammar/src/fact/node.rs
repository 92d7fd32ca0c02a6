//! Nodes, evictions and refusals of the kubelet.

use std::sync::Arc;

use sonde_model::{CheckKind, CheckVerdict};

/// A pod was evicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvictionFact {
    /// The node was short of a resource.
    NodePressure {
        /// `memory`, `ephemeral-storage`, `inodes`, `pids`.
        resource: String,
        /// The threshold, where the text has it (1.26 on).
        threshold: Option<String>,
        /// What was available, where the text has it.
        available: Option<String>,
        /// Containers that used more than they requested: name, usage, request.
        over_request: Vec<(String, String, String)>,
    },
    /// Refused on arrival because of the node's conditions.
    NodeCondition {
        /// The conditions.
        conditions: Vec<String>,
    },
    /// The pod used more ephemeral storage than its containers' limits.
    PodEphemeralLimit {
        /// The limit.
        limit: String,
    },
    /// A container used more ephemeral storage than its limit.
    ContainerEphemeralLimit {
        /// The container.
        container: String,
        /// The limit.
        limit: String,
    },
    /// An emptyDir is fuller than its limit.
    EmptyDirLimit {
        /// The volume.
        volume: String,
        /// The limit.
        limit: String,
    },
    /// A taint that the pod does not tolerate (`TaintManagerEviction`, `DeletionByTaintManager`).
    Taint,
    /// Through the eviction API.
    Api {
        /// The words.
        detail: String,
    },
    /// The node is gone from the cluster, and the pod with it (`DeletionByPodGC`).
    NodeGone,
    /// The scheduler made room for another pod.
    Preempted {
        /// The preempting pod or its uid, where the text names it.
        by: Option<String>,
        /// The node.
        node: Option<String>,
    },
    /// The kubelet made room for a critical pod.
    PreemptedForCritical,
    /// The node shuts down.
    NodeShutdown,
}

/// The kubelet refused a pod bound to its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RejectFact {
    /// The node has too little of a resource.
    OutOf {
        /// The resource.
        resource: String,
        /// Requested.
        requested: Option<String>,
        /// Used.
        used: Option<String>,
        /// Capacity.
        capacity: Option<String>,
    },
    /// A predicate failed: `NodeAffinity`, `NodePorts`, `TaintToleration`.
    Predicate {
        /// Its name.
        name: String,
    },
    /// A device plugin's resources cannot be given.
    Devices {
        /// The words.
        detail: String,
    },
    /// NUMA alignment.
    Topology {
        /// The words.
        detail: String,
    },
    /// The node shuts down.
    NodeShutdown,
    /// The node's conditions.
    Condition {
        /// The conditions.
        conditions: Vec<String>,
    },
    /// Something no grammar knows.
    Other {
        /// The words.
        detail: String,
    },
}

/// A node's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeFact {
    /// The kubelet no longer reports.
    KubeletSilent,
    /// `NodeNotReady`.
    NotReady,
    /// The pod lifecycle generator is stuck.
    PlegUnhealthy {
        /// The words.
        detail: String,
    },
    /// The container runtime does not answer.
    RuntimeDown {
        /// The words.
        detail: String,
    },
    /// The network plugin is not ready.
    NetworkNotReady {
        /// The words.
        detail: String,
    },
    /// The kubelet's certificate is expired or refused.
    Certificate {
        /// The words.
        detail: String,
    },
    /// The kubelet cannot reach the API server.
    ApiUnreachable {
        /// The words.
        detail: String,
    },
    /// The kubelet may not write its node or lease.
    ApiForbidden {
        /// The words.
        detail: String,
    },
    /// A pressure condition is true.
    Pressure {
        /// `memory`, `disk`, `pids`.
        resource: String,
    },
    /// Something else keeps the kubelet from being ready.
    KubeletNotReady {
        /// The words.
        detail: String,
    },
    /// The kubelet has no cluster DNS address, so pods use the node's resolver.
    MissingClusterDns,
    /// The kubelet reclaims a resource.
    Reclaiming {
        /// The resource.
        resource: String,
    },
    /// Image garbage collection could not free enough.
    FreeDiskFailed {
        /// The words.
        detail: String,
    },
    /// The kubelet's report of a kill for memory on the node.
    SystemOom {
        /// The victim, where the text names it.
        process: Option<String>,
        /// Its process id.
        pid: Option<u32>,
    },
    /// The node booted anew.
    Rebooted,
    /// The kubelet started.
    KubeletStarted,
    /// The node shuts down.
    ShuttingDown,
    /// A task is blocked, a lock is held, a disk fails: the kernel's own alarms.
    KernelTrouble {
        /// What suffers.
        area: KernelArea,
        /// The words.
        detail: String,
    },
    /// A task has been in uninterruptible sleep.
    HungTask {
        /// The process.
        process: String,
        /// Its process id.
        pid: Option<u32>,
    },
    /// A process ended with a fault of its own (segmentation fault, illegal instruction).
    ProcessFault {
        /// The process.
        process: String,
        /// Its process id on the host.
        pid: Option<u32>,
    },
    /// A cgroup's limit of processes is reached.
    ForkRejected {
        /// The cgroup.
        cgroup: String,
    },
    /// The node was removed from the cluster.
    Deleted,
}

/// What a kernel's alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelArea {
    /// A disk, or the file system on it.
    Storage,
    /// A file server.
    FileServer,
    /// The table of tracked connections.
    Connections,
    /// The table of neighbours (ARP).
    Neighbours,
    /// The memory of TCP sockets.
    Sockets,
    /// The number of open files.
    Files,
    /// Processors that make no progress, or a panic.
    Processors,
    /// Memory that is not to be had in one piece.
    Memory,
    /// The machine itself.
    Hardware,
    /// Something else.
    Other,
}

/// One check of a node, as an agent or `sonde node` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCheck {
    /// The node's name.
    pub node: Arc<str>,
    /// What was checked.
    pub kind: CheckKind,
    /// How it came out.
    pub verdict: CheckVerdict,
    /// Of what: a mount point, a disk, a socket; empty for the whole node.
    pub about: String,
    /// The namespace of the pod that it is about.
    pub namespace: String,
    /// The pod that it is about.
    pub pod: String,
    /// The container that it is about.
    pub container: String,
    /// What was found, in words.
    pub found: String,
    /// Who uses most of it; may be empty.
    pub who: String,
    /// Where it was read.
    pub read: String,
}
