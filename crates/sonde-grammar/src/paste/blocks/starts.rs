//! Where descriptions and manifests begin and end.

use crate::log::AppSign;
use crate::paste::command::command;
use crate::paste::describe::{is_container_name, wrap_column};
use crate::paste::lines::{Row, indent};
use crate::paste::table::Columns;

use super::shipped;

/// A description's begin.
pub(super) struct Start {
    /// Columns before its keys.
    pub(super) indent: usize,
}

/// One of these follows `Name:` within a few lines.
const AFTER_NAME: &[&str] = &[
    "Namespace",
    "Labels",
    "Roles",
    "Annotations",
    "Priority",
    "StorageClass",
    "IsDefaultClass",
    "CreationTimestamp",
    "Node",
    "Status",
    "Selector",
    "Min available",
    "Max unavailable",
    "Subsets",
    "Start Time",
    "Resource",
];

/// Keys that only a description has; a description whose head was cut begins with one.
const INNER: &[&str] = &[
    "Init Containers",
    "Containers",
    "Container ID",
    "Image ID",
    "Last State",
    "Restart Count",
    "QoS Class",
    "Node-Selectors",
    "Tolerations",
    "Conditions",
    "Volumes",
    "Events",
    "Liveness",
    "Readiness",
    "Mounts",
    "State",
    "Exit Code",
    "Limits",
    "Requests",
];

