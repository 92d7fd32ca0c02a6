//! Puts logs where the engine looks for them: by container, by node. Texts are redacted here, before they are kept.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sonde_diagnose::{LogKey, NodeLogRead};
use sonde_grammar::counters::cpu_throttling;
use sonde_grammar::log::{self, NodeLog};
use sonde_model::{Kind, ObjectRef};
use sonde_world::ContainerState;

use crate::gathered::{Gathered, KeptText, TextPlace};
use crate::limits::{CONTAINER_LOG_LINES_MAX, LINE_BYTES_MAX};
use crate::redact;

/// The text of a log file: valid UTF-8, redacted, with bounded lines. Says what had to be changed.
pub(crate) fn clean(bytes: &[u8]) -> (String, Option<String>) {
    let text = String::from_utf8_lossy(bytes);
    let damaged = matches!(text, Cow::Owned(_));
    let mut note = damaged.then(|| "has invalid UTF-8, read with replacement characters".to_owned());
    let long = text
        .split('\n')
        .filter(|line| line.len() > LINE_BYTES_MAX)
        .count();
    let text = if long == 0 {
        redact::owned_text(text.into_owned())
    } else {
        let long_note = format!("{long} lines are longer than {LINE_BYTES_MAX} bytes and were cut");
        note = Some(note.map_or(long_note.clone(), |note| format!("{note}; {long_note}")));
        let cut: Vec<&str> = text.split('\n').map(|line| cut(line, LINE_BYTES_MAX)).collect();
        redact::owned_text(cut.join("\n"))
    };
    (text, note)
}

/// The start of a text, at most so many bytes, whole characters only.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The year that lines without one belong to.
fn year(now: Option<Timestamp>) -> Option<i16> {
    now.map(|now| now.to_zoned(TimeZone::UTC).year())
}

/// Reads logs into a [`Gathered`]; remembers the newest time that a line tells.
pub(crate) struct TextReader {
    pub(crate) keep: bool,
    /// The time that dates lines without a year.
    pub(crate) about: Option<Timestamp>,
    /// When logs were read to their ends, where that is known.
    pub(crate) read_at: Option<Timestamp>,
    pub(crate) newest: Option<Timestamp>,
}

impl TextReader {
    pub(crate) fn new(keep: bool, about: Option<Timestamp>, read_at: Option<Timestamp>) -> Self {
        Self {
            keep,
            about,
            read_at,
            newest: None,
        }
    }

    /// Adds a redacted text at its place.
    pub(crate) fn add(&mut self, gathered: &mut Gathered, place: TextPlace, text: String) {
        match &place {
            TextPlace::Container(key) => container(gathered, key.clone(), &text),
            TextPlace::Node { node, log } => self.node(gathered, node, Some(*log), &text),
            TextPlace::Counters { node } => {
                gathered.texts.lines += text.lines().count();
                counters(gathered, node, &text);
            }
            TextPlace::Other(_) => {}
        }
        if self.keep {
            gathered.kept_texts.push(KeptText { place, text });
        }
    }

    /// Remembers what was read, whatever it says: silence tells something only of a time that was read.
    fn note_read(&self, gathered: &mut Gathered, node: &Arc<str>, log: NodeLog, lines: &[&str]) {
        let mut read = NodeLogRead::of(log, lines, year(self.about));
        if let (Some((_, until)), Some(read_at), NodeLog::Kernel) = (&mut read.span, self.read_at, log) {
            // A kernel may have nothing to say for hours, and its log is read to the end.
            *until = read_at.max(*until);
        }
        gathered
            .texts
            .read
            .entry((node.clone(), log))
            .and_modify(|have| have.join(read))
            .or_insert(read);
    }

    fn node(&mut self, gathered: &mut Gathered, node: &Arc<str>, log: Option<NodeLog>, text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        gathered.texts.lines += lines.len();
        let year = year(self.about);
        let kernel = log::kernel_in_year(&lines, year);
        let others = if log == Some(NodeLog::Kernel) {
            Vec::new()
        } else {
            log::node(&lines, log, year)
        };
        let times = kernel
            .iter()
            .filter_map(|line| line.time)
            .chain(others.iter().filter_map(|line| line.time));
        self.newest = self.newest.max(times.max());
        if let Some(log) = log {
            self.note_read(gathered, node, log, &lines);
        }
        for line in kernel {
            let node = at(node, line.host.as_deref());
            gathered.texts.kernel.entry(node).or_default().push(line);
        }
        for line in others.into_iter().filter(|line| line.origin != NodeLog::Kernel) {
            let node = at(node, line.host.as_deref());
            gathered.texts.node.entry(node).or_default().push(line);
        }
    }
}

/// Reads the counters of containers; the newest reading of a node counts.
pub(crate) fn counters(gathered: &mut Gathered, node: &Arc<str>, text: &str) {
    let read = cpu_throttling(text);
    if !read.is_empty() {
        gathered.texts.throttling.insert(node.clone(), read);
    }
}

/// The node that the source names, else the one that the line names.
pub(crate) fn at(node: &Arc<str>, host: Option<&str>) -> Arc<str> {
    match host {
        Some(host) if node.is_empty() => host.into(),
        _ => node.clone(),
    }
}

pub(crate) fn container(gathered: &mut Gathered, key: LogKey, text: &str) {
    if log::is_no_log(text) {
        return;
    }
    gathered.texts.lines += text.lines().count();
    keep_container(gathered, key, text);
}

/// As above, of lines that are counted already.
pub(crate) fn keep_container(gathered: &mut Gathered, key: LogKey, text: &str) {
    if log::is_no_log(text) {
        return;
    }
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.len().saturating_sub(CONTAINER_LOG_LINES_MAX);
    let lines = lines[last..].iter().map(|line| (*line).to_owned());
    gathered
        .texts
        .container_logs
        .entry(key)
        .or_default()
        .extend(lines);
}

/// Gives logs to the run that they are of. While a container waits to be restarted, its current log is that of the run
/// that ended (`validateContainerLogStatus` of the kubelet); who asks for either finds it.
pub(crate) fn share_ended_runs(gathered: &mut Gathered) {
    let snapshot = gathered.world.snapshot();
    let mut shared = Vec::new();
    for (key, lines) in &gathered.texts.container_logs {
        let other = LogKey {
            previous: !key.previous,
            ..key.clone()
        };
        if gathered.texts.container_logs.contains_key(&other) {
            continue;
        }
        let pod = ObjectRef::new(Kind::Pod, &key.namespace, &key.pod);
        let waits = snapshot
            .get(&pod)
            .and_then(|object| object.pod())
            .and_then(|pod| pod.containers.iter().find(|it| it.name == key.container))
            .is_some_and(|it| {
                matches!(it.state, ContainerState::Waiting { .. })
                    && matches!(it.last, ContainerState::Terminated { .. })
            });
        if waits {
            shared.push((other, lines.clone()));
        }
    }
    gathered.texts.container_logs.extend(shared);
}
