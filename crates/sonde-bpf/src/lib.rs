//! The eBPF programs of Sonde's agent, their loader, and the probe of what this kernel and these rights allow.
//!
//! The programs are C in `src/programs`, compiled by the build and embedded; each has its twin here: [`deaths`] says
//! who died and who sent the signal, [`sockets`] counts calls by the best [`Tier`] that works, [`lookups`] questions for
//! names, [`profile`] where processors are busy, [`probe`] says what can run.
//! Nothing here keeps state beyond the kernel's maps, and dropping a handle takes everything down.

pub mod deaths;
mod error;
mod groups;
pub mod lookups;
mod object;
pub mod probe;
pub mod profile;
pub mod sockets;
mod tier;

pub use error::Error;
pub use groups::{Groups, Hierarchy};
pub use tier::Tier;
