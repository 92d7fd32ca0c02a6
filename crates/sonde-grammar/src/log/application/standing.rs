//! Whether a program went on after a line.

use super::signs::{Line, Weight};
use super::{AppSign, Standing};

/// What a line tells of the program's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Talk {
    /// It works: by a calm level, by its words, or by a request that it served.
    Progress,
    /// It says something of no known kind.
    Plain,
    /// It is in trouble.
    Trouble,
    /// The line belongs to the trouble before it, or to the end.
    Nothing,
}

/// Where the newest lines of each kind stand.
#[derive(Debug, Default)]
pub(super) struct After {
    progress: usize,
    plain: usize,
    trouble: usize,
    /// Plain lines since the last trouble.
    plain_since: usize,
}

/// So many lines without a level or a known word may still belong to the error before them.
const CONTINUED_LINES: usize = 8;

impl After {
    pub(super) fn hear(&mut self, position: usize, talk: Talk) {
        match talk {
            Talk::Progress => self.progress = position,
            Talk::Plain => {
                self.plain = position;
                self.plain_since += 1;
            }
            Talk::Trouble => {
                self.trouble = position;
                self.plain_since = 0;
            }
            Talk::Nothing => {}
        }
    }

    pub(super) fn progressed_behind(&self, position: usize) -> bool {
        self.progress > position
    }

    /// What a line at that position is worth. Plain talk between troubles belongs to them; a little behind the last one
    /// may be the rest of what it says.
    pub(super) fn standing(&self, position: usize, deadly: bool, loud: bool) -> Standing {
        let progressed = self.progressed_behind(position);
        let talked = self.plain > position && self.plain > self.trouble;
        match (deadly, progressed || talked) {
            (true, _) if !progressed => Standing::Decisive,
            (true, _) => Standing::Fatal,
            (false, true) if loud && !progressed && self.plain_since <= CONTINUED_LINES => {
                Standing::Continued
            }
            (false, true) => Standing::Passed,
            (false, false) if loud => Standing::Decisive,
            (false, false) => Standing::Last,
        }
    }
}

/// Words of a program that closes what it had open, because of a trouble or not.
const CLOSING: &[&str] = &[
    "shutting down",
    "shutdown",
    "shut down",
    "stopping",
    "stopped",
    "closing",
    "closed",
    "exit",
    "aborted",
    "aborting",
    "terminat",
    "cleanup",
    "cleaning up",
    "destroy",
    "unregister",
    "rolling back",
    "rollback",
    "disconnect",
    "bye",
];
/// Words of a program that works.
const WORKING: &[&str] = &[
    "connected to",
    "connection established",
    "reconnected",
    "is ready",
    "ready to ",
    "server ready",
    "started",
    "listening on",
    "accepting connections",
    "succeeded",
    "successfully",
    "recovered",
    "resumed",
    "retrying",
    "is healthy",
    "now serving",
];
/// How lines begin that explain the trouble before them.
const EXPLAINING: &[&str] = &[
    "usage",
    "see ",
    "hint",
    "note",
    "detail",
    "run ",
    "try ",
    "for more",
    "for help",
    "help",
    "options",
    "flags",
    "commands",
    "available",
    "please",
    "check ",
    "make sure",
    "consider",
    "you ",
    "did you",
    "caused by",
    "node.js v",
    "npm ",
    "context",
    "statement",
    "query",
    "reason",
    "action",
    "description",
    "valid ",
    "expected",
    "got ",
    "is the server running",
    "the above",
    "during handling",
    "with result",
    "command",
    "location",
    "signal",
];

pub(super) fn talk(raw: &str, line: &Line<'_>, told: Option<&(Weight, AppSign)>) -> Talk {
    if matches!(told, Some((_, AppSign::Known(_)))) {
        return Talk::Trouble;
    }
    if line.is_served_request() || line.is_test_result() {
        return Talk::Progress;
    }
    if line.is_record() && !line.is_settings() {
        return Talk::Nothing;
    }
    let closes = line.has_any(CLOSING);
    match told {
        Some((Weight::Context, AppSign::ListeningOn { .. } | AppSign::Finished)) if !closes => {
            return Talk::Progress;
        }
        Some((Weight::Context, _)) => return Talk::Nothing,
        Some(_) if !line.is_calm() && !line.is_survived() => return Talk::Trouble,
        Some(_) => return Talk::Nothing,
        None if closes => return Talk::Nothing,
        None if line.level_is_loud() && !line.is_survived() => return Talk::Trouble,
        None => {}
    }
    if line.is_info() || line.has_any(WORKING) {
        return Talk::Progress;
    }
    let continues = raw.starts_with([' ', '\t'])
        || !line
            .text
            .starts_with(|c: char| c.is_alphanumeric() || c == '[' || c == '"' || c == '<')
        || !line.text.contains(' ')
        || line.begins_with_any(EXPLAINING)
        || line.text.ends_with(':')
        || line.is_calm();
    if continues { Talk::Nothing } else { Talk::Plain }
}
