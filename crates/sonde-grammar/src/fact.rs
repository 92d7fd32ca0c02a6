//! What messages say, independent of their wording.

mod admission;
mod container;
mod image;
mod kernel;
mod node;
mod probe;
mod runtime;
mod scheduling;
mod volume;
mod workload;

pub use admission::{AdmissionRefusal, LimitBound, QuotaItem, WebhookFailure};
pub use container::{ConfigRef, CreateFailure, RefKind, SandboxFailure, StartFailure};
pub use image::{PullFact, PullFailure};
pub use kernel::{OOM_TASKS_MAX, OomConstraint, OomKill, OomTask};
pub use node::{EvictionFact, KernelArea, NodeCheck, NodeFact, RejectFact};
pub use probe::{HookFact, HookKind, KillReason, ProbeFact, ProbeKind, ProbeOutcome};
pub use runtime::RuntimeFact;
pub use scheduling::{NodeReason, PreFilter, Preemption, Unschedulable};
pub use volume::{ClaimFact, VolumeFact, VolumeFailure};
pub use workload::WorkloadFact;

use std::sync::Arc;

use sonde_model::Death;

/// One thing that a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The scheduler found no node.
    Unschedulable(Unschedulable),
    /// The API server refused an object.
    Admission(AdmissionRefusal),
    /// Something about pulling an image.
    Pull(PullFact),
    /// A volume could not be attached or mounted.
    Volume(VolumeFact),
    /// Something about a PersistentVolumeClaim.
    Claim(ClaimFact),
    /// A container could not be configured or created.
    Create(CreateFailure),
    /// A container was created and could not be started.
    Start(StartFailure),
    /// The pod's sandbox could not be made.
    Sandbox(SandboxFailure),
    /// A probe's outcome.
    Probe(ProbeFact),
    /// A lifecycle hook's outcome.
    Hook(HookFact),
    /// The kubelet kills a container.
    Killing {
        /// The container, where the text names it.
        container: Option<String>,
        /// Why.
        reason: KillReason,
    },
    /// The kubelet waits before it restarts a container.
    RestartBackOff {
        /// How long it waits, in seconds, where the text tells.
        wait_seconds: Option<i64>,
    },
    /// The kernel killed a process for memory.
    OomKill(OomKill),
    /// An agent saw a signal that was sent to a process, or a process that ended.
    Death(Arc<Death>),
    /// A node was checked.
    NodeCheck(Arc<NodeCheck>),
    /// The kubelet or the API evicted a pod.
    Eviction(EvictionFact),
    /// The kubelet refused a pod that was bound to its node.
    Reject(RejectFact),
    /// A node's state.
    Node(NodeFact),
    /// What a runtime did to, or saw of, a container.
    Runtime(RuntimeFact),
    /// A controller's word about a workload.
    Workload(WorkloadFact),
}
