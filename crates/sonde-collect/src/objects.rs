//! The objects of a file, whatever it is written in, read on all cores.

use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;
use sonde_model::Kind;
use sonde_world::{Object, ReadError};

use crate::json::{self, Walk};
use crate::limits::LIST_DEPTH_MAX;
use crate::yaml::{self, Role};
use crate::{parallel, redact};

/// A list that was found in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct List {
    /// The kind of its items where the list's own kind tells; `None` for a `List`.
    pub(crate) kind: Option<Kind>,
    /// It goes on in another page.
    pub(crate) continues: bool,
    /// It was cut before its end.
    pub(crate) cut: bool,
}

/// One object's place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) range: Range<usize>,
    /// Its kind, where its list or itself tells.
    pub(crate) kind: Option<Kind>,
    /// The list that it is in.
    pub(crate) list: Option<usize>,
}

/// What a file's text holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) lists: Vec<List>,
    pub(crate) found: Vec<Found>,
    /// The API server's version, where a value tells.
    pub(crate) version: Option<String>,
    /// Values that are no objects.
    pub(crate) others: usize,
    /// Where the scan ended: the end of the text, or where it is no JSON any more.
    pub(crate) end: usize,
    /// The last value is cut.
    pub(crate) cut: bool,
}

/// Finds the objects of a JSON text: one, several, or lists. `hint` is the kind of objects that do not tell theirs.
pub(crate) fn find_json(text: &[u8], hint: Option<&Kind>) -> Contents {
    let mut contents = Contents::default();
    loop {
        let start = json::skip_space(text, contents.end);
        let start = if text.get(start) == Some(&b',') {
            start + 1
        } else {
            start
        };
        contents.end = start;
        match text.get(start) {
            Some(b'{') => {
                let end = contents.value(text, start..text.len(), None, hint, 0);
                contents.end = end.unwrap_or(text.len());
            }
            Some(b'[') => {
                let Some(mut walk) = Walk::new(text, start) else {
                    return contents;
                };
                while let Some(item) = walk.element() {
                    contents.value(text, item, None, hint, 0);
                }
                contents.cut |= !walk.ended();
                contents.end = if walk.ended() { walk.position() } else { text.len() };
            }
            _ => return contents,
        }
    }
}

impl Contents {
    /// Takes the object at the start of `range`, whose end is that of the text where it is not known; returns its end
    /// unless it is cut.
    fn value(
        &mut self,
        text: &[u8],
        range: Range<usize>,
        list: Option<usize>,
        hint: Option<&Kind>,
        depth: usize,
    ) -> Option<usize> {
        let start = range.start;
        let known_end = Some(range.end).filter(|end| *end < text.len());
        let mut walk = Walk::new(text, start)?;
        let (mut kind, mut items, mut metadata, mut is_object) = (None, None, None, false);
        while let Some((key, at)) = walk.key() {
            if key == b"items" && matches!(text.get(at), Some(b'[' | b'n')) && depth < LIST_DEPTH_MAX {
                let Some((elements, end)) = elements(text, at) else {
                    break;
                };
                items = Some(elements);
                // The items of a list may be cut; everything before the cut is still good.
                let Some(end) = end else { break };
                walk.resume(end);
                continue;
            }
            let Some(range) = json::value_at(text, at) else {
                break;
            };
            match key {
                b"kind" => kind = string(&text[range.clone()]).map(Kind::from_name),
                b"metadata" => metadata = Some(range.clone()),
                b"gitVersion" => self.version = string(&text[range.clone()]).map(ToOwned::to_owned),
                b"serverVersion" | b"info" => {
                    if let Some(version) = json::string_member(text, range.start, "gitVersion") {
                        self.version = Some(version.to_owned());
                    }
                }
                _ => {}
            }
            is_object |= kind.is_some() && metadata.is_some();
            walk.resume(range.end);
            // An item of a list has told everything once its kind is known.
            let is_list = kind.as_ref().is_some_and(|kind| kind.as_str().ends_with("List"));
            if is_object && list.is_some() && !is_list {
                break;
            }
        }
        let ended = walk.ended();
        let list_kind = kind.as_ref().and_then(|kind| kind.as_str().strip_suffix("List"));
        if let Some(items) = items
            && (list_kind.is_some() || kind.is_none())
        {
            let name = list_kind.unwrap_or_default();
            self.items(text, items, name, metadata, hint, depth);
            if let Some(list) = self.lists.last_mut() {
                list.cut = !ended;
            }
            self.cut |= !ended;
            return ended.then(|| walk.position());
        }
        // The walk may have ended early, for it knew enough.
        let end = match (ended, known_end) {
            (true, _) => Some(walk.position()),
            (false, Some(end)) => Some(end),
            (false, None) => json::value_at(text, start).map(|range| range.end),
        };
        let Some(end) = end else {
            self.cut = true;
            return None;
        };
        if kind.is_some() || (metadata.is_some() && hint.is_some()) {
            self.found.push(Found {
                range: start..end,
                kind: kind.or_else(|| hint.cloned()),
                list,
            });
        } else {
            self.others += 1;
        }
        Some(end)
    }

