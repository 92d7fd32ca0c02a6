//! Differentials and the resolver: a snapshot, the evidence at hand and "now" go in, a report comes out.
//!
//! Start with [`diagnose`], then read one cause. Triage opens an [`Episode`] for each subject that is not as it should
//! be; every [`Cause`] that explains its [`Symptom`] states a [`Case`] from the [`Facts`]; one resolver weighs the cases;
//! findings with one root are joined. Deterministic and pure: no clock, no I/O. What a cause wants and does not have
//! is returned as [`Want`]s; the adapter fetches it and asks again.

// Numbers and times come from outside.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod beginning;
mod case;
mod cause;
mod causes;
mod changes;
mod command;
mod deaths;
mod ending;
mod engine;
mod episode;
mod facts;
mod gap;
#[cfg(test)]
mod honesty;
#[cfg(test)]
mod hostility;
mod join;
mod message;
mod node_check;
mod origin;
mod peers;
mod placement;
mod preemption;
mod probing;
mod question;
mod resolve;
mod revision;
mod subject;
mod survey;
#[cfg(test)]
mod testing;
mod texts;
mod triage;
#[cfg(test)]
mod two_faults;
mod unnamed;
mod want;
mod wording;

pub use case::{Case, Seen, Strength};
pub use cause::Cause;
pub use causes::causes;
pub use engine::{diagnose, kinds_read};
pub use episode::{Episode, Run, Symptom};
pub use facts::{Facts, field_on};
pub use gap::Gap;
pub use message::{Message, Origin};
pub use question::{Answer, Question, Scope};
pub use texts::{LogKey, LooseMessage, NodeLogRead, Texts};
pub use triage::examines;
pub use want::Want;
