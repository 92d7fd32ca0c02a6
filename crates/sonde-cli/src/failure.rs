//! Why a command could not do its work: a chain of errors, and what the reader can do about it.

use std::fmt;
use std::io::{self, Write as _};

/// The result of anything that can end a command.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// An error with hints; each hint is an action.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(error: anyhow::Error) -> Self {
        Self {
            error,
            hints: Vec::new(),
        }
    }

    /// Adds something that the reader can do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Whether the reader of our output has gone away, which is no failure.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Writes the chain and the hints to stderr.
    pub(crate) fn print(&self) {
        let mut stderr = io::stderr().lock();
        // Nobody is left to tell when stderr is gone.
        let _ = write!(stderr, "{self}");
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chain = String::new();
        for cause in self.error.chain() {
            let words = cause.to_string();
            // Some libraries repeat their source in their own words.
            if chain.ends_with(&words) {
                continue;
            }
            if !chain.is_empty() {
                chain.push_str(": ");
            }
            chain.push_str(words.trim_end_matches('.'));
        }
        let charset = crate::terminal::charset();
        writeln!(f, "error: {}", crate::render::shown(&chain, charset))?;
        for hint in &self.hints {
            writeln!(f, "hint: {}", crate::render::shown(hint, charset))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_chain_is_one_line_and_hints_follow() {
        let failure = Failure::new(anyhow!("No such file").context("failed to open x")).hint("look again");
        assert_eq!(
            failure.to_string(),
            "error: failed to open x: No such file\nhint: look again\n"
        );
    }

    #[test]
    fn a_cause_that_repeats_its_source_is_told_once() {
        let failure = Failure::new(anyhow!("refused").context("failed to connect: refused"));
        assert_eq!(failure.to_string(), "error: failed to connect: refused\n");
    }
}
