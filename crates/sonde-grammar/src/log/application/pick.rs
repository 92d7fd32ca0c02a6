//! Which of an application's lines decide.

use super::signs::{Line, Weight, sign};
use super::{AppSign, TellingLine, unwrap_line};

/// Last words are last: of a longer log, only its begin and its end are read.
const HEAD_LINES_MAX: usize = 2_000;
const TAIL_LINES_MAX: usize = 20_000;
/// More than these explain nothing further.
const TELLING_MAX: usize = 12;
/// Lines before the last error that still belong to the same death; frames of stack traces do not count.
const LAST_WORDS_LINES: usize = 60;

struct Candidate {
    line: TellingLine,
    weight: Weight,
    /// Position without stack frames.
    position: usize,
    /// Depth in a chain of causes: 1 for the first `Caused by:`, and so on.
    depth: usize,
    /// The line says that the program tries again.
    retried: bool,
    /// The line says that the program tried often enough.
    gives_up: bool,
    /// The line says of itself that the program dies of it, and why.
    fatal: bool,
}

impl Candidate {
    fn is_calm(&self) -> bool {
        self.line.calm
    }
}

/// The lines that decide, most telling first.
///
/// The last death counts, not troubles that the program survived long before. Among its lines a cause stands before
/// the exception that wraps it, the innermost `Caused by:` before the outer ones, the first error before its
/// follow-ups; before them all stands a line that is fatal by its own word and says why. What the program listened on, waited for or was told to do comes last.
pub fn application(lines: &[&str]) -> Vec<TellingLine> {
    let mut found = candidates(lines);
    // What was tried again in vain is what the program ends of.
    if let Some(end) = found.iter().rev().find(|c| c.gives_up).map(|c| c.position) {
        for candidate in found.iter_mut().filter(|c| c.retried && c.position < end) {
            candidate.line.calm = false;
        }
    }
    drop_own_farewell(&mut found);
    let Some(last) = found
        .iter()
        .rev()
        .find(|c| c.weight < Weight::Context && !c.is_calm())
        .or_else(|| found.iter().rev().find(|c| c.weight < Weight::Context))
        .map(|c| c.position)
    else {
        return newest_context(found);
    };
    found.sort_by_key(|c| {
        let old = c.position + LAST_WORDS_LINES < last;
        (
            old && c.weight < Weight::Context,
            c.is_calm() && c.weight < Weight::Context,
            !c.fatal && c.weight < Weight::Context,
            c.weight,
            std::cmp::Reverse(c.depth),
            // Of old troubles and of context, the newest tells most.
            if old || c.weight == Weight::Context {
                usize::MAX - c.position
            } else {
                c.position
            },
        )
    });
    distinct(found)
}

/// A program that shuts down after an error of its own was not told to.
fn drop_own_farewell(found: &mut Vec<Candidate>) {
    let mut failed: Option<usize> = None;
    found.retain(|c| {
        if c.weight < Weight::Context && !c.is_calm() {
            failed = Some(c.position);
        }
        let farewell = matches!(&c.line.sign, AppSign::Signal { name } if name.is_empty())
            && !Line::new(&c.line.text).says_who_asked();
        !(farewell && failed.is_some_and(|at| at + LAST_WORDS_LINES >= c.position))
    });
}

fn candidates(lines: &[&str]) -> Vec<Candidate> {
    let skipped = lines.len().saturating_sub(TAIL_LINES_MAX);
    let numbered = lines
        .iter()
        .enumerate()
        .filter(|(i, _)| *i < HEAD_LINES_MAX || *i >= skipped);
    let mut found = Vec::new();
    let mut position = 0;
    let mut depth = 0;
    for (index, raw) in numbered {
        let (time, text) = unwrap_line(raw);
        if Line::is_frame(&text) {
            continue;
        }
        position += 1;
        let line = Line::new(&text);
        depth = if line.text.starts_with("Caused by:") {
            depth + 1
        } else {
            0
        };
        let Some((weight, sign)) = sign(&line) else {
            continue;
        };
        found.push(Candidate {
            weight,
            position,
            depth,
            retried: line.says_retry(),
            gives_up: line.says_it_gives_up(),
            fatal: weight < Weight::Context && line.is_fatal(),
            line: TellingLine {
                calm: line.is_calm() || line.is_survived(),
                line: index,
                text: line.text.to_owned(),
                time,
                sign,
            },
        });
    }
    found
}

fn newest_context(mut found: Vec<Candidate>) -> Vec<TellingLine> {
    found.sort_by_key(|c| std::cmp::Reverse(c.position));
    distinct(found)
}

/// Equal signs once; bounded, with room kept for the context.
fn distinct(found: Vec<Candidate>) -> Vec<TellingLine> {
    let mut kept: Vec<TellingLine> = Vec::new();
    let mut context: Vec<TellingLine> = Vec::new();
    for candidate in found {
        let is_context = candidate.weight == Weight::Context;
        let list = if is_context { &mut context } else { &mut kept };
        let most = if is_context {
            TELLING_MAX / 3
        } else {
            TELLING_MAX - TELLING_MAX / 3
        };
        if list.len() < most && !list.iter().any(|line| same(&line.sign, &candidate.line.sign)) {
            list.push(candidate.line);
        }
    }
    kept.append(&mut context);
    kept
}

fn same(one: &AppSign, other: &AppSign) -> bool {
    match (one, other) {
        (AppSign::Signal { .. }, AppSign::Signal { .. }) => true,
        _ => one == other,
    }
}
