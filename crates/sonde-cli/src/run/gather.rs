//! Reads what a question needs, and fetches what the engine wants.

use anyhow::anyhow;
use sonde_diagnose::{Question, Want};

use super::progress::Progress;
use crate::failure::{Failure, Outcome};
use crate::request::Diagnose;

/// Everything that was read, as a question whose scope is still open.
pub(super) struct Gathered {
    pub(super) question: Question,
    /// The namespace of the context; `None` for input that has none.
    pub(super) usual_namespace: Option<String>,
    /// Adds what it can of the wants; says whether it added anything.
    pub(super) fetch: Fetch,
}

/// See [`Gathered::fetch`].
pub(super) type Fetch = Box<dyn FnMut(&[Want], &mut Question) -> bool>;

/// Reads the input of a request.
pub(super) fn gather(_request: &Diagnose, _progress: &Progress) -> Outcome<Gathered> {
    Err(Failure::new(anyhow!("this build reads no clusters and no files")))
}
