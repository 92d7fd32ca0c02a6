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
use crate::limits::{CONTAINER_LOG_LINES_MAX, LINE_BYTES_MAX, NODE_LINES_MAX};
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
    /// What comes now was read on the node itself.
    pub(crate) here: bool,
}

impl TextReader {
    pub(crate) fn new(keep: bool, about: Option<Timestamp>, read_at: Option<Timestamp>) -> Self {
        Self {
            keep,
            about,
            read_at,
            newest: None,
            here: false,
        }
    }

    /// Adds a redacted text at its place.
    pub(crate) fn add(&mut self, gathered: &mut Gathered, place: TextPlace, text: String) {
        let text = gathered.known.hide(text);
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
        read.here = self.here;
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
        let mut dropped = 0;
        for line in kernel {
            let node = at(node, line.host.as_deref());
            dropped += push(gathered.texts.kernel.entry(node).or_default(), line);
        }
        for line in others.into_iter().filter(|line| line.origin != NodeLog::Kernel) {
            let node = at(node, line.host.as_deref());
            dropped += push(gathered.texts.node.entry(node).or_default(), line);
        }
        if dropped > 0 {
            let what = format!("{dropped} understood lines beyond {NODE_LINES_MAX} were left out");
            gathered.problem(&format!("logs of node {node}"), what);
        }
    }
}

/// Adds a line where there is room for one; says how many were dropped.
fn push<T>(lines: &mut Vec<T>, line: T) -> usize {
    if lines.len() >= NODE_LINES_MAX {
        return 1;
    }
    lines.push(line);
    0
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
    let have = gathered.texts.container_logs.entry(key).or_default();
    merge(have, &lines[last..]);
    have.drain(..have.len().saturating_sub(CONTAINER_LOG_LINES_MAX));
}

/// Adds another text of the same log: what both have is there once.
fn merge(have: &mut Vec<String>, more: &[&str]) {
    let Some(first) = more.first() else { return };
    // It goes on within or behind what is there.
    let overlap = (0..have.len()).find(|at| {
        let both = (have.len() - at).min(more.len());
        have[*at] == *first && have[*at..at + both] == more[..both]
    });
    if let Some(at) = overlap {
        let both = (have.len() - at).min(more.len());
        have.extend(more[both..].iter().map(|line| (*line).to_owned()));
        return;
    }
    // It begins before what is there.
    let overlap = (0..more.len()).find(|at| {
        let both = (more.len() - at).min(have.len());
        both > 0 && have[..both] == more[*at..at + both]
    });
    match overlap {
        Some(at) => {
            let both = (more.len() - at).min(have.len());
            let rest = have.split_off(both);
            *have = more.iter().map(|line| (*line).to_owned()).chain(rest).collect();
        }
        None => have.extend(more.iter().map(|line| (*line).to_owned())),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> LogKey {
        LogKey {
            namespace: "shop".into(),
            pod: "a".into(),
            container: "app".into(),
            previous: false,
        }
    }

    fn read(texts: &[&str]) -> Vec<String> {
        let mut gathered = Gathered::default();
        for text in texts {
            container(&mut gathered, key(), text);
        }
        gathered.texts.container_logs.remove(&key()).unwrap_or_default()
    }

    #[test]
    fn several_texts_of_one_log_are_one() {
        for (texts, expected) in [
            (&["a\nb\nc"][..], "a b c"),
            (&["a\nb\nc", "a\nb\nc"], "a b c"),
            (&["a\nb\nc", "b"], "a b c"),
            (&["a\nb\nc", "b\nc\nd"], "a b c d"),
            (&["b\nc", "a\nb\nc\nd"], "a b c d"),
            (&["b\nc\nd", "a\nb\nc"], "a b c d"),
            (&["a\nb", "x\ny"], "a b x y"),
            (&["", "x"], "x"),
        ] {
            assert_eq!(read(texts).join(" "), expected, "{texts:?}");
        }
    }

    #[test]
    fn the_last_lines_are_kept_of_all_texts_together() {
        let lines = |from: usize| {
            let lines: Vec<String> = (from..from + CONTAINER_LOG_LINES_MAX)
                .map(|n| n.to_string())
                .collect();
            lines.join("\n")
        };
        let read = read(&[&lines(0), &lines(1_000_000), &lines(2_000_000)]);
        assert_eq!(read.len(), CONTAINER_LOG_LINES_MAX);
        assert_eq!(read[0], "2000000");
    }

    #[test]
    fn understood_lines_of_a_node_have_a_bound() {
        let mut gathered = Gathered::default();
        let place = TextPlace::Node {
            node: "n1".into(),
            log: NodeLog::Kernel,
        };
        let line = "[ 12.5] Memory cgroup out of memory: Killed process 7 (app) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:1\n";
        let text = line.repeat(NODE_LINES_MAX + 7);
        TextReader::new(false, None, None).add(&mut gathered, place, text);
        assert_eq!(gathered.texts.kernel["n1"].len(), NODE_LINES_MAX);
        assert!(
            gathered.problems[0].text.starts_with("7 understood lines"),
            "{:?}",
            gathered.problems
        );
    }
}
