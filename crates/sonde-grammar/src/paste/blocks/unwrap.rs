//! Lines of a description that a terminal or a chat broke, whole again.

use crate::paste::age;
use crate::paste::command::command;
use crate::paste::describe::{Line, is_top, wrap_column};
use crate::paste::events;
use crate::paste::lines::{Row, indent};
use crate::paste::table::{self, Columns};

use super::shipped;

/// A line, joined where it was broken.
pub(super) struct Unwrapped {
    line: usize,
    text: String,
    width: usize,
}

impl Unwrapped {
    pub(super) fn line(&self, margin: usize) -> Line<'_> {
        Line {
            line: self.line,
            indent: indent(&self.text).saturating_sub(margin),
            text: self.text.trim_start(),
            width: self.width,
        }
    }
}

/// Joins what begins at the margin and is no key to the line before it. A text that lost its indentation is left as
/// it is: there the readers tell by their keys.
pub(super) fn unwrapped(rows: &[Row<'_>], margin: usize) -> Vec<Unwrapped> {
    /// Nothing in a description is longer than a message of 4 KiB and its key.
    const TEXT_BYTES_MAX: usize = 16 * 1024;
    let texts: Vec<_> = rows.iter().map(|row| shipped(&row.text)).collect();
    let widths = || texts.iter().map(|text| text.trim_end().chars().count());
    let wrap = wrap_column(widths().collect::<Vec<_>>().into_iter());
    let flat = texts
        .iter()
        .all(|text| text.trim().is_empty() || indent(text) <= margin);
    let mut found: Vec<Unwrapped> = Vec::with_capacity(rows.len());
    // A termination message of several lines begins them at the margin by itself.
    let mut in_message = false;
    let mut last_width = 0;
    for ((row, text), width) in rows.iter().zip(&texts).zip(widths()) {
        let body = text.trim();
        let depth = indent(text).saturating_sub(margin);
        let key = body
            .split_once(':')
            .filter(|(_, rest)| rest.is_empty() || rest.starts_with([' ', '\t']))
            .map(|(key, _)| key);
        // Keys that no list knows are aligned with their values; the rest of a sentence is not.
        let aligned = body.starts_with(|c: char| c.is_ascii_uppercase())
            && key.is_some_and(|key| {
                key.len() <= 50 && (body.len() == key.len() + 1 || body[key.len() + 1..].starts_with("  "))
            });
        let of_events = events::is_rule_or_head(body) || events::row(body).is_some();
        let fresh = depth >= 2
            || of_events
            || (depth == 0 && key.is_some_and(is_top))
            || body.starts_with("Resource ");
        // The break of a terminal comes after its last column, blanks at the end included.
        let by_terminal =
            wrap == Some(last_width) || wrap.is_some_and(|wrap| wrap.checked_sub(1) == Some(last_width));
        let fresh = fresh || (depth == 0 && !by_terminal && aligned);
        let joins = !flat && !fresh && !body.is_empty() && (by_terminal || !in_message);
        last_width = width;
        if depth >= 2 && key.is_some() {
            in_message = key == Some("Message");
        } else if fresh {
            in_message = false;
        }
        match found.last_mut() {
            Some(last) if joins && last.text.len() < TEXT_BYTES_MAX => {
                let exact = wrap == Some(last.width);
                last.width = width;
                if exact {
                    // A blank at the break belongs to the text.
                    let kept: String = text.chars().skip(margin).collect();
                    last.text.push_str(&kept);
                } else {
                    let trimmed = last.text.trim_end().len();
                    last.text.truncate(trimmed);
                    last.text.push(' ');
                    last.text.push_str(body);
                }
            }
            _ => found.push(Unwrapped {
                line: row.line,
                text: text.clone().into_owned(),
                width,
            }),
        }
    }
    found
}

/// Messages that are known to go on, and what their next line begins with.
pub(super) fn goes_on(text: &str, next: &str) -> bool {
    let (text, next) = (text.trim_end(), next.trim());
    let lower = next.starts_with(|c: char| c.is_ascii_lowercase());
    if text.contains("nodes are available:") {
        let counted = next
            .split_once(' ')
            .is_some_and(|(count, _)| count.parse::<u32>().is_ok());
        return !text.ends_with('.') && (counted || lower) || next.starts_with("preemption: ");
    }
    if text.contains("he node was low on resource") {
        return [
            "Threshold",
            "Container ",
            "was using ",
            "which exceeds ",
            "request is ",
        ]
        .iter()
        .any(|begin| next.starts_with(begin));
    }
    // The output of mount has line ends.
    if text.contains("ount failed: exit status") || text.contains("ounting command: ") {
        const PARTS: &[&str] = &[
            "Mounting command: ",
            "Mounting arguments: ",
            "Output: ",
            "mount: ",
            "mount.",
            "missing codepage",
            "(for several filesystems",
            "need a /sbin/mount",
        ];
        return PARTS.iter().any(|begin| next.starts_with(begin));
    }
    // A hook's own output has line ends.
    text.contains(" lifecycle hook (") && next.starts_with(", message: ")
}

/// Messages that were broken into lines, whole again; the first line counts.
pub(super) fn sentences(lines: Vec<(usize, String)>) -> Vec<(usize, String)> {
    /// A scheduler has about as many reasons.
    const LINES_MAX: usize = 16;
    let mut found: Vec<(usize, String)> = Vec::with_capacity(lines.len());
    let mut joined = 0;
    for (line, text) in lines {
        match found.last_mut() {
            Some((_, last)) if joined < LINES_MAX && goes_on(last, &text) => {
                last.truncate(last.trim_end().len());
                last.push(' ');
                last.push_str(text.trim());
                joined += 1;
            }
            _ => {
                joined = 0;
                found.push((line, text));
            }
        }
    }
    found
}

/// The header and rows of a table, broken ones joined, and the index after them.
pub(super) fn table_lines(rows: &[Row<'_>], at: usize, columns: &Columns) -> (Vec<(usize, String)>, usize) {
    let margin = indent(&shipped(&rows[at].text));
    let end = (at + 1..rows.len())
        .find(|&index| {
            let row = &rows[index];
            row.is_blank()
                || row.fence
                || command(row.text.trim()).is_some()
                || Columns::of(shipped(&row.text).trim()).is_some()
        })
        .unwrap_or(rows.len());
    let texts: Vec<String> = rows[at..end]
        .iter()
        .map(|row| {
            let text = shipped(&row.text);
            text.chars()
                .skip(margin.min(indent(&text)))
                .collect::<String>()
                .trim_end()
                .to_owned()
        })
        .collect();
    let wrap = wrap_column(
        texts
            .iter()
            .map(|text| text.chars().count())
            .collect::<Vec<_>>()
            .into_iter(),
    );
    let is_row = |text: &str| match columns.is_events() {
        true => events::table_row(columns, text).is_some() || events::begins_table_row(text),
        false => {
            // What `kubectl rollout status` prints next is a sentence.
            let age = columns
                .cell(text, "AGE")
                .and_then(|cell| cell.split_whitespace().next());
            !text.starts_with(' ')
                && age.is_none_or(age::is_age)
                && (columns.fits(text) || table::words(text).len() >= columns.len())
        }
    };
    let mut found: Vec<(usize, String)> = Vec::new();
    for (index, text) in texts.into_iter().enumerate() {
        // Rows were left out here.
        if index > 0
            && matches!(
                text.trim(),
                "..." | "[...]" | "(...)" | "…" | "[…]" | "<snip>" | "[snip]"
            )
        {
            continue;
        }
        // The header's rest is capitals; a row's rest is no row.
        let header_rest =
            index == 1 && wrap.is_some() && !text.contains(|c: char| c.is_lowercase() || c.is_ascii_digit());
        let fresh = index == 0 || (is_row(&text) && !header_rest);
        match (found.last_mut(), wrap) {
            (Some((_, last)), Some(wrap)) if !fresh => {
                // Blanks at the end of a broken line are often lost.
                let used = last.chars().count() % wrap;
                last.extend(std::iter::repeat_n(' ', if used == 0 { 0 } else { wrap - used }));
                last.push_str(&text);
            }
            (Some((_, last)), None) if !fresh && columns.is_events() && index > 1 => {
                last.push(' ');
                last.push_str(text.trim());
            }
            _ if !fresh => return (found, at + index),
            _ => found.push((rows[at + index].line, text)),
        }
    }
    (found, end)
}
