//! How a node stands: read from the files that its kernel offers, and judged.
//!
//! Reading ([`Sample::read`]) happens at the edge and from a root folder, so that the files of another node can take the
//! place of this one's. Judging ([`judge`]) is a pure function of two samples and of the services that were asked. What
//! cannot be read is told with its reason, and forbids no other check.
//!
//! Works on control groups of version 1, version 2 and both beside each other.
//!
//! | item | bound | at the bound |
//! |---|---|---|
//! | bytes of one file | 4 MiB | the rest is not read |
//! | processes | 65,536 | told as not read |
//! | control groups | 16,384, 12 deep | told as not read |
//! | containers whose own network is read | 512 | told as not read |
//! | an answer of the kubelet | 1 s, 4 KiB | it counts as silent |
//!
//! File systems of a network are not asked: one whose server is gone would hang the question.

mod clock;
mod files;
mod groups;
mod host;
mod judge;
mod processes;
mod sample;
mod services;
mod text;

pub use clock::Clock;
pub use host::Host;
pub use judge::judge;
pub use sample::Sample;
pub use services::{Answer, RUNTIME_SOCKETS, Services};

#[cfg(test)]
mod tests;
