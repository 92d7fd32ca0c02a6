//! The scheduler's filters over a snapshot: what fits, what is missing, the smallest change that would make it fit.
//!
//! Semantics are those of kube-scheduler 1.34 to 1.36 (`pkg/scheduler/framework/plugins`) with its default
//! configuration; each filter names its source. All filters run on every node, in the scheduler's order, so a node
//! carries every reason and not the first alone.
//!
//! Start with [`Cluster::prepare`], once per snapshot, and [`Cluster::explain`], once per pod; [`Cluster::remedies`], [`Cluster::room`]
//! and [`Cluster::preemption`] go on from there. Deliberately absent: scores, and what no snapshot holds: the scheduler's own
//! configuration, extenders, dynamic resource allocation, storage capacity reports and in-tree disk conflicts.

// Numbers and times come from outside.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod change;
mod cluster;
mod counts;
mod explain;
mod filter;
mod fit;
mod needs;
mod preempt;
mod remedy;
mod room;
mod selector;
#[cfg(test)]
mod testing;

pub use change::{Change, ChangeError};
pub use cluster::{Cluster, NodeRoom};
pub use explain::explain;
pub use fit::{Affinity, Fit, Miss, NodeFit, Obstacle, Rejection, RejectionKind, UnboundClaim, Unknown};
pub use needs::{NodeRequirement, PodNeeds};
pub use preempt::{Preemption, PreemptionPlan};
pub use remedy::Remedy;
pub use room::{Holder, Room};
