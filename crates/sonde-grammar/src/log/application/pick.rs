//! Which of an application's lines decide.

use super::extract::peer;
use super::signs::{DETAIL_BYTES_MAX, Line, Weight, sign};
use super::standing::{After, Talk, talk};
use super::{AppSign, Known, Standing, TellingLine, known, unwrap_line};
use crate::log::scan::clip_to;

/// Last words are last: of a longer log, only its begin and its end are read.
const HEAD_LINES_MAX: usize = 2_000;
const TAIL_LINES_MAX: usize = 20_000;
/// More than these explain nothing further.
const TELLING_MAX: usize = 12;
/// Lines before the last error that still belong to the same death; frames of stack traces do not count.
const LAST_WORDS_LINES: usize = 60;
/// More open troubles of known components than these are the same ones again.
const OPEN_MAX: usize = 64;

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
    /// The line has the form of a program's death.
    deadly: bool,
    /// The line has the form of an error.
    loud: bool,
    /// A later line says that the trouble of a known component is over.
    over: bool,
    /// From where on later lines tell whether the program went on.
    standing_at: usize,
    /// The line does not name what it failed to reach, and one just behind it does.
    vague: bool,
}

impl Candidate {
    fn is_calm(&self) -> bool {
        self.line.calm
    }

    /// Whether the line names what was not reached; `None` for lines about something else.
    fn names_target(&self) -> Option<bool> {
        match &self.line.sign {
            AppSign::ConnectionRefused { target }
            | AppSign::ConnectTimeout { target }
            | AppSign::ConnectionReset { target }
            | AppSign::NameResolution { host: target } => Some(target.is_some()),
            _ => None,
        }
    }
}

