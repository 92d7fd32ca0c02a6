//! The answer for one pod: what stops it before any node is looked at, and for each node why not and by how much.

use std::collections::BTreeMap;
use std::sync::Arc;

use sonde_model::ObjectRef;
use sonde_world::view::Taint;

use crate::NodeRequirement;

/// Where a pod fits, and why not elsewhere.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The pod.
    pub pod: ObjectRef,
    /// What stops it before any node is looked at.
    pub before_nodes: Vec<Obstacle>,
    /// Every listed node, by name; no rejection means that the pod fits there.
    pub nodes: Vec<NodeFit>,
    /// What was not known.
    pub unknowns: Vec<Unknown>,
}

/// One node's answer.
#[derive(Debug, Clone)]
pub struct NodeFit {
    /// The node.
    pub node: Arc<str>,
    /// Every reason against it, in the order in which the scheduler's filters run; empty where the pod fits.
    pub rejections: Vec<Rejection>,
}

/// What stops a pod before any node is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Scheduling gates are set (`schedulinggates`).
    Gates(Vec<String>),
    /// Another scheduler than the default one is asked for, and nothing shows that it exists.
    UnknownScheduler(Arc<str>),
    /// The claim does not exist.
    ClaimMissing {
        /// The claim.
        claim: Arc<str>,
        /// It belongs to a generic ephemeral volume: a controller makes it.
        ephemeral: bool,
    },
    /// The claim is being deleted.
    ClaimDeleting(Arc<str>),
    /// The claim is bound to a volume that is gone.
    ClaimLost {
        /// The claim.
        claim: Arc<str>,
        /// The volume.
        volume: Arc<str>,
    },
    /// Claims that should be bound already are not.
    UnboundClaims(Vec<UnboundClaim>),
    /// The node names that the affinity's terms ask for exclude each other.
    AffinityConflict,
}

/// A claim that the scheduler does not bind itself, and that is not bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnboundClaim {
    /// The claim.
    pub claim: Arc<str>,
    /// Its storage class; empty where it names none.
    pub class: Arc<str>,
    /// The class is known not to exist.
    pub class_missing: bool,
    /// The volume it names, where it does.
    pub volume: Option<Arc<str>>,
}

/// What was not known; each forbids conclusions, as its words say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    /// Not every node is known: "no node fits" is not proven.
    Nodes,
    /// Not every pod is known: nodes may have less room than it seems, and partners may exist that are not seen.
    Pods,
    /// The source shows the pod in part: requirements may be missing.
    Pod,
    /// A claim was not listed.
    Claim(Arc<str>),
    /// A volume was not listed.
    Volume(Arc<str>),
    /// Volumes were not completely listed: one that fits may exist.
    Volumes,
    /// A storage class was not listed.
    StorageClass(Arc<str>),
    /// Volume limits of nodes were not listed.
    VolumeLimits,
    /// Namespaces were not listed: a namespace selector may match more.
    Namespaces,
    /// Dynamic resource claims are not evaluated.
    DynamicResources,
}

/// A requirement that a node's label does not meet.
#[derive(Debug, Clone, PartialEq)]
pub struct Miss {
    /// What the pod or volume asks for.
    pub requirement: Arc<NodeRequirement>,
    /// What the node has under that key.
    pub actual: Option<Arc<str>>,
}

/// Which rule about other pods a node breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Affinity {
    /// The pod's own anti-affinity.
    Own,
    /// The anti-affinity of a pod that is there.
    Existing,
}

