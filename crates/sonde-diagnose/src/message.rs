//! A message about a subject, with the facts it states.

use jiff::Timestamp;
use sonde_grammar::Fact;

use crate::case::Seen;

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An event.
    Event,
    /// The object's own status: it is true now.
    Status,
    /// A kubelet or runtime log line.
    NodeLog,
    /// A pasted line.
    Text,
}

/// A message about a subject.
#[derive(Debug, Clone)]
pub struct Message {
    /// Who wrote it.
    pub origin: Origin,
    /// An event's reason, a condition's type or reason, a waiting reason; empty for log lines.
    pub reason: String,
    /// The container it names.
    pub container: Option<String>,
    /// An event of type Warning.
    pub warning: bool,
    /// How often at least.
    pub count: i64,
    /// First time.
    pub first: Option<Timestamp>,
    /// What it says.
    pub facts: Vec<Fact>,
    /// The same sender has said something else since: `facts` lacks what is over.
    pub superseded: bool,
    /// As evidence.
    pub seen: Seen,
}

impl Message {
    /// As evidence.
    pub fn seen(&self) -> Seen {
        self.seen.clone()
    }
}
