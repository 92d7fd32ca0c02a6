//! Reads what a question needs, and fetches what the engine wants.

use anyhow::anyhow;
use sonde_collect::{CollectError, Gathered, Options, dump};
use sonde_diagnose::Want;

use super::progress::Progress;
use crate::failure::{Failure, Outcome};
use crate::request::{Diagnose, Input};

/// The sick cluster of `--demo`, captured from a real one with `cargo xtask capture`.
#[cfg(has_demo)]
const DEMO: Option<&[u8]> = Some(include_bytes!("../../../../fixtures/demo.tar.zst"));
#[cfg(not(has_demo))]
const DEMO: Option<&[u8]> = None;

/// What was read, and how more can be had.
pub(super) struct Source {
    pub(super) gathered: Gathered,
    /// The namespace of the context; `None` for input that has none.
    pub(super) usual_namespace: Option<String>,
}

impl Source {
    /// Input that is all there is.
    fn still(gathered: Gathered) -> Self {
        Self {
            gathered,
            usual_namespace: None,
        }
    }

    /// Adds what it can of the wants; says whether it added anything.
    pub(super) fn fetch(&mut self, _wants: &[Want]) -> bool {
        false
    }
}

/// Reads the input of a request.
pub(super) fn gather(request: &Diagnose, progress: &Progress) -> Outcome<Source> {
    let options = Options {
        now: request.now,
        ..Options::default()
    };
    match &request.input {
        Input::Dump(path) => {
            progress.now(&format!("reading {}", path.display()));
            Ok(Source::still(dump::read(path, &options).map_err(failed)?))
        }
        Input::Demo => {
            let bytes = DEMO.ok_or_else(|| {
                Failure::new(anyhow!(
                    "this build has no demo: it was made without fixtures/demo.tar.zst"
                ))
                .hint("capture one with `cargo xtask capture`, then build again")
            })?;
            let mut gathered = dump::read_bytes("demo.tar.zst", bytes, &options).map_err(failed)?;
            gathered.source.name = "the demo cluster".to_owned();
            Ok(Source::still(gathered))
        }
        Input::Paste(_) | Input::Live => Err(Failure::new(anyhow!("this build reads no clusters"))),
    }
}

/// An error of the adapter, with its hints.
fn failed(error: CollectError) -> Failure {
    let hints = error.hints();
    hints.into_iter().fold(Failure::new(error.into()), Failure::hint)
}