/// Why a node was rejected, and by how much.
#[derive(Debug, Clone, PartialEq)]
pub enum Rejection {
    /// Cordoned (`nodeunschedulable`).
    Unschedulable,
    /// The pod names another node (`nodename`).
    NodeName {
        /// The node it names.
        wanted: Arc<str>,
    },
    /// A taint that the pod does not tolerate (`tainttoleration`).
    Taint(Taint),
    /// Node selector or required node affinity (`nodeaffinity`). For affinity, of the alternative that misses least.
    NodeAffinity(Vec<Miss>),
    /// A host port is taken (`nodeports`).
    HostPort {
        /// The port.
        port: i64,
        /// `TCP`, `UDP`, `SCTP`.
        protocol: Arc<str>,
        /// Who has it.
        held_by: ObjectRef,
    },
    /// The node's number of pods is reached (`noderesources/fit.go`).
    TooManyPods {
        /// How many it has.
        pods: i64,
        /// How many it takes.
        max: i64,
    },
    /// Too little of a resource (`noderesources/fit.go`); CPU in millicores.
    Insufficient {
        /// The resource.
        resource: Arc<str>,
        /// What the pod asks for.
        requested: i64,
        /// What the pods there have requested; `None` where not all pods are known.
        used: Option<i64>,
        /// What the node offers in all.
        allocatable: i64,
    },
    /// Another pod uses the pod's ReadWriteOncePod claim (`volumerestrictions`).
    ReadWriteOncePod {
        /// The claim.
        claim: Arc<str>,
        /// Who uses it.
        holder: ObjectRef,
    },
    /// The driver can attach no more volumes there (`nodevolumelimits/csi.go`).
    VolumeLimit {
        /// The CSI driver.
        driver: Arc<str>,
        /// Volumes attached.
        attached: i64,
        /// Volumes that the pod adds.
        wanted: i64,
        /// Volumes that the node takes.
        limit: i64,
    },
    /// The bound volume can not be reached from there (`volumebinding`).
    VolumeNodeAffinity {
        /// The claim.
        claim: Arc<str>,
        /// The volume.
        volume: Arc<str>,
        /// What the volume asks of the node.
        misses: Vec<Miss>,
    },
    /// The claim is bound to a volume that does not exist (`volumebinding`).
    VolumeGone {
        /// The claim.
        claim: Arc<str>,
        /// The volume.
        volume: Arc<str>,
    },
    /// No volume there fits the claim and none can be made (`volumebinding`).
    NoVolume {
        /// The claim.
        claim: Arc<str>,
        /// Its class.
        class: Arc<str>,
        /// The class makes volumes elsewhere only; else it makes none at all.
        elsewhere: bool,
        /// The node that was chosen for it before, where there is one.
        selected_node: Option<Arc<str>>,
    },
    /// The volume's zone labels name other zones (`volumezone`).
    VolumeZone {
        /// The claim.
        claim: Arc<str>,
        /// The volume.
        volume: Arc<str>,
        /// The label.
        key: Arc<str>,
        /// The values that the volume accepts.
        values: Vec<String>,
        /// What the node has.
        actual: Option<Arc<str>>,
    },
    /// The node lacks the label that a spread constraint counts by (`podtopologyspread`).
    SpreadLabelMissing {
        /// The label.
        key: Arc<str>,
    },
    /// One more pod there would be too uneven (`podtopologyspread`).
    Spread {
        /// The label that is counted by.
        key: Arc<str>,
        /// The node's value of it.
        value: Arc<str>,
        /// Pods there that count.
        pods: i64,
        /// Pods in the emptiest domain; zero where there are fewer domains than `minDomains`.
        minimum: i64,
        /// The difference allowed.
        max_skew: i64,
        /// How many domains there are.
        domains: i64,
        /// How many there must be at least.
        min_domains: i64,
    },
    /// No pod that the affinity asks for is near (`interpodaffinity`).
    PodAffinity {
        /// Which pods it asks for.
        selector: Arc<str>,
        /// What "near" means.
        key: Arc<str>,
        /// The node's value of it.
        value: Option<Arc<str>>,
        /// No such pod runs anywhere.
        nowhere: bool,
    },
    /// Pods are near that must not be (`interpodaffinity`).
    PodAntiAffinity {
        /// Whose rule.
        rule: Affinity,
        /// The pod that is in the way.
        with: ObjectRef,
        /// What "near" means.
        key: Arc<str>,
        /// The node's value of it.
        value: Arc<str>,
    },
}

/// What a rejection is about, without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "documented at Rejection under the same names")]
pub enum RejectionKind {
    Unschedulable,
    NodeName,
    Taint,
    NodeAffinity,
    HostPort,
    TooManyPods,
    Insufficient,
    ReadWriteOncePod,
    VolumeLimit,
    VolumeNodeAffinity,
    VolumeGone,
    NoVolume,
    VolumeZone,
    SpreadLabelMissing,
    Spread,
    PodAffinity,
    PodAntiAffinity,
}

impl Rejection {
    /// What it is about.
    pub fn kind(&self) -> RejectionKind {
        match self {
            Rejection::Unschedulable => RejectionKind::Unschedulable,
            Rejection::NodeName { .. } => RejectionKind::NodeName,
            Rejection::Taint(_) => RejectionKind::Taint,
            Rejection::NodeAffinity(_) => RejectionKind::NodeAffinity,
            Rejection::HostPort { .. } => RejectionKind::HostPort,
            Rejection::TooManyPods { .. } => RejectionKind::TooManyPods,
            Rejection::Insufficient { .. } => RejectionKind::Insufficient,
            Rejection::ReadWriteOncePod { .. } => RejectionKind::ReadWriteOncePod,
            Rejection::VolumeLimit { .. } => RejectionKind::VolumeLimit,
            Rejection::VolumeNodeAffinity { .. } => RejectionKind::VolumeNodeAffinity,
            Rejection::VolumeGone { .. } => RejectionKind::VolumeGone,
            Rejection::NoVolume { .. } => RejectionKind::NoVolume,
            Rejection::VolumeZone { .. } => RejectionKind::VolumeZone,
            Rejection::SpreadLabelMissing { .. } => RejectionKind::SpreadLabelMissing,
            Rejection::Spread { .. } => RejectionKind::Spread,
            Rejection::PodAffinity { .. } => RejectionKind::PodAffinity,
            Rejection::PodAntiAffinity { .. } => RejectionKind::PodAntiAffinity,
        }
    }

