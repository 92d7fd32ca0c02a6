//! The scheduler's words (`FailedScheduling`, condition `PodScheduled`).

/// The scheduler found no node for a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unschedulable {
    /// How many nodes there are; `None` where the text is cut or older than 1.8.
    pub nodes_total: Option<u32>,
    /// What stopped the search before any node was looked at.
    pub pre_filter: Vec<PreFilter>,
    /// Why nodes were rejected, with how many; a node can count under several reasons.
    pub reasons: Vec<(u32, NodeReason)>,
    /// What preemption would do.
    pub preemption: Vec<Preemption>,
}

/// Why a node was rejected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeReason {
    /// Too little of a resource: `cpu`, `memory`, `ephemeral-storage` or an extended one.
    Insufficient(String),
    /// The node's number of pods is reached.
    TooManyPods,
    /// Cordoned.
    Unschedulable,
    /// Conditions unknown (old schedulers).
    UnknownConditions,
    /// A taint, where the text names it: key, value.
    Taint {
        /// Taint key; empty when the text names none (older than 1.20 and 1.36 on).
        key: String,
        /// Taint value.
        value: String,
    },
    /// Node selector or required node affinity.
    NodeAffinity,
    /// Affinity that the scheduler's own configuration adds.
    EnforcedNodeAffinity,
    /// Pod affinity has no partner there.
    PodAffinity,
    /// The pod's own anti-affinity.
    PodAntiAffinity,
    /// Another pod's anti-affinity.
    ExistingAntiAffinity,
    /// Old text that does not say which of the two.
    PodAffinityOrAnti,
    /// Topology spread; `missing_label` when the node lacks the topology label.
    TopologySpread {
        /// The node lacks the label.
        missing_label: bool,
    },
    /// A host port is taken.
    HostPorts,
    /// `spec.nodeName` or a host name selector.
    NodeName,
    /// The volume's node affinity, zone included.
    VolumeNodeAffinity,
    /// The volume's zone label.
    VolumeZone,
    /// The node's number of attachable volumes is reached.
    VolumeLimit,
    /// An in-tree disk conflict.
    DiskConflict,
    /// No PersistentVolume fits the claim.
    NoVolumeToBind,
    /// The storage driver has no room.
    NoStorageCapacity,
    /// A claim is bound to a volume that is gone.
    VolumeGone,
    /// The claim is ReadWriteOncePod and another pod uses it.
    ReadWriteOncePod,
    /// Dynamic resources (DRA) cannot be allocated.
    ResourceClaim(String),
    /// A reason that no grammar knows.
    Other(String),
}

/// What stopped the search before any node was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreFilter {
    /// `pod has unbound immediate PersistentVolumeClaims`.
    UnboundClaims,
    /// A claim that does not exist.
    ClaimNotFound(String),
    /// A claim that is being deleted.
    ClaimDeleting(String),
    /// A claim whose volume is gone.
    ClaimVolumeGone {
        /// The claim.
        claim: String,
        /// The volume.
        volume: String,
    },
    /// A generic ephemeral volume's claim is not there yet.
    EphemeralClaim(String),
    /// Scheduling gates that are set.
    Gates(Vec<String>),
    /// Affinity terms that exclude each other.
    AffinityConflict,
    /// The pod waits for its victims to end.
    WaitingForPreemption,
    /// Something about dynamic resources.
    ResourceClaim(String),
    /// A node was found, and binding the pod's volumes there failed or took too long.
    VolumeBinding {
        /// The claim, where the text names it.
        claim: Option<String>,
        /// The words.
        detail: String,
    },
    /// Something no grammar knows.
    Other(String),
}

/// What preemption would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preemption {
    /// On so many nodes, removing pods would not help.
    NotHelpful(u32),
    /// On so many nodes, no pod of lower priority is in the way.
    NoVictims(u32),
    /// The pod's policy is Never.
    PolicyNever,
    /// Victims are ending on the nominated node.
    VictimsTerminating,
    /// On so many nodes, the pod would not fit even without every pod of lower priority, for this reason.
    StillNoFit(u32, NodeReason),
}
