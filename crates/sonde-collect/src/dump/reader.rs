//! From files to a [`Gathered`]: sorts them by content, reads objects on all cores, marks what is complete, then the texts.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;
use sonde_model::{Kind, ObjectRef, Source, SourceKind};

use super::layout::{self, Layout};
use super::marked;
use super::recognize::{self, Language, Segment};
use super::source::{File, Intake};
use crate::gathered::{Gathered, Options, TextPlace};
use crate::manifest::{self, Manifest};
use crate::objects::{self, List, ListId, Outcome, Task};
use crate::pasted::Pasting;
use crate::texts::{self, TextReader};
use crate::yaml::{self, Role};

/// A text to be read after the objects.
struct Text {
    path: String,
    place: Option<TextPlace>,
    bytes: Bytes,
}

/// A list of a file, and what is known of its items.
#[derive(Default)]
struct ListOf {
    list: List,
    items: usize,
    damaged: bool,
    kinds: Vec<Kind>,
    namespaces: Vec<String>,
}

pub(super) struct Reader<'a> {
    options: &'a Options,
    gathered: Gathered,
    manifest: Option<Manifest>,
    tasks: Vec<Task>,
    texts: Vec<Text>,
    /// By file and number in the file.
    lists: BTreeMap<(usize, usize), ListOf>,
    newest: Option<Timestamp>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self {
            options,
            gathered: Gathered::default(),
            manifest: None,
            tasks: Vec::new(),
            texts: Vec::new(),
            lists: BTreeMap::new(),
            newest: None,
        }
    }

    pub(super) fn read(mut self, intake: Intake, name: &str) -> Gathered {
        self.gathered.source = Source {
            kind: SourceKind::Dump,
            name: name.to_owned(),
            ..Source::default()
        };
        for problem in intake.problems {
            self.gathered.problem(&problem.place, problem.text);
        }
        let layout = Layout::of(intake.files.iter().map(|file| file.path.as_str()));
        let mut paths = Vec::with_capacity(intake.files.len());
        for (index, file) in intake.files.into_iter().enumerate() {
            paths.push(file.path.clone());
            self.sort(index, file, &layout);
        }
        let outcomes = objects::read(&self.tasks);
        self.tasks.clear();
        for outcome in outcomes {
            self.put(outcome, &paths);
        }
        self.mark_complete(&paths, &layout);
        self.read_texts(&mut paths);
        self.finish()
    }

    /// Decides what a file is and queues its parts.
    fn sort(&mut self, index: usize, file: File, layout: &Layout) {
        let File { path, bytes, cut } = file;
        if path.rsplit('/').next() == Some(manifest::FILE)
            && let Some(manifest) = Manifest::read(&bytes)
        {
            self.manifest = Some(manifest);
            return;
        }
        let place = layout::text_place(&path);
        let is_log = place.is_some() && (path.ends_with(".log") || path.ends_with(".txt"));
        let language = match std::str::from_utf8(&bytes) {
            Ok(text) if !is_log => recognize::language(text),
            _ => Language::Text,
        };
        let whole = 0..bytes.len();
        match language {
            Language::Json => {
                let hint = layout.kind_hint(&path);
                let end = self.json(index, &path, &bytes, whole, hint);
                if end < bytes.len() {
                    self.mixed(index, path, place, bytes.slice(end..));
                }
            }
            Language::Yaml => {
                let bytes = self.without_logs(&path, bytes);
                let end =
                    std::str::from_utf8(&bytes).map_or(bytes.len(), |text| recognize::yaml_end(text, 0));
                if end == 0 || end == bytes.len() {
                    self.yaml(index, &path, &bytes, 0..bytes.len(), cut);
                } else {
                    self.yaml(index, &path, &bytes, 0..end, false);
                    self.mixed(index, path, place, bytes.slice(end..));
                }
            }
            Language::Text if is_log => self.texts.push(Text { path, place, bytes }),
            Language::Text => self.mixed(index, path, place, bytes),
        }
    }

    /// Queues the objects of a JSON text; returns where it stopped being JSON.
    fn json(
        &mut self,
        file: usize,
        path: &str,
        bytes: &Bytes,
        range: Range<usize>,
        hint: Option<Kind>,
    ) -> usize {
        let text = bytes.slice(range.clone());
        let contents = objects::find_json(&text, hint.as_ref());
        if contents.found.is_empty() && contents.lists.is_empty() {
            if contents.cut && contents.version.is_none() && recognize::begins_object(&text) {
                self.gathered
                    .problem(path, "ends in the middle of its only object, which is lost");
            }
            if contents.version.is_some() {
                self.gathered.source.cluster_version = contents.version;
                return bytes.len();
            }
            // JSON without objects is a log in JSON, or another program's data.
            return range.start;
        }
        if contents.cut {
            self.gathered.problem(
                path,
                "ends in the middle of an object; the objects before are used",
            );
        }
        if contents.version.is_some() {
            self.gathered.source.cluster_version = contents.version;
        }
        let first = self.next_list(file);
        for (number, list) in contents.lists.into_iter().enumerate() {
            self.add_list(file, first + number, list);
        }
        self.tasks
            .extend(contents.found.into_iter().map(|found| Task::Json {
                file,
                bytes: text.slice(found.range),
                kind: found.kind,
                list: found.list.map(|number| first + number),
            }));
        range.start + contents.end
    }

    /// Takes the marked logs out that `kubectl cluster-info dump -o yaml` writes between its lists.
    fn without_logs(&mut self, path: &str, bytes: Bytes) -> Bytes {
        let (logs, rest) = marked::split(&String::from_utf8_lossy(&bytes));
        self.texts.extend(logs.into_iter().map(|(key, log)| Text {
            path: path.to_owned(),
            place: Some(TextPlace::Container(key)),
            bytes: log.into(),
        }));
        rest.map_or(bytes, Bytes::from)
    }

    fn yaml(&mut self, file: usize, path: &str, bytes: &Bytes, range: Range<usize>, cut: bool) {
        let text = bytes.slice(range);
        let Ok(string) = std::str::from_utf8(&text) else {
            return;
        };
        let mut parts = yaml::parts(string);
        if cut {
            // What was cut may still be YAML, with half a value in it.
            parts.pop();
        }
        let first = self.next_list(file);
        let mut kinds: Vec<Option<Kind>> = Vec::new();
        for mut part in parts {
            match &mut part.role {
                Role::Header(number, header) => {
                    let (list, problem) = objects::yaml_list(header, part.line);
                    if let Some(problem) = problem {
                        self.gathered
                            .problem(path, format!("{problem}; around the items of this list"));
                    }
                    kinds.push(list.kind.clone());
                    self.add_list(
                        file,
                        first + *number,
                        List {
                            cut: cut || list.cut,
                            ..list
                        },
                    );
                }
                role => {
                    let mut kind = None;
                    if let Role::Item(number) = role {
                        kind = kinds.get(*number).cloned().flatten();
                        *number += first;
                    }
                    self.tasks.push(Task::Yaml {
                        file,
                        text: text.clone(),
                        part,
                        kind,
                    });
                }
            }
        }
    }

    /// Queues the objects that stand in a text. The text around them keeps its lines, so that what stands before an
    /// object is still before what stands after it.
    fn mixed(&mut self, file: usize, path: String, place: Option<TextPlace>, bytes: Bytes) {
        let text = String::from_utf8_lossy(&bytes);
        let mut rest: Vec<u8> = Vec::new();
        let mut kept = 0;
        for segment in recognize::segments(&text) {
            let (range, taken) = match segment {
                Segment::Json(range) => {
                    let end = self.json(file, &path, &bytes, range.clone(), None);
                    let taken = end > range.start;
                    (range, taken)
                }
                Segment::Yaml(range) => {
                    self.yaml(file, &path, &bytes, range.clone(), false);
                    (range, true)
                }
                Segment::Text(_) => continue,
            };
            if taken {
                rest.extend_from_slice(&bytes[kept..range.start]);
                rest.extend(bytes[range.clone()].iter().filter(|byte| **byte == b'\n'));
                kept = range.end;
            }
        }
        let bytes = if kept == 0 {
            bytes
        } else {
            rest.extend_from_slice(&bytes[kept..]);
            rest.into()
        };
        if !bytes.trim_ascii().is_empty() {
            self.texts.push(Text { path, place, bytes });
        }
    }

    /// A number that no list of the file has.
    fn next_list(&self, file: usize) -> usize {
        let lists = self.lists.range((file, 0)..=(file, usize::MAX));
        lists.last().map_or(0, |((_, number), _)| number + 1)
    }

    fn add_list(&mut self, file: usize, number: usize, list: List) {
        let list = ListOf {
            list,
            ..ListOf::default()
        };
        self.lists.insert((file, number), list);
    }

    fn put(&mut self, outcome: Outcome, paths: &[String]) {
        let file = outcome.file;
        self.newest = self.newest.max(outcome.newest);
        self.gathered.known.extend(outcome.known);
        if outcome.version.is_some() {
            self.gathered.source.cluster_version = outcome.version;
        }
        let own = self.next_list(file);
        for (number, list) in outcome.lists.into_iter().enumerate() {
            self.add_list(file, own + number, list);
        }
        for (object, list) in outcome.objects {
            let list = list.map(|list| match list {
                ListId::File(number) => number,
                ListId::Own(number) => own + number,
            });
            let reference = self.gathered.world.put_object(object);
            if let Some(list) = self.list(file, list) {
                list.items += 1;
                if !list.kinds.contains(&reference.kind) {
                    list.kinds.push(reference.kind);
                }
                if list
                    .namespaces
                    .last()
                    .is_none_or(|last| **last != *reference.namespace)
                {
                    list.namespaces.push(reference.namespace.to_string());
                }
            }
        }
        if let Some((list, problem)) = outcome.problem {
            if let Some(list) = self.list(file, list) {
                list.damaged = true;
            }
            let path = paths.get(file).map_or("", String::as_str);
            self.gathered.problem(
                path,
                format!("{problem}; this object was left out, the others are used"),
            );
        }
    }

    fn list(&mut self, file: usize, number: Option<usize>) -> Option<&mut ListOf> {
        let number = number?;
        self.lists.get_mut(&(file, number))
    }

    /// Marks what the layout says is complete, and what the manifest says.
    fn mark_complete(&mut self, paths: &[String], layout: &Layout) {
        if let Some(manifest) = &self.manifest {
            manifest.mark(&mut self.gathered.world);
            return;
        }
        let lacks_nodes = layout.is_loose() && self.lacks_a_bound_node();
        for ((file, _), list) in &self.lists {
            let Some(covers) = paths.get(*file).and_then(|path| layout.covers(path)) else {
                continue;
            };
            let alone = self.lists.range((*file, 0)..=(*file, usize::MAX)).take(2).count() == 1;
            let whole = !list.list.cut && !list.list.continues && !list.damaged;
            let kind = list.list.kind.as_ref().is_none_or(|kind| *kind == covers.kind)
                && list.kinds.iter().all(|kind| *kind == covers.kind);
            let namespace = covers.namespace.as_deref().unwrap_or_default();
            let namespaces = list.namespaces.iter().all(|it| it == namespace);
            // An empty list of the cluster says nothing where anybody may have made it.
            let told = list.items > 0 || covers.namespace.is_some();
            let selected = covers.kind == Kind::Node && lacks_nodes;
            if alone && whole && kind && namespaces && told && !selected {
                self.gathered
                    .world
                    .mark_complete(covers.kind, covers.namespace.as_deref());
            }
        }
    }

    /// A pod is bound to a node that was not read: the node is gone, or was not selected.
    fn lacks_a_bound_node(&self) -> bool {
        let snapshot = self.gathered.world.snapshot();
        snapshot.objects().filter_map(|object| object.pod()).any(|pod| {
            !pod.node.is_empty() && snapshot.get(&ObjectRef::cluster(Kind::Node, &pod.node)).is_none()
        })
    }

    fn read_texts(&mut self, paths: &mut Vec<String>) {
        let collected = self.manifest.as_ref().and_then(|manifest| manifest.time);
        let told = self.options.now.or(collected);
        let mut reader = TextReader::new(self.options.keep_texts, told.or(self.newest), collected);
        let mut pasting = Pasting::default();
        for text in std::mem::take(&mut self.texts) {
            let (content, note) = texts::clean(&text.bytes);
            if let Some(note) = note {
                self.gathered.problem(&text.path, note);
            }
            match text.place {
                Some(place) => reader.add(&mut self.gathered, place, content),
                None => {
                    let (logs, rest) = marked::split(&content);
                    for (key, log) in logs {
                        reader.add(&mut self.gathered, TextPlace::Container(key), log);
                    }
                    let content = rest.unwrap_or(content);
                    if content.trim().is_empty() {
                        continue;
                    }
                    let before = pasting.manifests.len();
                    pasting.read(&mut self.gathered, &text.path, &content);
                    // A Secret that is quoted in a text is in no shape that redaction knows.
                    let has_secret = pasting.manifests[before..].iter().any(|it| it.contains("Secret"));
                    if !has_secret {
                        reader.add(&mut self.gathered, TextPlace::Other(text.path.clone()), content);
                    }
                    self.manifests(pasting.manifests.split_off(before), &text.path, paths);
                }
            }
        }
        self.newest = self.newest.max(reader.newest).max(pasting.newest);
        pasting.finish(&mut self.gathered);
        texts::share_ended_runs(&mut self.gathered);
    }

    /// Reads manifests that stand in a text in a way that only the text's reader found.
    fn manifests(&mut self, manifests: Vec<String>, path: &str, paths: &mut Vec<String>) {
        for manifest in manifests {
            let index = paths.len();
            paths.push(path.to_owned());
            let bytes = Bytes::from(manifest);
            let whole = 0..bytes.len();
            match std::str::from_utf8(&bytes).map(recognize::language) {
                Ok(Language::Json) => {
                    self.json(index, path, &bytes, whole, None);
                }
                Ok(_) => self.yaml(index, path, &bytes, whole, false),
                Err(_) => {}
            }
        }
        for outcome in objects::read(&std::mem::take(&mut self.tasks)) {
            self.put(outcome, paths);
        }
    }

    fn finish(mut self) -> Gathered {
        let mut told = None;
        if let Some(manifest) = self.manifest.take() {
            told = manifest.time;
            if manifest.cluster_version.is_some() {
                self.gathered.source.cluster_version = manifest.cluster_version;
            }
            self.gathered.asked = manifest.asked;
            self.gathered.gaps.extend(manifest.gaps);
            self.gathered.texts.none.extend(manifest.no_logs);
            for problem in manifest.problems {
                self.gathered.problem(&problem.place, problem.text);
            }
        }
        self.gathered.now = self.options.now.or(told).or(self.newest);
        self.gathered.source.time = self.gathered.now;
        self.gathered.close();
        self.gathered
    }
}