    /// Whether removing pods from the node could help: the scheduler's `Unschedulable` against its
    /// `UnschedulableAndUnresolvable`.
    pub fn yields_to_preemption(&self) -> bool {
        match self {
            Rejection::Insufficient {
                requested,
                allocatable,
                ..
            } => requested <= allocatable,
            Rejection::HostPort { .. }
            | Rejection::TooManyPods { .. }
            | Rejection::ReadWriteOncePod { .. }
            | Rejection::VolumeLimit { .. }
            | Rejection::Spread { .. }
            | Rejection::PodAntiAffinity { .. } => true,
            Rejection::Unschedulable
            | Rejection::NodeName { .. }
            | Rejection::Taint(_)
            | Rejection::NodeAffinity(_)
            | Rejection::VolumeNodeAffinity { .. }
            | Rejection::VolumeGone { .. }
            | Rejection::NoVolume { .. }
            | Rejection::VolumeZone { .. }
            | Rejection::SpreadLabelMissing { .. }
            | Rejection::PodAffinity { .. } => false,
        }
    }

    /// Whether it stays true when pods become known that were not listed: more pods take more room, but they may
    /// be the partners that are missed, or even out a spread.
    pub fn holds_with_more_pods(&self) -> bool {
        !matches!(self, Rejection::PodAffinity { .. } | Rejection::Spread { .. })
    }

    /// What is missing of the resource on the node.
    pub fn shortfall(&self) -> Option<(&Arc<str>, i64)> {
        match self {
            Rejection::Insufficient {
                resource,
                requested,
                used,
                allocatable,
            } => Some((
                resource,
                // At the least, where not all pods are known.
                requested.saturating_sub(allocatable.saturating_sub(used.unwrap_or(0))),
            )),
            _ => None,
        }
    }
}

impl NodeFit {
    /// Whether the pod fits there.
    pub fn fits(&self) -> bool {
        self.rejections.is_empty()
    }

    /// Whether every reason against it is of one kind, and there is one.
    pub fn only(&self, kind: RejectionKind) -> bool {
        !self.rejections.is_empty() && self.rejections.iter().all(|rejection| rejection.kind() == kind)
    }

    /// Whether a reason of a kind is against it.
    pub fn has(&self, kind: RejectionKind) -> bool {
        self.rejections.iter().any(|rejection| rejection.kind() == kind)
    }
}

impl Fit {
    /// The nodes where the pod fits.
    pub fn fitting(&self) -> impl Iterator<Item = &NodeFit> {
        self.nodes.iter().filter(|node| node.fits())
    }

    /// Whether nothing stands against some node.
    pub fn fits_somewhere(&self) -> bool {
        self.before_nodes.is_empty() && self.fitting().next().is_some()
    }

    /// How many nodes each kind of reason is against.
    pub fn reasons(&self) -> BTreeMap<RejectionKind, usize> {
        let mut counts = BTreeMap::new();
        for node in &self.nodes {
            let mut kinds: Vec<_> = node.rejections.iter().map(Rejection::kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            for kind in kinds {
                *counts.entry(kind).or_insert(0) += 1;
            }
        }
        counts
    }

    /// Whether everything was known that a statement "no node fits" needs.
    pub fn proves_no_fit(&self) -> bool {
        // What stops a pod before any node is looked at needs no node.
        if !self.before_nodes.is_empty() {
            return true;
        }
        !self.unknowns.contains(&Unknown::Nodes) && self.proves_no_fit_on_known_nodes()
    }

    /// As [`Fit::proves_no_fit`], for a caller who knows that there are no further nodes.
    pub fn proves_no_fit_on_known_nodes(&self) -> bool {
        let unsure =
            |unknown: &Unknown| !matches!(unknown, Unknown::Nodes | Unknown::Pods | Unknown::VolumeLimits);
        let pods_unknown = self.unknowns.contains(&Unknown::Pods);
        let refused = |node: &NodeFit| {
            let mut rejections = node.rejections.iter();
            rejections.any(|rejection| !pods_unknown || rejection.holds_with_more_pods())
        };
        !self.unknowns.iter().any(unsure) && self.nodes.iter().all(refused)
    }

    /// Whether everything was known that a statement "it fits there" needs.
    pub fn proves_fit(&self) -> bool {
        self.unknowns.iter().all(|unknown| *unknown == Unknown::Nodes) && self.fits_somewhere()
    }

    /// The answer for a node.
    pub fn node(&self, name: &str) -> Option<&NodeFit> {
        let at = self
            .nodes
            .binary_search_by(|node| node.node.as_ref().cmp(name))
            .ok()?;
        self.nodes.get(at)
    }
}
