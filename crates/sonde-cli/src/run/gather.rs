//! Reads what a question needs, and fetches what the engine wants.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use sonde_collect::live::{self, Cluster, Fetched, LiveError};
use sonde_collect::{CollectError, Gathered, Options, dump, paste};
use sonde_diagnose::{Gap, Want, kinds_read};
use sonde_model::Kind;

use super::progress::Progress;
use super::scope;
use crate::failure::{Failure, Outcome};
use crate::request::{Connection, Diagnose, Input, Namespaces, Target};

/// The sick cluster of `--demo`, captured from a real one; `fixtures/demo.yaml` tells how.
#[cfg(has_demo)]
const DEMO: Option<&[u8]> = Some(include_bytes!("../../../../fixtures/demo.tar.zst"));
#[cfg(not(has_demo))]
const DEMO: Option<&[u8]> = None;

/// What was read, and how more can be had.
pub(super) struct Source {
    pub(super) gathered: Gathered,
    /// The cluster, where there is one.
    cluster: Option<Cluster>,
}

impl Source {
    /// Input that is all there is.
    fn still(gathered: Gathered) -> Self {
        Self {
            gathered,
            cluster: None,
        }
    }

    /// The namespace of the context; `None` for input that has none.
    pub(super) fn usual_namespace(&self) -> Option<String> {
        self.cluster
            .as_ref()
            .map(|cluster| cluster.namespace().to_owned())
    }

    /// Adds what it can of the wants.
    pub(super) fn fetch(&mut self, wants: &[Want], progress: &Progress) -> Fetched {
        match &self.cluster {
            Some(cluster) => cluster.fetch(wants, &mut self.gathered, &|doing| progress.now(doing)),
            None => Fetched::default(),
        }
    }
}

/// Lists what a target needs from the cluster.
pub(super) fn live(
    connection: &Connection,
    target: &Target,
    keep_texts: bool,
    progress: &Progress,
) -> Outcome<Source> {
    let failed = |error: LiveError| with_hints(error.hints(), error.into());
    if let Some(wanted) = &connection.context {
        let contexts = live::contexts(connection.kubeconfig.as_deref());
        if !contexts.is_empty() && !contexts.contains(wanted) {
            let names: Vec<&str> = contexts.iter().map(String::as_str).collect();
            let failure = Failure::new(anyhow!("the kubeconfig has no context {wanted:?}"));
            return Err(scope::with_nearest(failure, wanted, &names));
        }
    }
    let mut cluster = Cluster::connect(&connection.options()).map_err(failed)?;
    // The pods of a node may be in any namespace.
    let of_cluster = target
        .subjects
        .iter()
        .any(|subject| !subject.kind.is_namespaced());
    let of_namespaces = target.subjects.iter().any(|it| it.kind == Kind::Namespace);
    let namespace = match &target.namespaces {
        Namespaces::All => None,
        Namespaces::Usual if of_cluster => None,
        Namespaces::One(_) if of_namespaces => None,
        Namespaces::One(name) => Some(name.clone()),
        Namespaces::Usual => Some(cluster.namespace().to_owned()),
    };
    let mut kinds = kinds_read();
    kinds.extend(target.subjects.iter().map(|subject| subject.kind.clone()));
    kinds.sort();
    kinds.dedup();
    let request = live::Request {
        namespace,
        kinds,
        keep_texts,
    };
    let mut gathered = cluster
        .gather(&request, &|doing| progress.now(doing))
        .map_err(failed)?;
    let socket = connection
        .agent
        .as_deref()
        .map_or(live::deaths::Socket::Usual, live::deaths::Socket::Named);
    live::deaths::add(&mut gathered, socket, request.namespace.as_deref(), keep_texts);
    if gathered.world.snapshot().is_empty()
        && let Some(Gap { spot, .. }) = gathered.gaps.first()
    {
        return Err(
            Failure::new(anyhow!("nothing could be read; {}: {}", spot.what, spot.why)).hint(
                "kubectl auth can-i --list shows what you may read; -n names a namespace that you may read",
            ),
        );
    }
    Ok(Source {
        gathered,
        cluster: Some(cluster),
    })
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
                .hint("fixtures/demo.yaml tells how to capture one; then build again")
            })?;
            let mut gathered = dump::read_bytes("demo.tar.zst", bytes, &options).map_err(failed)?;
            gathered.source.name = "the demo cluster".to_owned();
            Ok(Source::still(gathered))
        }
        Input::Paste(files) => {
            progress.now("reading");
            Ok(Source::still(pasted(files, &options)?))
        }
        Input::Live => {
            let mut source = live(&request.connection, &request.target, false, progress)?;
            source.gathered.now = request.now.or(source.gathered.now);
            Ok(source)
        }
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

fn failed(error: CollectError) -> Failure {
    with_hints(error.hints(), error.into())
}

/// An error of the adapter, with its hints.
pub(super) fn with_hints(hints: Vec<String>, error: anyhow::Error) -> Failure {
    hints.into_iter().fold(Failure::new(error), Failure::hint)
}
