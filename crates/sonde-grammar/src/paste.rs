//! Any text to the same things a live cluster gives: `kubectl describe` and `get` output, events, logs of containers,
//! nodes and kernels, manifests, all mixed, cut, wrapped, quoted or escaped.
//!
//! [`read`] is the whole interface. What it makes from text is partial: see [`Partial`].

mod age;
mod blocks;
mod command;
mod describe;
mod events;
mod json;
mod lines;
mod merge;
mod naming;
mod piece;
mod table;

use std::borrow::Cow;

use serde_json::Value;
use sonde_model::Timestamp;

use crate::Fact;
use crate::log::{KernelLine, NodeLine};

/// What a paste holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pasted {
    /// Kubernetes-shaped objects, events included, with only the fields that the text shows.
    pub objects: Vec<Value>,
    /// For each object, where it is from and what its absent fields prove.
    pub partial: Vec<Partial>,
    /// Logs of containers.
    pub logs: Vec<PastedLog>,
    /// Lines of kubelets and runtimes, with the index of the line in the paste.
    pub node_lines: Vec<NodeLine>,
    /// Facts of kernel logs, with the index of the line in the paste.
    pub kernel_lines: Vec<KernelLine>,
    /// Messages without an object.
    pub loose: Vec<LooseMessage>,
    /// The newest time that the text holds; ages count back from here.
    pub newest: Option<Timestamp>,
    /// Lines that no reader knew, bounded; see [`Pasted::not_understood_count`].
    pub not_understood: Vec<String>,
    /// How many lines no reader knew.
    pub not_understood_count: usize,
    /// How many lines the paste has.
    pub lines: usize,
    /// How many lines were cut because they were longer than 64 KiB.
    pub lines_cut: usize,
    /// Bytes at the end that were not read because the paste is larger than 64 MiB.
    pub bytes_skipped: usize,
    /// Blocks that look like manifests; the caller decodes them.
    pub yaml_or_json: Vec<String>,
    /// Pieces of manifests, a `status:` or a `lastState:` without the object around it; the caller decodes them, and
    /// [`complete`] tells which object they are of.
    pub pieces: Vec<String>,
}

/// Where an object of a paste is from, and which of its parts are whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partial {
    /// Where it is from.
    pub origin: Origin,
    /// Index of its first line in the paste.
    pub line: usize,
    /// JSON pointers (`/spec/volumes`) of the parts that the text shows whole: within them, what is absent does not
    /// exist. Everywhere else absence proves nothing.
    pub whole: Vec<&'static str>,
}

/// The form in which an object was pasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Another object's text names it, such as the pods in a node's description.
    Mention,
    /// A row of a `kubectl get` table.
    Table,
    /// `kubectl describe`.
    Describe,
}

/// Lines of a container's log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PastedLog {
    /// The namespace, where the text names it.
    pub namespace: Option<String>,
    /// The pod, where the text names it.
    pub pod: Option<String>,
    /// The container, where the text names it.
    pub container: Option<String>,
    /// The log is of the container before the last restart.
    pub previous: bool,
    /// Index of the first line in the paste.
    pub line: usize,
    /// The lines as pasted; [`crate::log::application`] reads them.
    pub lines: Vec<String>,
}

/// A message that stands alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LooseMessage {
    /// Index of the line in the paste.
    pub line: usize,
    /// The words.
    pub text: String,
    /// The event's or status' reason before it, where there is one.
    pub reason: Option<String>,
    /// What it says.
    pub facts: Vec<Fact>,
    /// When, where the line says it.
    pub time: Option<Timestamp>,
}

pub use piece::complete;

/// The largest text that is read; the rest is counted in [`Pasted::bytes_skipped`].
pub const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Reads any text. Never fails: what no reader knows is in [`Pasted::not_understood`].
pub fn read(text: &str) -> Pasted {
    read_with(text, |text| Cow::Borrowed(text))
}

/// As [`read`]; `hide` takes out what nobody may see, of what is left when escapes, entities, colours and marks are undone.
pub fn read_with(text: &str, hide: impl Fn(&str) -> Cow<'_, str>) -> Pasted {
    let mut end = text.len().min(BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if end < text.len() {
        // Half a line says something else than the whole.
        end = text[..end].rfind('\n').map_or(end, |at| at + 1);
    }
    let unescaped = lines::undo_entities(lines::undo_escapes(&text[..end]));
    let hidden = match &unescaped {
        Cow::Owned(text) => hide(text),
        Cow::Borrowed(text) => Cow::Borrowed(*text),
    };
    let (mut rows, lines_cut) = lines::rows(&hidden);
    for row in &mut rows {
        // Behind a quote's mark or within a frame a name begins its line only now.
        if let Cow::Owned(hidden) = hide(&row.text) {
            row.text = Cow::Owned(hidden);
        }
    }
    let mut pasted = blocks::read(&rows);
    pasted.lines = rows.len();
    pasted.lines_cut = lines_cut;
    pasted.bytes_skipped = text.len() - end;
    merge::merge(&mut pasted);
    pasted
}

#[cfg(test)]
mod tests;
