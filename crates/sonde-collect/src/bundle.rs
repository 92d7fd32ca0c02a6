//! Writes what was gathered as a bundle that diagnoses the same way offline.
//!
//! Everything in a [`Gathered`] was redacted when it was read; nothing is read again here. The form is told by the
//! path: `.tar.zst`, `.tar.gz` (`.tgz`), `.tar`, `.zip`, and a folder for any other name.

mod sink;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use sonde_grammar::log::NodeLog;
use sonde_model::Kind;
use sonde_world::{Object, Snapshot};

use crate::gathered::TextPlace;
use crate::manifest::{self, Manifest};
use crate::{CollectError, Gathered};
use sink::Sink;

/// Bytes after which the objects of a kind go on in another file.
const OBJECT_FILE_BYTES: usize = 32 << 20;

/// Writes a bundle; what is at the path is replaced only once the bundle is whole.
///
/// The texts must have been kept ([`crate::Options::keep_texts`]).
///
/// # Errors
/// When it cannot be written.
pub fn write(gathered: &Gathered, path: &Path) -> Result<(), CollectError> {
    let written = write_files(gathered, path);
    written.map_err(|source| CollectError::Write {
        path: path.to_owned(),
        source,
    })
}

fn write_files(gathered: &Gathered, path: &Path) -> io::Result<()> {
    let mut sink = Sink::create(path, gathered.now)?;
    let snapshot = gathered.world.snapshot();
    let manifest = manifest(gathered, &snapshot);
    sink.file(manifest::FILE, &serde_json::to_vec_pretty(&manifest)?)?;
    objects(&snapshot, &mut sink)?;
    texts(gathered, &mut sink)?;
    sink.finish()
}

fn manifest(gathered: &Gathered, snapshot: &Snapshot) -> Manifest {
    let mut manifest = Manifest {
        schema: manifest::SCHEMA.to_owned(),
        sonde_version: env!("CARGO_PKG_VERSION").to_owned(),
        source: gathered.source.name.clone(),
        cluster_version: gathered.source.cluster_version.clone(),
        time: gathered.now,
        asked: gathered.asked.clone(),
        gaps: gathered.gaps.clone(),
        absent: snapshot.absent().cloned().collect(),
        no_logs: gathered.texts.none.iter().cloned().collect(),
        problems: gathered.problems.clone(),
        ..Manifest::default()
    };
    manifest.set_complete(snapshot.coverage());
    manifest
}

/// Writes objects as lists, one kind after the other. What was read from texts is in the texts.
fn objects(snapshot: &Snapshot, sink: &mut Sink) -> io::Result<()> {
    let mut open: Option<(Kind, Vec<u8>, usize)> = None;
    for object in snapshot.objects().filter(|object| !object.partial) {
        let kind = &object.reference.kind;
        let part = match &open {
            Some((have, bytes, part)) if have == kind && bytes.len() < OBJECT_FILE_BYTES => *part,
            Some((have, _, part)) if have == kind => part + 1,
            _ => 1,
        };
        if open
            .as_ref()
            .is_none_or(|(have, _, at)| have != kind || *at != part)
        {
            close(open.take(), sink)?;
            open = Some((kind.clone(), list_head(object), part));
        }
        if let Some((_, bytes, _)) = &mut open {
            if bytes.last() != Some(&b'\n') {
                bytes.extend_from_slice(b",\n");
            }
            bytes.extend_from_slice(object.encoded.bytes());
        }
    }
    close(open, sink)
}

fn list_head(object: &Object) -> Vec<u8> {
    let head = serde_json::json!({
        "apiVersion": &*object.api_version,
        "kind": format!("{}List", object.reference.kind),
    });
    let mut head = head.to_string().into_bytes();
    head.pop();
    head.extend_from_slice(b",\"items\":[\n");
    head
}

fn close(open: Option<(Kind, Vec<u8>, usize)>, sink: &mut Sink) -> io::Result<()> {
    let Some((kind, mut bytes, part)) = open else {
        return Ok(());
    };
    bytes.write_all(b"\n]}\n")?;
    let name = kind.info().map_or_else(
        || kind.as_str().to_ascii_lowercase(),
        |info| info.plural.to_owned(),
    );
    let name = safe(&name);
    let path = if part == 1 {
        format!("objects/{name}.json")
    } else {
        format!("objects/{name}-{part}.json")
    };
    sink.file(&path, &bytes)
}

fn texts(gathered: &Gathered, sink: &mut Sink) -> io::Result<()> {
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    for kept in &gathered.kept_texts {
        let path = text_path(&kept.place);
        let count = used.entry(path.clone()).or_default();
        *count += 1;
        let path = match (*count, path.rsplit_once('/')) {
            (1, _) => path,
            // The last parts of the path tell whose it is.
            (count, Some(("logs", file))) => format!("more-{count}/logs/{file}"),
            (count, _) => format!("more-{count}/{path}"),
        };
        sink.file(&path, kept.text.as_bytes())?;
    }
    Ok(())
}

fn text_path(place: &TextPlace) -> String {
    match place {
        TextPlace::Container(key) => format!(
            "logs/{}_{}_{}{}.log",
            safe(&key.namespace),
            safe(&key.pod),
            safe(&key.container),
            if key.previous { ".previous" } else { "" }
        ),
        TextPlace::Node { node, log } => {
            let file = match log {
                NodeLog::Kubelet => "kubelet.log",
                NodeLog::Containerd => "containerd.log",
                NodeLog::Crio => "crio.log",
                NodeLog::Dockerd => "dockerd.log",
                NodeLog::Kernel => "dmesg.log",
                NodeLog::Agent => "agent.log",
            };
            node_file(node, file)
        }
        TextPlace::Counters { node } => node_file(node, "cadvisor.txt"),
        TextPlace::Other(name) => {
            let name = name.rsplit('/').next().unwrap_or_default();
            let name = safe(name.strip_suffix(".txt").unwrap_or(name));
            format!("texts/{name}.txt")
        }
    }
}

fn node_file(node: &str, file: &str) -> String {
    if node.is_empty() {
        file.to_owned()
    } else {
        format!("nodes/{}/{file}", safe(node))
    }
}

/// A name that is a file's name on every system; names of objects are already.
fn safe(name: &str) -> String {
    let name: String = name
        .chars()
        .take(200)
        .map(|it| {
            if it.is_ascii_alphanumeric() || "-._".contains(it) {
                it
            } else {
                '-'
            }
        })
        .collect();
    if name.is_empty() || name.starts_with('.') {
        format!("x{name}")
    } else {
        name
    }
}

#[cfg(test)]
mod tests;
