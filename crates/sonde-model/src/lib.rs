//! The vocabulary of Sonde as types, and their JSON.
//!
//! Start with [`ObjectRef`] (which object), [`Quantity`] (how much), [`Evidence`] (what was seen),
//! [`Finding`] and [`Report`] (what was concluded). Nothing here does I/O or knows how a conclusion is reached.

mod agent;
mod calls;
mod code;
mod death;
mod evidence;
mod finding;
mod group;
mod histogram;
mod kind;
mod lookups;
mod moment;
mod nearest;
mod node;
mod object_ref;
mod profile;
mod quantity;
mod report;

pub use agent::{AgentStatus, Bound, Coverage, Program, ProgramRuns, Seen};
pub use calls::{
    CallCounts, CallEdge, Calls, ConnectionSeen, Connections, KeptBecause, Role, TracedCall, Traces,
};
pub use code::{Code, Family};
pub use death::{Death, DeathKind, Deaths, GroupMemory, Owner, ProcessSeen, SenderKind, SenderSeen};
pub use evidence::{Evidence, EvidenceId, EvidenceKind};
pub use finding::{Change, Finding, Fix, NextLook, Risk, RuledOut, Severity, Step, Verdict};
pub use group::{container_id_in_group, pod_uid_in_group};
pub use histogram::Histogram;
pub use jiff::{SignedDuration, Timestamp};
pub use kind::{Kind, KindInfo, Scope};
pub use lookups::{LookupSeen, LookupsSeen};
pub use moment::{Moment, plausible};
pub use nearest::{nearest, nearest_few};
pub use node::{Check, CheckKind, CheckVerdict, ContainerUse, CoreUse, NodeReport, ProcessUse, Unit};
pub use object_ref::ObjectRef;
pub use profile::{Frame, Profile, ProfiledStack};
pub use quantity::{Quantity, QuantityError, Suffix, bytes_text, cpu_text};
pub use report::{BlindSpot, NotUnderstood, Problem, Report, SCHEMA, Scanned, Source, SourceKind};
