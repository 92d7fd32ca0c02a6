//! The World: a versioned, indexed set of facts about a cluster.
//!
//! Objects stay encoded as they were received; the fields that questions need are extracted once, when an object
//! changes ([`Object`]); a typed view ([`view`]) is decoded only for an object under suspicion.
//! A [`Snapshot`] is the World at one revision: taking one is O(1), it never changes. A [`Fork`] is a snapshot plus
//! changes of our own.
//!
//! Start with [`World`] and [`Snapshot`]. Deliberately absent: I/O, clocks, and any opinion about what is wrong.

// Numbers and times come from outside.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod completeness;
mod encoded;
mod event;
mod object;
mod pod_columns;
mod resources;
mod snapshot;
mod state;
pub mod view;
mod workload_columns;

pub use completeness::{Completeness, Coverage};
pub use encoded::{DecodeError, Encoded, Encoding};
pub use event::EventColumns;
pub use object::{Columns, NodeColumns, Object, Owner};
pub use pod_columns::{
    ContainerColumns, ContainerRole, ContainerState, HostPort, Phase, PodColumns, Reference,
};
pub use resources::Resources;
pub use snapshot::{Fork, Snapshot};
pub use state::{ReadError, Revision, World};
pub use workload_columns::{ServiceColumns, WorkloadColumns};