/// The lines that decide, most telling first.
///
/// The last death counts, not troubles that the program survived long before. Among its lines a cause stands before
/// the exception that wraps it, the innermost `Caused by:` before the outer ones, the first error before its
/// follow-ups; before them all stands a line that is fatal by its own word and says why. What the program listened on, waited for or was told to do comes last.
pub fn application(lines: &[&str]) -> Vec<TellingLine> {
    let (mut found, after, peers) = candidates(lines);
    // What was tried again in vain is what the program ends of.
    if let Some(end) = found.iter().rev().find(|c| c.gives_up).map(|c| c.position) {
        for candidate in found.iter_mut().filter(|c| c.retried && c.position <= end) {
            candidate.line.calm = false;
            candidate.standing_at = end;
        }
    }
    for candidate in &mut found {
        let loud = candidate.loud && !candidate.is_calm();
        candidate.line.standing = match &candidate.line.sign {
            AppSign::Known(_) if candidate.over => Standing::Passed,
            // A proxy that serves again got over it; the others go on to talk in their trouble.
            AppSign::Known(known) if !matches!(known, Known::Proxy { .. }) => Standing::Decisive,
            _ => match after.standing(candidate.standing_at, candidate.deadly, candidate.loud) {
                Standing::Continued if !loud => Standing::Passed,
                standing => standing,
            },
        };
    }
    drop_own_farewell(&mut found);
    mark_vague(&mut found);
    for candidate in found.iter_mut().filter(|c| c.names_target() == Some(false)) {
        candidate.line.near = only_peer_near(&peers, candidate.position);
    }
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
            c.line.standing == Standing::Passed
                && c.weight < Weight::Context
                && after.progressed_behind(c.standing_at),
            !c.fatal && c.weight < Weight::Context,
            c.weight,
            std::cmp::Reverse(c.depth),
            c.vague,
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

/// A tool's bare "timed out" says less than the program's own line behind it about the same attempt.
fn mark_vague(found: &mut [Candidate]) {
    const JUST_BEHIND: usize = 2;
    for at in 0..found.len() {
        let (position, calm) = (found[at].position, found[at].is_calm());
        let behind = found[at + 1..]
            .iter()
            .take_while(|c| c.position <= position + JUST_BEHIND)
            .any(|c| c.names_target() == Some(true) && c.is_calm() == calm);
        found[at].vague = found[at].names_target() == Some(false) && behind;
    }
}

/// libpq's second line, with what the first one lacks:
/// `Is the server running on host "db" (10.0.0.7) and accepting TCP/IP connections on port 5432?`
fn continued(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("server running on host \"")?;
    let (host, rest) = rest.split_once('"')?;
    let (_, port) = rest.split_once("on port ")?;
    let port = port.trim_end().trim_end_matches('?');
    let is_port = port.parse::<u16>().is_ok();
    let is_host = !host.is_empty() && !host.contains(char::is_whitespace);
    (is_port && is_host).then(|| format!("{host}:{port}"))
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

/// A peer that a line speaks of connecting to.
struct Peer {
    position: usize,
    name: String,
}

/// Whom the program wants to reach, by a line that does not say that it did.
fn peer_of(line: &Line<'_>, talk: Talk) -> Option<String> {
    const REACHES: [&str; 9] = [
        "connecting",
        "connection to",
        "connect to",
        "dial",
        "broker",
        "bootstrap",
        "reach",
        "unavailable",
        "contact",
    ];
    const OWN: [&str; 3] = ["listen", "bind", "serving"];
    let speaks = talk != Talk::Progress && line.has_any(&REACHES) && !line.has_any(&OWN);
    speaks.then(|| peer(line.text)).flatten()
}

fn only_peer_near(peers: &[Peer], position: usize) -> Option<String> {
    const BEFORE: usize = 10;
    const BEHIND: usize = 3;
    let mut near = peers
        .iter()
        .filter(|peer| peer.position <= position + BEHIND && peer.position + BEFORE >= position)
        .map(|peer| &peer.name);
    let first = near.next()?;
    near.all(|other| other == first).then(|| first.clone())
}

fn candidates(lines: &[&str]) -> (Vec<Candidate>, After, Vec<Peer>) {
    let skipped = lines.len().saturating_sub(TAIL_LINES_MAX);
    let numbered = lines
        .iter()
        .enumerate()
        .filter(|(i, _)| *i < HEAD_LINES_MAX || *i >= skipped);
    let mut found: Vec<Candidate> = Vec::new();
    let mut position = 0;
    let mut depth = 0;
    let mut after = After::default();
    let mut notes = false;
    // Troubles of known components of which a later line may say that they are over.
    let mut open: Vec<usize> = Vec::new();
    let mut causes = false;
    let mut peers: Vec<Peer> = Vec::new();
    for (index, raw) in numbered {
        let (time, text) = unwrap_line(raw);
        if Line::is_frame(&text) {
            continue;
        }
        position += 1;
        let line = Line::new(&text);
        let heads_causes = line.text == "Caused by:";
        let in_causes = causes && !heads_causes && raw.starts_with([' ', '\t']);
        causes = heads_causes || in_causes;
        depth = if heads_causes || in_causes || line.begins_with_any(&["caused by", "---> ", "[cause]: "]) {
            depth + 1
        } else {
            0
        };
        if let Some(named) = continued(&text)
            && let Some(before) = found.last_mut()
            && before.position + 1 == position
            && let AppSign::ConnectionRefused {
                target: target @ None,
            }
            | AppSign::ConnectTimeout {
                target: target @ None,
            } = &mut before.line.sign
        {
            *target = Some(named);
            before.line.text = format!("{} {}", before.line.text, line.text);
            continue;
        }
        notes = line.heads_notes() || notes && line.is_item();
        let explains = time.is_none() && line.is_guide();
        let told = if let Some(known) = known::of_raw(raw) {
            Some((Weight::Cause, AppSign::Known(known)))
        } else if notes || explains || line.is_record() {
            None
        } else if in_causes {
            sign(&line).or_else(|| Some((Weight::Death, cause(&line))))
        } else {
            // klog's letter alone is a word of trouble, too; lines that name their level have a row of the table.
            let by_letter = || !line.has("error") && line.is_loud_in_form();
            sign(&line).or_else(|| by_letter().then(|| (Weight::Error, line.unknown_error())))
        };
        if explains {
            continue;
        }
        open.retain(|at: &usize| {
            let earlier = &mut found[*at];
            earlier.over = matches!(&earlier.line.sign, AppSign::Known(known) if known.is_over(&line));
            !earlier.over
        });
        let is_known = matches!(&told, Some((_, AppSign::Known(_))));
        let talk = talk(raw, &line, told.as_ref());
        if let Some(name) = peer_of(&line, talk) {
            peers.push(Peer { position, name });
        }
        after.hear(position, talk);
        let Some((weight, sign)) =
            told.filter(|(weight, _)| *weight == Weight::Context || is_known || !line.is_info())
        else {
            continue;
        };
        if is_known && open.len() < OPEN_MAX {
            open.push(found.len());
        }
        found.push(Candidate {
            weight,
            position,
            depth,
            retried: line.says_retry() || line.attempt().is_some(),
            gives_up: match line.attempt() {
                Some((this, all)) => this >= all,
                None => line.says_it_gives_up(),
            },
            fatal: weight < Weight::Context && line.is_fatal()
                || matches!(sign, AppSign::Known(Known::EtcdFull)),
            deadly: line.is_deadly(),
            loud: is_known || in_causes || line.is_loud(),
            over: false,
            standing_at: position,
            vague: false,
            line: TellingLine {
                calm: !is_known && (line.is_calm() || line.is_survived()),
                line: index,
                text: line.text.to_owned(),
                time,
                sign,
                standing: Standing::Passed,
                near: None,
            },
        });
    }
    (found, after, peers)
}

/// An entry of a list of causes, without its number.
fn cause(line: &Line<'_>) -> AppSign {
    let message = match line.text.split_once(": ") {
        Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => line.text,
    };
    AppSign::Exception {
        message: clip_to(message, DETAIL_BYTES_MAX).to_owned(),
    }
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
        // What comes back at the end was not got over.
        if let Some(first) = list
            .iter_mut()
            .find(|line| same(&line.sign, &candidate.line.sign))
        {
            if first.standing == Standing::Passed {
                first.standing = candidate.line.standing;
            }
        } else if list.len() < most {
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
