//! Splitting a mixed paste: prompts, descriptions, tables, manifests, and the lines between.

mod group;
mod starts;
mod unwrap;

use std::borrow::Cow;
use std::collections::BTreeMap;

use sonde_model::{Kind, Timestamp, plausible};

use super::command::{Command, command};
use super::describe::{self, Described, Line};
use super::events::{self, EventRow};
use super::lines::Row;
use super::table::{self, Columns, TableObject};
use super::{Origin, Partial, Pasted, naming, piece};
use crate::Fact;
use crate::log::{PodKey, strip_shipper};
use group::Group;
pub(super) use starts::json_end;
use starts::{describe_start, is_manifest_start, manifest_end};

/// What the lines give before ages become times.
#[derive(Default)]
struct Parts {
    described: Vec<Described>,
    tables: Vec<TableObject>,
    /// Events of tables, which name their object.
    events: Vec<EventRow>,
    /// Events without an object: only the events of a description were pasted.
    orphans: Vec<EventRow>,
    groups: Vec<Group>,
    manifests: Vec<String>,
    pieces: Vec<String>,
    /// The last structure was none that a reader knew: its lines are lines like others.
    unread: bool,
}

impl Parts {
    /// Events that know their object, and those that do not.
    fn keep(&mut self, rows: Vec<EventRow>) {
        let (named, orphans): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.object.is_some());
        self.events.extend(named);
        self.orphans.extend(orphans);
    }
}