    fn items(
        &mut self,
        text: &[u8],
        items: Vec<Range<usize>>,
        name: &str,
        metadata: Option<Range<usize>>,
        hint: Option<&Kind>,
        depth: usize,
    ) {
        let continues = metadata
            .and_then(|range| json::string_member(text, range.start, "continue"))
            .is_some_and(|token| !token.is_empty());
        let kind = (!name.is_empty()).then(|| Kind::from_name(name));
        let hint = kind.as_ref().or(hint);
        let index = self.lists.len();
        self.lists.push(List {
            kind: kind.clone(),
            continues,
            cut: false,
        });
        for item in items {
            self.value(text, item, Some(index), hint, depth + 1);
        }
    }
}

/// The elements of the array at `at`, and where it ends unless it is cut; `None` when there is no array.
/// `null` is how Go writes an array without elements.
fn elements(text: &[u8], at: usize) -> Option<(Vec<Range<usize>>, Option<usize>)> {
    if text.get(at..)?.starts_with(b"null") {
        return Some((Vec::new(), Some(at + 4)));
    }
    let mut walk = Walk::new(text, at).filter(|_| text[at] == b'[')?;
    let mut elements = Vec::new();
    while let Some(element) = walk.element() {
        elements.push(element);
    }
    Some((elements, walk.ended().then(|| walk.position())))
}

fn string(quoted: &[u8]) -> Option<&str> {
    std::str::from_utf8(quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?).ok()
}

/// One piece of work: bytes that hold one object, or a part of a YAML file.
pub(crate) enum Task {
    /// An object's JSON.
    Json {
        file: usize,
        bytes: Bytes,
        kind: Option<Kind>,
        list: Option<usize>,
    },
    /// A part of a YAML text.
    Yaml {
        file: usize,
        text: Bytes,
        part: yaml::Part,
        kind: Option<Kind>,
    },
}

/// Which list an object came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListId {
    /// By its number in the file.
    File(usize),
    /// By its number among the lists of the outcome.
    Own(usize),
}

/// What became of a task.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) file: usize,
    pub(crate) objects: Vec<(Object, Option<ListId>)>,
    /// Lists that were found only while reading.
    pub(crate) lists: Vec<List>,
    pub(crate) problem: Option<(Option<usize>, String)>,
    pub(crate) version: Option<String>,
    pub(crate) newest: Option<Timestamp>,
    /// Values that were hidden.
    pub(crate) known: redact::Known,
}

/// Reads all tasks, in order.
pub(crate) fn read(tasks: &[Task]) -> Vec<Outcome> {
    parallel::map(tasks, |task| match task {
        Task::Json {
            file,
            bytes,
            kind,
            list,
        } => {
            let mut outcome = Outcome {
                file: *file,
                ..Outcome::default()
            };
            outcome.object(bytes.clone(), kind.clone(), list.map(ListId::File), None);
            outcome
        }
        Task::Yaml {
            file,
            text,
            part,
            kind,
        } => read_yaml(*file, text, part, kind.as_ref()),
    })
}

