//! What every way in returns: the World, the texts, and what could not be had.

use jiff::Timestamp;
use sonde_diagnose::{Gap, LogKey, Question, Scope, Texts, Want};
use sonde_grammar::log::NodeLog;
use sonde_model::{ObjectRef, Problem, Source};
use sonde_world::World;
use std::sync::Arc;

use crate::limits::PROBLEMS_MAX;
use crate::redact::Known;

/// How a dump or a paste is read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The "now" of the dump, in place of the time that is found in it.
    pub now: Option<Timestamp>,
    /// Keep the redacted texts, so that a bundle can be written.
    pub keep_texts: bool,
}

/// Where a text belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TextPlace {
    /// A container's log.
    Container(LogKey),
    /// A log of a node; the node is empty where the source does not tell.
    Node {
        /// The node.
        node: Arc<str>,
        /// Whose log.
        log: NodeLog,
    },
    /// The counters of a node's containers; the node as above.
    Counters {
        /// The node.
        node: Arc<str>,
    },
    /// Any other text, by its name.
    Other(String),
}

/// A redacted text as it was read, kept to be written into a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptText {
    /// Where it belongs.
    pub place: TextPlace,
    /// The text.
    pub text: String,
}

/// Everything that was read.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// The objects, and which kinds are complete.
    pub world: World,
    /// Logs and lines.
    pub texts: Texts,
    /// What was read.
    pub source: Source,
    /// The time of the diagnosis.
    pub now: Option<Timestamp>,
    /// The objects that it was gathered for, where it is a bundle of a few; empty for everything.
    pub asked: Vec<ObjectRef>,
    /// What could not be looked at.
    pub gaps: Vec<Gap>,
    /// Input that could not be used, and what was done with the rest.
    pub problems: Vec<Problem>,
    /// Messages that no grammar knows.
    pub not_understood: Vec<String>,
    /// The texts as they were read, where they were to be kept.
    pub kept_texts: Vec<KeptText>,
    pub(crate) problems_left_out: usize,
    /// Values that were hidden in objects: they are hidden in texts, too.
    pub(crate) known: Known,
}

impl Gathered {
    /// The question about everything that was read.
    pub fn question(&self, scope: Scope) -> Question {
        Question {
            snapshot: self.world.snapshot(),
            texts: self.texts.clone(),
            now: self.now,
            scope,
            source: self.source.clone(),
            gaps: self.gaps.clone(),
            problems: self.problems.clone(),
            not_understood: self.not_understood.clone(),
        }
    }

    /// Notes what could not be had, unless that is known already.
    pub(crate) fn miss(&mut self, gap: Gap) {
        let is_known = |want: &Want| self.gaps.iter().any(|have| have.answers(want));
        if gap.of.is_empty() || !gap.of.iter().all(is_known) {
            self.gaps.push(gap);
        }
    }

    pub(crate) fn problem(&mut self, place: &str, text: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem {
                place: place.to_owned(),
                text: text.into(),
            });
        } else {
            self.problems_left_out += 1;
        }
    }

    /// Sorts what came in no order, and says how many problems were left out.
    pub(crate) fn close(&mut self) {
        self.problems.sort();
        self.problems.dedup();
        if self.problems_left_out > 0 {
            let text = format!("{} more problems of this kind", self.problems_left_out);
            self.problems.push(Problem {
                place: self.source.name.clone(),
                text,
            });
            self.problems_left_out = 0;
        }
    }
}