/// Reads the cleaned lines of a paste.
pub(super) fn read(rows: &[Row<'_>]) -> Pasted {
    let mut parts = Parts::default();
    let mut context = Command::default();
    let mut group = Group::default();
    let mut at = 0;
    while at < rows.len() {
        let row = &rows[at];
        if row.fence {
            group.end(&mut parts.groups, &context);
        }
        if let Some(found) = command(row.text.trim()) {
            group.end(&mut parts.groups, &context);
            context = found;
            at += 1;
            continue;
        }
        // These write no blank lines; what follows one is the person's again.
        let session = context.verb == "exec" && (row.is_blank() || row.fence);
        if session || row.is_blank() && matches!(context.program.as_str(), "dmesg" | "journalctl") {
            group.end(&mut parts.groups, &context);
            context = Command::default();
        }
        let structure = structure(rows, at, &context, &mut parts);
        if std::mem::take(&mut parts.unread) {
            rows[at..structure].iter().for_each(|row| group.push(row));
            at = structure;
            continue;
        }
        if structure > at {
            // The structure stands between lines of one log at most by accident.
            group.end(&mut parts.groups, &context);
            at = structure;
            continue;
        }
        group.push(row);
        at += 1;
    }
    group.end(&mut parts.groups, &context);
    finish(parts)
}

/// Reads a structure that begins here; gives the index after it, or `at` when none begins.
fn structure(rows: &[Row<'_>], at: usize, context: &Command, parts: &mut Parts) -> usize {
    let namespace = context.namespace.as_deref().unwrap_or("");
    if rows[at].is_blank() {
        return at;
    }
    if is_manifest_start(rows, at) {
        let (end, text) = manifest_end(rows, at);
        parts.manifests.push(text);
        return end;
    }
    if let Some((end, text)) = piece::find(rows, at) {
        parts.pieces.push(text);
        return end;
    }
    if let Some(columns) = Columns::of(shipped(&rows[at].text).trim()) {
        return read_table(rows, at, &columns, context, namespace, parts);
    }
    let row = shipped(&rows[at].text);
    if let Some(columns) = table::columns_of_pod(row.trim()) {
        let found = table::read(&columns, row.trim(), rows[at].line, Some(&Kind::Pod), namespace);
        if let Some(found) = found {
            parts.tables.push(found);
            return at + 1;
        }
    }
    if let Some(start) = describe_start(rows, at) {
        let end = starts::describe_end(rows, at, &start);
        let texts = unwrap::unwrapped(&rows[at..end], start.indent);
        let lines: Vec<Line<'_>> = texts.iter().map(|text| text.line(start.indent)).collect();
        let hint = (context.verb == "describe")
            .then_some(context.kind.as_ref())
            .flatten();
        let named = context.name.as_deref().filter(|_| context.verb == "describe");
        match describe::read(&lines, hint, named, namespace) {
            Some(found) => parts.described.push(found),
            None => {
                let mut rows = orphan_events(&lines);
                parts.unread = rows.is_empty();
                naming::name(&mut rows, context);
                parts.keep(rows);
            }
        }
        return end;
    }
    at
}

fn orphan_events(lines: &[Line<'_>]) -> Vec<EventRow> {
    let from = lines
        .iter()
        .position(|line| line.text.starts_with("Events:"))
        .map_or(0, |at| at + 1);
    events::of_description(&lines[from..])
}

/// The text without a shipper's prefix, its own indentation kept.
fn shipped<'a>(text: &'a str) -> Cow<'a, str> {
    let first = text.trim_start().as_bytes().first().copied().unwrap_or(b' ');
    // Only lines that can carry a prefix pay for looking.
    if first.is_ascii_digit() || matches!(first, b'[' | b'{' | b'<') {
        strip_shipper(text)
    } else {
        Cow::Borrowed(text)
    }
}

fn read_table(
    rows: &[Row<'_>],
    at: usize,
    columns: &Columns,
    context: &Command,
    namespace: &str,
    parts: &mut Parts,
) -> usize {
    let (lines, end) = unwrap::table_lines(rows, at, columns);
    // A terminal that is narrower than the table broke its header too.
    let columns = &lines
        .first()
        .and_then(|(_, header)| Columns::of(header))
        .unwrap_or_else(|| columns.clone());
    let hint = (context.verb == "get").then_some(context.kind.as_ref()).flatten();
    let mut events = Vec::new();
    for (line, text) in lines.iter().skip(1) {
        if columns.is_events() {
            let by_columns = || events::table_row(columns, text);
            // Lost columns: the words of the common layout tell more than gaps.
            let found = match columns.fits(text) {
                true => by_columns().or_else(|| events::table_row_by_words(text)),
                false => events::table_row_by_words(text).or_else(by_columns),
            };
            if let Some(mut found) = found {
                found.line = *line;
                let known = (!namespace.is_empty()).then(|| namespace.to_owned());
                found.namespace = found.namespace.take().or(known);
                events.push(found);
            }
        } else if let Some(found) = table::read(columns, text, *line, hint, namespace) {
            parts.tables.push(found);
        }
    }
    naming::name(&mut events, context);
    parts.keep(events);
    end
}

/// Ages become times, groups of lines become logs.
fn finish(mut parts: Parts) -> Pasted {
    let mut pasted = Pasted {
        yaml_or_json: std::mem::take(&mut parts.manifests),
        pieces: std::mem::take(&mut parts.pieces),
        ..Pasted::default()
    };
    let times = parts
        .described
        .iter()
        .flat_map(|found| found.times.iter().copied().chain(found.now));
    let times = times.chain(parts.groups.iter().filter_map(|group| group.newest));
    pasted.newest = times.chain(not_before(&parts)).max();
    for group in std::mem::take(&mut parts.groups) {
        let rows = group.read(&mut pasted);
        parts.keep(rows);
    }
    adopt_lines(&mut pasted, &parts);
    let pods = pods_shown(&parts);
    naming::follow(&mut parts.orphans, &pods);
    if pods.is_empty() {
        naming::unnamed(&mut parts.orphans);
    }
    let orphans = std::mem::take(&mut parts.orphans);
    parts.keep(orphans);
    let node_times = pasted.node_lines.iter().filter_map(|line| line.time);
    let kernel_times = pasted.kernel_lines.iter().filter_map(|line| line.time);
    pasted.newest = pasted
        .newest
        .into_iter()
        .chain(node_times)
        .chain(kernel_times)
        .max();
    let newest = pasted.newest;
    for found in parts.described {
        push_described(&mut pasted, found, newest);
    }
    for mut found in parts.tables {
        set_ages(&mut found.object, &found.ages, newest);
        pasted.objects.push(found.object);
        pasted.partial.push(Partial {
            origin: Origin::Table,
            line: found.line,
            whole: Vec::new(),
        });
    }
    if newest.is_none() {
        oldest_first(&mut parts.events);
    }
    for row in parts.events {
        let known = row.kind != "Warning"
            || crate::message::is_reason(&row.reason)
            || !crate::message::facts(&row.reason, &row.message).is_empty();
        if !known {
            group::not_understood(&mut pasted, &[&format!("{}: {}", row.reason, row.message)]);
        }
        let index = pasted.objects.len();
        push_event(
            &mut pasted,
            row.to_object(None, index, newest),
            row.line,
            Origin::Table,
        );
    }
    for row in parts.orphans {
        pasted.loose.push(super::LooseMessage {
            line: row.line,
            facts: crate::message::facts(&row.reason, &row.message),
            text: row.message,
            reason: Some(row.reason),
            time: None,
        });
    }
    pasted.loose.sort_by_key(|message| message.line);
    pasted
}

/// Times before which the ages cannot have been counted: an object is as old as its row says, and older than its events.
fn not_before(parts: &Parts) -> Vec<Timestamp> {
    let named = |object: &serde_json::Value| {
        ["/kind", "/metadata/name"].map(|pointer| object.pointer(pointer).cloned().unwrap_or_default())
    };
    let mut ages: BTreeMap<String, i64> = BTreeMap::new();
    for row in &parts.tables {
        let created = row
            .ages
            .iter()
            .find(|(path, _)| path.ends_with(&["creationTimestamp"]));
        if let Some((_, seconds)) = created {
            let [kind, name] = named(&row.object);
            // Of a name in two namespaces the younger is the safe one.
            let age = ages.entry(format!("{kind}{name}")).or_insert(*seconds);
            *age = (*age).min(*seconds);
        }
    }
    let later = |found: &Described| {
        let created = found.object.pointer("/metadata/creationTimestamp")?.as_str()?;
        let created: Timestamp = created.parse().ok()?;
        let [kind, name] = named(&found.object);
        let of_events = found
            .events
            .iter()
            .filter_map(|row| row.first_age_seconds.max(row.age_seconds));
        let age = of_events.max().max(ages.get(&format!("{kind}{name}")).copied())?;
        Timestamp::from_second(created.as_second().checked_add(age)?).ok()
    };
    parts.described.iter().filter_map(later).collect()
}

/// Lines of a kubelet that tell of a pod's volume or image without naming the pod are about the only pod of the text.
fn adopt_lines(pasted: &mut Pasted, parts: &Parts) {
    let mut pods = pods_shown(parts);
    for row in &parts.events {
        if let Some((kind, name)) = &row.object
            && kind == Kind::Pod.as_str()
            && pods.len() < 2
            && pods.iter().all(|(_, _, known)| known != name)
        {
            pods.push((row.line, row.namespace.clone().unwrap_or_default(), name.clone()));
        }
    }
    let [(_, namespace, name)] = &pods[..] else { return };
    for line in &mut pasted.node_lines {
        let of_pod = |fact: &Fact| {
            matches!(
                fact,
                Fact::Volume(_) | Fact::Pull(_) | Fact::Create(_) | Fact::Sandbox(_)
            )
        };
        if line.pod.is_none()
            && line.pod_uid.is_none()
            && line.container_id.is_none()
            && line.facts.iter().any(of_pod)
        {
            line.pod = Some(PodKey {
                namespace: namespace.clone(),
                name: name.clone(),
            });
        }
    }
}

/// Without a clock the order of events is all that tells which came after which; kubectl sorts only descriptions.
fn oldest_first(rows: &mut [EventRow]) {
    let age = |row: &EventRow| row.age_seconds;
    if rows.iter().all(|row| age(row).is_some()) {
        rows.sort_by_key(|row| std::cmp::Reverse(age(row)));
    }
}

/// Line, namespace and name of the pods that the paste shows; more than two are as good as two.
fn pods_shown(parts: &Parts) -> Vec<(usize, String, String)> {
    let described = parts.described.iter().map(|it| (it.partial.line, &it.object));
    let tables = parts.tables.iter().map(|it| (it.line, &it.object));
    let mut pods: Vec<(usize, String, String)> = Vec::new();
    for (line, object) in described.chain(tables) {
        let text = |pointer: &str| object.pointer(pointer).and_then(serde_json::Value::as_str);
        let name = text("/metadata/name").unwrap_or("");
        if text("/kind") == Some("Pod") && pods.iter().all(|(_, _, known)| known != name) {
            let namespace = text("/metadata/namespace").unwrap_or("");
            pods.push((line, namespace.to_owned(), name.to_owned()));
            if pods.len() == 2 {
                break;
            }
        }
    }
    pods
}

fn push_described(pasted: &mut Pasted, mut found: Described, newest: Option<Timestamp>) {
    let now = found.now.or(newest);
    set_ages(&mut found.object, &found.ages, now);
    let text = |pointer: &str| {
        found
            .object
            .pointer(pointer)
            .and_then(serde_json::Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    let (kind, namespace, name) = (text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
    let line = found.partial.line;
    pasted.objects.push(found.object);
    pasted.partial.push(found.partial);
    for mention in found.mentions {
        pasted.objects.push(mention);
        pasted.partial.push(Partial {
            origin: Origin::Mention,
            line,
            whole: Vec::new(),
        });
    }
    for row in found.events {
        let index = pasted.objects.len();
        let event = row.to_object(Some((&kind, &namespace, &name)), index, now);
        push_event(pasted, event, row.line, Origin::Describe);
    }
}

fn push_event(pasted: &mut Pasted, event: Option<serde_json::Value>, line: usize, origin: Origin) {
    if let Some(event) = event {
        pasted.objects.push(event);
        pasted.partial.push(Partial {
            origin,
            line,
            whole: Vec::new(),
        });
    }
}

fn set_ages(object: &mut serde_json::Value, ages: &[(Vec<&'static str>, i64)], now: Option<Timestamp>) {
    for (path, seconds) in ages {
        let second = now.and_then(|now| now.as_second().checked_sub(*seconds));
        if let Some(time) = second
            .and_then(|second| Timestamp::from_second(second).ok())
            .and_then(plausible)
        {
            super::json::set(object, path, super::json::time(time));
        } else if now.is_none() && path.ends_with(&["creationTimestamp"]) {
            super::json::set(object, &["metadata", "ageSeconds"], *seconds);
        }
    }
}

/// The kind that a log's command names, so that `kubectl logs deploy/x` is not taken for a pod's name.
fn is_pod(kind: Option<&Kind>) -> bool {
    kind.is_none_or(|kind| *kind == Kind::Pod)
}