/// The list that a YAML header describes; its items are other parts. A damaged header may still tell the kind.
pub(crate) fn yaml_list(header: &str, line: usize) -> (List, Option<String>) {
    let (documents, problem) = match yaml::to_json(header, line) {
        Ok(documents) => (documents, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let list = documents
        .first()
        .and_then(|json| find_json(json, None).lists.into_iter().next());
    let list = list.unwrap_or_else(|| {
        let kind = header
            .lines()
            .find_map(|line| line.strip_prefix("kind: ")?.trim().strip_suffix("List"));
        List {
            kind: kind.filter(|kind| !kind.is_empty()).map(Kind::from_name),
            cut: true,
            ..List::default()
        }
    });
    (list, problem)
}

fn read_yaml(file: usize, text: &Bytes, part: &yaml::Part, kind: Option<&Kind>) -> Outcome {
    let mut outcome = Outcome {
        file,
        ..Outcome::default()
    };
    let list = match part.role {
        Role::Document => None,
        Role::Item(list) => Some(list),
        Role::Header(..) => return outcome,
    };
    let text = text
        .get(part.text.clone())
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    match yaml::to_json(&text, part.line) {
        Ok(documents) => {
            for document in documents {
                outcome.document(document.into(), list, kind, part.line);
            }
        }
        Err(error) => outcome.problem = Some((list, error.to_string())),
    }
    outcome
}

impl Outcome {
    fn document(&mut self, json: Bytes, list: Option<usize>, kind: Option<&Kind>, line: usize) {
        let contents = find_json(&json, kind);
        self.version = contents.version.or(self.version.take());
        self.lists.extend(contents.lists);
        for found in contents.found {
            // Lists that could not be cut (flow style, lists in lists) are numbered by the reader, after the others.
            let list = list.map(ListId::File).or(found.list.map(ListId::Own));
            self.object(json.slice(found.range), found.kind, list, Some(line));
        }
    }

    fn object(&mut self, bytes: Bytes, kind: Option<Kind>, list: Option<ListId>, line: Option<usize>) {
        let kind = kind.filter(|kind| !kind.as_str().is_empty());
        if kind.as_ref().is_some_and(is_no_object) {
            return;
        }
        let other = Kind::Other("".into());
        let bytes = redact::object(bytes, kind.as_ref().unwrap_or(&other), &mut self.known);
        self.newest = self.newest.max(newest_time(&bytes));
        match Object::from_json(bytes, kind) {
            Ok(object) => self.objects.push((object, list)),
            // Documents of other programs have a kind and no name.
            Err(ReadError::Nameless(_)) => {}
            Err(error) => {
                let place = line.map_or(String::new(), |line| format!("at line {line}: "));
                let why =
                    std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
                self.problem = Some((list_in_file(list), format!("{place}{error}{why}")));
            }
        }
    }
}

fn list_in_file(list: Option<ListId>) -> Option<usize> {
    match list {
        Some(ListId::File(index)) => Some(index),
        _ => None,
    }
}

/// Kinds that are no objects of a cluster: a kubeconfig has credentials and is never kept.
fn is_no_object(kind: &Kind) -> bool {
    matches!(
        kind.as_str(),
        "Config" | "Status" | "Table" | "SupportBundle" | "Preflight" | "APIResourceList" | "APIGroupList"
    )
}

/// Fields that tell when something happened; times in the future (a certificate's end, a deletion's deadline) are
/// under other names.
const TIME_FIELDS: &[&[u8]] = &[
    b"creationTimestamp",
    b"lastTransitionTime",
    b"lastHeartbeatTime",
    b"lastUpdateTime",
    b"lastProbeTime",
    b"lastScheduleTime",
    b"lastTimestamp",
    b"firstTimestamp",
    b"lastObservedTime",
    b"eventTime",
    b"renewTime",
    b"startedAt",
    b"finishedAt",
    b"startTime",
    b"completionTime",
    b"time",
];

/// The newest time among an object's fields.
fn newest_time(bytes: &[u8]) -> Option<Timestamp> {
    // Times of one format and zone compare as their text does.
    let mut newest: Option<&[u8]> = None;
    for end in memchr::memmem::find_iter(bytes, b"Z\"") {
        let before = &bytes[end.saturating_sub(32)..end];
        let Some(quote) = memchr::memrchr(b'"', before) else {
            continue;
        };
        let time = &before[quote + 1..];
        if time.len() < 19 || newest.is_some_and(|have| have >= time) || !time.starts_with(b"20") {
            continue;
        }
        let key = bytes[..end - time.len() - 1].trim_ascii_end();
        let key = key.strip_suffix(b":").unwrap_or_default().trim_ascii_end();
        let key = key.strip_suffix(b"\"").unwrap_or_default();
        let is_time = TIME_FIELDS.iter().any(|field| {
            key.strip_suffix(*field)
                .is_some_and(|before| before.ends_with(b"\""))
        });
        if is_time {
            newest = Some(time);
        }
    }
    let text = std::str::from_utf8(newest?).ok()?;
    format!("{text}Z").parse().ok()
}