/// A description begins here.
pub(super) fn describe_start(rows: &[Row<'_>], at: usize) -> Option<Start> {
    const LOOK_AHEAD: usize = 6;
    let text = shipped(&rows[at].text);
    let key = key_of(&text)?;
    let margin = indent(&text);
    if key == "Name" {
        let value = text.trim_start().strip_prefix("Name:")?;
        let next = rows[at + 1..].iter().take(LOOK_AHEAD).any(|row| {
            let text = shipped(&row.text);
            key_of(&text).is_some_and(|key| AFTER_NAME.contains(&key)) || is_quota_head(&text)
        });
        return (value.starts_with([' ', '\t']) && next).then_some(Start { indent: margin });
    }
    if is_container_head(rows, at, margin) || is_cut_head(rows, at, key) {
        return Some(Start {
            indent: margin_below(rows, at, margin),
        });
    }
    if !INNER.contains(&key) {
        return None;
    }
    // `State:` alone can be anything; two known keys close together are a description.
    let others = rows[at + 1..]
        .iter()
        .take(2 * LOOK_AHEAD)
        .filter(|row| {
            let text = shipped(&row.text);
            key_of(&text).is_some_and(|key| INNER.contains(&key) || key == "Reason") || is_event_head(&text)
        })
        .count();
    let enough = if key == "Events" { 1 } else { 2 };
    // The keys at the top stand at the margin; of a cut text, the least indented line tells where that is.
    let margin = match key {
        "Init Containers" | "Containers" | "QoS Class" | "Node-Selectors" | "Tolerations" | "Conditions"
        | "Volumes" | "Events" => margin,
        _ => margin_below(rows, at, margin),
    };
    let state = matches!(key, "State" | "Last State")
        && matches!(
            text.split_once(':').map_or("", |(_, value)| value.trim()),
            "Waiting" | "Running" | "Terminated"
        );
    let enough = match enough {
        _ if is_heartbeat_head(rows, at) => 0,
        _ if state => 1,
        enough => enough,
    };
    (others >= enough).then_some(Start { indent: margin })
}

/// The margin of a description whose first lines stand deeper: where its keys at the top stand.
fn margin_below(rows: &[Row<'_>], at: usize, margin: usize) -> usize {
    const LINES_MAX: usize = 400;
    rows[at..]
        .iter()
        .take(LINES_MAX)
        .take_while(|row| !row.fence || row.line == rows[at].line)
        .map(|row| shipped(&row.text).into_owned())
        .find(|text| {
            key_of(text).is_some_and(|key| matches!(key, "Conditions" | "Volumes" | "QoS Class" | "Events"))
        })
        .map_or(margin.saturating_sub(4), |text| indent(&text))
        .min(margin)
}

/// `app:` with a container's first keys below it.
fn is_container_head(rows: &[Row<'_>], at: usize, margin: usize) -> bool {
    let text = shipped(&rows[at].text);
    let Some(next) = rows.get(at + 1) else {
        return false;
    };
    let next = shipped(&next.text);
    is_container_name(text.trim())
        && indent(&next) >= margin
        && key_of(&next).is_some_and(|key| matches!(key, "Container ID" | "Image ID"))
}

/// Keys near the top of a pod's description, by which one is known whose first lines were cut.
const HEAD: &[&str] = &[
    "Namespace",
    "Priority",
    "Service Account",
    "Node",
    "Start Time",
    "Labels",
    "Annotations",
    "Status",
    "Reason",
    "Message",
    "IP",
    "IPs",
    "Controlled By",
    "Containers",
    "Init Containers",
];

/// Several keys of a description's head close together, a status among them.
fn is_cut_head(rows: &[Row<'_>], at: usize, key: &str) -> bool {
    const NEAR: usize = 8;
    if !HEAD.contains(&key) || key.ends_with("Containers") {
        return false;
    }
    let mut seen = vec![];
    for row in rows[at..].iter().take(NEAR) {
        let text = shipped(&row.text);
        match key_of(&text) {
            Some("Name" | "apiVersion") => break,
            Some(found) if HEAD.contains(&found) => seen.push(found.to_owned()),
            _ => {}
        }
    }
    seen.len() >= 3 && seen.iter().any(|key| key == "Status")
}

/// A node's conditions: no other kind's have a heartbeat.
fn is_heartbeat_head(rows: &[Row<'_>], at: usize) -> bool {
    rows[at + 1..]
        .iter()
        .take(2)
        .any(|row| row.text.trim_start().starts_with("Type") && row.text.contains("LastHeartbeatTime"))
}

fn is_event_head(text: &str) -> bool {
    let text = text.trim_start();
    (text.starts_with("Type ") && text.contains("Reason")) || text.starts_with("FirstSeen")
}

fn is_quota_head(text: &str) -> bool {
    text.split_whitespace().take(3).eq(["Resource", "Used", "Hard"])
}

/// The key of `Key:   value` or `Key:`.
fn key_of(text: &str) -> Option<&str> {
    let text = text.trim();
    let (key, rest) = text.split_once(':')?;
    (key.len() <= 40 && (rest.is_empty() || rest.starts_with([' ', '\t']))).then_some(key)
}

/// The line after a description.
pub(super) fn describe_end(rows: &[Row<'_>], at: usize, start: &Start) -> usize {
    /// A node's description with many pods has some thousand lines.
    const LINES_MAX: usize = 20_000;
    let mut in_events = false;
    let mut end = at + 1;
    let mut blanks = 0;
    while end < rows.len() && end - at < LINES_MAX {
        let row = &rows[end];
        if row.is_blank() {
            blanks += 1;
            // kubectl ends a description with its events; two blank lines stand between two descriptions.
            if in_events || blanks >= 3 {
                break;
            }
            end += 1;
            continue;
        }
        if row.fence || command(row.text.trim()).is_some() {
            break;
        }
        let text = shipped(&row.text);
        // No other program writes so.
        if crate::log::is_agent_text(&text) {
            break;
        }
        let at_margin = indent(&text) <= start.indent;
        if at_margin {
            match key_of(&text) {
                Some("Name") if describe_start(rows, end).is_some() => break,
                Some("Events") => in_events = true,
                Some("apiVersion") => break,
                None if Columns::of(text.trim()).is_some() => break,
                _ => {}
            }
            // After the events' table, text at the margin is the next thing, unless it is a wrapped message.
            if in_events
                && key_of(&text) != Some("Events")
                && !is_event_head(&text)
                && is_other(rows, at, end)
            {
                break;
            }
            if blanks >= 2 {
                break;
            }
        }
        blanks = 0;
        end += 1;
    }
    end
}

/// The line begins something else than a wrapped event message: a log line with its time, or prose after the rows of
/// events that were indented.
fn is_other(rows: &[Row<'_>], from: usize, at: usize) -> bool {
    let text = rows[at].text.as_ref();
    let is_row = |text: &str| {
        crate::paste::events::row(text.trim()).is_some() || text.trim_start().starts_with("----")
    };
    // `kubectl logs --prefix` names pod and container.
    if text.starts_with("[pod/") && text.contains("] ") {
        return true;
    }
    let previous = shipped(&rows[at - 1].text);
    // A row that had room to spare was not broken.
    if super::unwrap::goes_on(&previous, text) {
        return false;
    }
    let had_room = is_row(&previous) && previous.trim_end().chars().count() < 60;
    crate::log::unwrap_line(text).0.is_some() || (!is_row(text) && had_room) || is_next_output(rows, from, at)
}

/// Messages that carry the output of a command, line ends included.
const WITH_OUTPUT: &[&str] = &["probe failed", "probe errored", "Hook", "hook", "message:"];

/// Lines at the margin after the last row of events that are no rest of its message: another command wrote them right
/// after the description.
fn is_next_output(rows: &[Row<'_>], from: usize, at: usize) -> bool {
    const BLOCK_MAX: usize = 2_000;
    let previous = shipped(&rows[at - 1].text);
    if previous
        .trim_start()
        .strip_prefix("Events:")
        .is_some_and(|rest| rest.trim() == "<none>")
    {
        return true;
    }
    let is_row = |text: &str| crate::paste::events::row(text.trim()).is_some();
    let width = |row: &Row<'_>| row.text.trim_end().chars().count();
    // Without the indentation of the rows nothing tells what stands at the margin.
    if !is_row(&previous)
        || indent(&previous) <= indent(&rows[at].text)
        || WITH_OUTPUT.iter().any(|words| previous.contains(words))
    {
        return false;
    }
    let block = rows[at..]
        .iter()
        .take(BLOCK_MAX)
        .take_while(|row| !row.is_blank() && !row.fence && command(row.text.trim()).is_none());
    let block: Vec<&Row<'_>> = block.collect();
    if block.iter().any(|row| is_row(&row.text)) {
        return false;
    }
    let widths = rows[from..at].iter().map(width);
    let at_break = |wrap: usize| wrap.abs_diff(width(&rows[at - 1])) <= 1;
    if wrap_column(widths.clone()).is_some_and(at_break) {
        return false;
    }
    let widest = widths.max().unwrap_or(0);
    match block[..] {
        // A broken message fills its lines but the last: the next word would not have fitted.
        [first, second, ..] => {
            let word = second.text.split_whitespace().next().unwrap_or("");
            width(first) + 1 + word.chars().count() <= widest
        }
        [only] => {
            let tells = crate::log::application(&[&only.text])
                .iter()
                .any(|line| !matches!(line.sign, AppSign::Finished | AppSign::Error { .. }));
            tells && previous.trim_end().ends_with([')', '.'])
        }
        [] => false,
    }
}

/// A manifest begins here: YAML with `apiVersion:` or `kind:` at its margin, or a JSON object that has them.
pub(super) fn is_manifest_start(rows: &[Row<'_>], at: usize) -> bool {
    const LOOK_AHEAD: usize = 8;
    let text = rows[at].text.trim();
    if text == "---" {
        return rows
            .get(at + 1)
            .is_some_and(|next| is_yaml_head(next.text.trim()));
    }
    if is_yaml_head(text) {
        let margin = rows[at].indent();
        return rows[at + 1..].iter().take(LOOK_AHEAD).any(|row| {
            is_yaml_head(row.text.trim()) || (row.text.trim() == "metadata:" && row.indent() >= margin)
        });
    }
    if text.starts_with(['{', '[']) {
        let is_object = |text: &str| text.contains("\"apiVersion\"") || text.contains("\"kind\"");
        return (is_object(text)
            && !text.contains("\"log\"")
            && text.contains(if text.len() > 200 { "\"metadata\"" } else { "\"" }))
            || (text.len() <= 2
                && rows[at + 1..]
                    .iter()
                    .take(LOOK_AHEAD)
                    .any(|row| is_object(&row.text)));
    }
    false
}

fn is_yaml_head(text: &str) -> bool {
    let text = text.strip_prefix("- ").unwrap_or(text);
    let value = text
        .strip_prefix("apiVersion: ")
        .or_else(|| text.strip_prefix("kind: "));
    value.is_some_and(|value| !value.is_empty() && !value.contains(' '))
}

/// The line after a manifest, and its text at its margin.
pub(super) fn manifest_end(rows: &[Row<'_>], at: usize) -> (usize, String) {
    if rows[at].text.trim_start().starts_with(['{', '[']) {
        json_end(rows, at)
    } else {
        yaml_end(rows, at)
    }
}

fn yaml_end(rows: &[Row<'_>], at: usize) -> (usize, String) {
    let margin = rows[at].indent();
    let mut end = at;
    let mut text = String::new();
    let mut after_blank = false;
    let mut literal = false;
    while end < rows.len() {
        let row = &rows[end];
        if end > at {
            if row.fence {
                break;
            }
            let trimmed = row.text.trim();
            if row.indent() <= margin || trimmed.is_empty() {
                literal = literal && trimmed.is_empty();
            }
            let at_margin = is_top_key(trimmed)
                || trimmed.starts_with("- ")
                || trimmed.starts_with('#')
                || trimmed == "---"
                || trimmed == "...";
            // A text in a literal block may hold blank lines; after one, elsewhere, only YAML is YAML.
            let below = literal || !after_blank || is_yaml_line(trimmed);
            let belongs = trimmed.is_empty()
                || (row.indent() > margin && below)
                || (row.indent() == margin && at_margin);
            if !belongs || (command(trimmed).is_some() && row.indent() <= margin) {
                break;
            }
        }
        let cut = row
            .text
            .char_indices()
            .map(|(at, _)| at)
            .nth(margin.min(row.text.len() - row.text.trim_start().len()));
        text.push_str(&row.text[cut.unwrap_or(row.text.len())..]);
        text.push('\n');
        after_blank = row.is_blank();
        literal |= opens_literal(row.text.trim_end());
        end += 1;
    }
    (end, text)
}

/// Keys at the top of manifests whose values may hold blanks; any key may stand there without a value or with a plain one.
const WITH_WORDS: &[&str] = &["message", "note", "description", "value"];

/// A line at the margin of a manifest: the first words of a log line may look like a key, too.
fn is_top_key(line: &str) -> bool {
    let Some((key, rest)) = line.split_once(':') else {
        return false;
    };
    let is_key = key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let value = rest.trim();
    let plain = !value.contains(' ') || value.starts_with(['"', '\'', '{', '[', '#', '|', '>']);
    let of_logs = matches!(
        key,
        "error" | "err" | "fatal" | "panic" | "warning" | "warn" | "info" | "debug"
    );
    is_key && !of_logs && (rest.is_empty() || rest.starts_with(' ') && (plain || WITH_WORDS.contains(&key)))
}

/// A line below the top of a manifest.
fn is_yaml_line(line: &str) -> bool {
    let of_pair = |line: &str| {
        line.split_once(':').is_some_and(|(key, rest)| {
            !key.trim_matches(['"', '\'']).contains(' ') && (rest.is_empty() || rest.starts_with(' '))
        })
    };
    line.starts_with('#') || line.starts_with("- ") || of_pair(line)
}

/// `key: |`, with its indicators.
fn opens_literal(line: &str) -> bool {
    let Some((_, value)) = line.rsplit_once(": ") else {
        return false;
    };
    value.starts_with(['|', '>']) && value.len() <= 3
}

/// To the bracket that closes the first; a text that is cut ends with the paste.
pub(in crate::paste) fn json_end(rows: &[Row<'_>], at: usize) -> (usize, String) {
    let mut depth = 0_i64;
    let mut in_string = false;
    let mut escaped = false;
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate().skip(at) {
        if index > at && row.fence {
            return (index, text);
        }
        for byte in row.text.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => depth -= 1,
                _ => {}
            }
        }
        text.push_str(&row.text);
        text.push('\n');
        if depth <= 0 {
            return (index + 1, text);
        }
    }
    (rows.len(), text)
}
