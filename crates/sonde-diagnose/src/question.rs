//! The question and the answer.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sonde_model::{ObjectRef, Problem, Report, Source};
use sonde_world::Snapshot;

use crate::{Gap, Texts, Want};

/// Which subjects are asked about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// Everything in the snapshot.
    #[default]
    All,
    /// One namespace, and the nodes its pods need.
    Namespace(String),
    /// These objects, what they own, and what pods among them refer to or run on.
    Objects(BTreeSet<ObjectRef>),
}

/// One question.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The world at one revision.
    pub snapshot: Snapshot,
    /// Logs and lines at hand.
    pub texts: Texts,
    /// The time of the question: the clock of a live cluster, the newest time of a dump; `None` when unknown.
    pub now: Option<Timestamp>,
    /// Which subjects.
    pub scope: Scope,
    /// What was read, for the report.
    pub source: Source,
    /// What the adapter could not look at.
    pub gaps: Vec<Gap>,
    /// Input that could not be used.
    pub problems: Vec<Problem>,
    /// Messages that the paste reader did not understand.
    pub not_understood: Vec<String>,
}

/// The answer, and what would make it better.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The report.
    pub report: Report,
    /// Evidence that would decide and is not at hand, deduplicated and sorted.
    pub wants: Vec<Want>,
}
