//! Descriptions that were pasted without their head: a few lines of one container, a node's conditions.

use super::container;
use super::fields::{Line, is_after_containers, pair};

/// A container's lines without the `Containers:` above them, with it and with a name; nothing where none is missing.
pub(super) fn completed<'a>(lines: &[Line<'a>]) -> Option<Vec<Line<'a>>> {
    let key = |line: &Line<'a>| pair(line.text).map(|(key, _)| key);
    let ends = |line: &Line<'a>| key(line).is_some_and(is_after_containers);
    let first = lines.iter().position(|line| !line.text.is_empty())?;
    let begins = |line: &Line<'a>| key(line).is_some_and(container::tells_of_run);
    let end = lines[first..]
        .iter()
        .position(ends)
        .map_or(lines.len(), |at| first + at);
    if !lines[first..end].iter().any(begins) {
        return None;
    }
    let is_head = |line: &Line<'a>| container::is_name(line.text) || key(line).is_some_and(container::is_key);
    let from = first + lines[first..end].iter().position(is_head)?;
    let made = |indent, text| Line {
        line: lines[from].line,
        indent,
        text,
        width: 0,
    };
    let mut found: Vec<Line<'a>> = lines[..from].to_vec();
    found.push(made(0, "Containers:"));
    let named = container::is_name(lines[from].text);
    if !named {
        found.push(made(2, container::NAMELESS));
    }
    // The first line of a piece often lost its indentation: the keys tell how deep they stand.
    found.extend(lines[from..end].iter().enumerate().map(|(at, line)| Line {
        indent: match key(line) {
            _ if named && at == 0 => 2,
            // The next container.
            _ if named && line.indent <= lines[from].indent && container::is_name(line.text) => 2,
            Some(key) if container::is_of_container(key) => 4,
            _ => 6,
        },
        ..line.clone()
    }));
    found.extend_from_slice(&lines[end..]);
    Some(found)
}

/// The conditions of a node: no other kind's have a heartbeat.
pub(super) fn is_node(lines: &[Line<'_>]) -> bool {
    lines
        .iter()
        .any(|line| line.text.starts_with("Type") && line.text.contains("LastHeartbeatTime"))
}
