//! Every way in: folders, archives and files, pasted text, the live API; and the redacted bundle writer.
//!
//! All the I/O of Sonde's diagnosis lives here. Whatever the way in, the result is a [`Gathered`]: a World, texts, and
//! what could not be had. Readers are bounded ([`limits`]), and damage in one file never loses the others: they return
//! what was read together with problems. Texts and objects are redacted ([`redact`]) while they are read, before
//! anything is stored or shown; the values of Secrets are never kept.
//!
//! Start with [`dump::read`], [`paste::read`] and [`live::Cluster`]. Deliberately absent: any opinion about what is wrong.

pub mod agent;
pub mod bundle;
pub mod dump;
mod error;
mod gathered;
mod json;
pub mod limits;
pub mod live;
pub mod manifest;
mod objects;
mod parallel;
pub mod paste;
mod pasted;
pub mod redact;
mod texts;
mod yaml;

pub use error::CollectError;
pub use gathered::{Gathered, KeptText, Options, TextPlace};
