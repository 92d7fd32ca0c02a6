//! Reads what a question needs, and fetches what the engine wants.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use sonde_collect::{CollectError, Gathered, Options, dump, paste};
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
        Input::Paste(files) => {
            progress.now("reading");
            Ok(Source::still(pasted(files, &options)?))
        }
        Input::Live => Err(Failure::new(anyhow!("this build reads no clusters"))),
    }
}

/// Texts, read as one question; `-` is standard input.
fn pasted(files: &[PathBuf], options: &Options) -> Outcome<Gathered> {
    let mut texts: Vec<(Box<dyn Read>, String)> = Vec::new();
    for path in files {
        if path.as_os_str() == "-" {
            if io::stdin().is_terminal() && io::stderr().is_terminal() {
                eprintln!("Paste the text, then press Ctrl-D on a line of its own.");
            }
            texts.push((Box::new(io::stdin()), "stdin".to_owned()));
            continue;
        }
        if path.is_dir() {
            return Err(Failure::new(anyhow!("{} is a folder", path.display()))
                .hint(format!("use --from {}", path.display())));
        }
        let file = File::open(path)
            .with_context(|| format!("failed to open {}", path.display()))
            .map_err(|error| Failure::new(error).hint("check the path"))?;
        texts.push((Box::new(file), path.display().to_string()));
    }
    let mut readers: Vec<(String, &mut dyn Read)> = texts
        .iter_mut()
        .map(|(reader, name)| (name.clone(), &mut **reader as &mut dyn Read))
        .collect();
    paste::read_all(&mut readers, options).map_err(failed)
}

/// An error of the adapter, with its hints.
fn failed(error: CollectError) -> Failure {
    let hints = error.hints();
    hints.into_iter().fold(Failure::new(error.into()), Failure::hint)
}
