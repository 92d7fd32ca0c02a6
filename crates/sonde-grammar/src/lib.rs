//! Turns texts into facts.
//!
//! Wording differs between versions of Kubernetes, of runtimes and of kernels; a [`Fact`] does not. Every parser here
//! takes untrusted text, is bounded, never panics, and gives the facts that are in a damaged text.
//! Nothing here knows objects, causes or verdicts.
//!
//! Start with [`message`] (an event's or a status' message), [`log`] (kernel, kubelet and runtime lines, the
//! application's own last words), [`counters`] and [`paste`] (kubectl output and any mix of texts).

pub mod counters;
pub mod fact;
pub mod log;
pub mod message;
pub mod paste;

pub use fact::Fact;
