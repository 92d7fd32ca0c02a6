//! Application protocols as somebody sees them who only listens.
//!
//! A program in the kernel hands over prefixes of messages: the first bytes of a turn, its true length, which side
//! spoke, when, and whether something before it was lost. Out of these come four things:
//!
//! 1. [`judge`]: which protocol is this, and which side is the server? It takes a strict request **and** the response
//!    that matches it; anything less is no verdict.
//! 2. [`describe`] and [`Connection`]: what was called and how did it go? [`describe`] looks at one request and one
//!    response, [`Connection`] follows a stream with pipelining, multiplexing, holes and late starts.
//! 3. [`KernelCheck`]: data with which the kernel tells success from failure by the first bytes of a response.
//! 4. [`redact`]: hides passwords, tokens and cookies in a sample before anything is stored.
//!
//! Nothing here reads a socket, a clock or a file, and nothing decrypts. All input is hostile: parsers borrow, are
//! bounded ([`limits`]), do not recurse and do not panic.
//!
//! Adding a protocol is adding its file below `dialect/` and its line in the table of [`Protocol`].

mod bytes;
mod call;
mod connection;
pub mod corpus;
mod dialect;
mod hpack;
pub mod kernel;
pub mod limits;
mod names;
mod protocol;
mod record;
mod redact;
pub mod route;
pub mod sql;
pub mod trace;
mod verdict;
mod verdicts;

#[cfg(test)]
mod tests;

pub use call::{Blame, Call, Failure, Flags, Kind, Request, Response, Target, Times};
pub use connection::{Connection, Counters, Segment, Start, describe};
pub use kernel::{KernelCheck, Outcome};
pub use names::{NameId, Names};
pub use protocol::{Duplex, Protocol, Transport};
pub use redact::redact;
pub use trace::{Trace, TraceFormat};
pub use verdict::{Role, Side, Turn, Verdict, judge};
pub use verdicts::{Exchange, Verdicts};
