//! The report for a ticket, a chat or a pull request: GitHub's Markdown. Words from outside stand in code spans and
//! fenced blocks, whose fences are longer than any run of backticks inside.

use jiff::Timestamp;
use sonde_model::{Evidence, EvidenceId, Finding, Report, Verdict};

use super::escape::{clip_middle, shown};
use super::{View, age, scanned, words};
use crate::terminal::Charset;

/// Findings told in full; the table holds all.
const DETAILS_MAX: usize = 20;
/// Characters of one evidence.
const WORDS_MAX: usize = 600;

pub(super) fn render(report: &Report, view: &View) -> String {
    let (alarms, notes) = words::alarms_and_notes(report);
    let now = report.source.time;
    let mut out = String::new();
    let place = match view.asked.as_str() {
        "" => String::new(),
        asked => format!(" in {asked}"),
    };
    let counts = match scanned::counts(report) {
        counts if counts.is_empty() => "nothing".to_owned(),
        counts => counts,
    };
    if alarms.is_empty() {
        line(&mut out, &format!("**Nothing wrong found**{}.", prose(&place)));
    } else {
        let said = format!("{}{place}", words::count(alarms.len(), "finding"));
        line(
            &mut out,
            &format!(
                "**{}**: {}.",
                prose(&said),
                words::severities(alarms.iter().copied())
            ),
        );
        if alarms.len() > 1 {
            table(&mut out, &alarms, now);
        }
    }
    let shown = if view.all {
        alarms.len()
    } else {
        alarms.len().min(DETAILS_MAX)
    };
    for finding in &alarms[..shown] {
        details(&mut out, finding, now);
    }
    if shown < alarms.len() {
        line(
            &mut out,
            &format!(
                "The details of {} are left out.",
                words::count(alarms.len() - shown, "more finding")
            ),
        );
    }
    if !notes.is_empty() {
        line(&mut out, "### Also noted, no alarm");
        bullets(
            &mut out,
            notes
                .iter()
                .map(|note| format!("{}: {}", prose(&words::subject(note)), prose(&note.headline))),
        );
    }
    not_looked_at(&mut out, report);
    line(
        &mut out,
        &format!(
            "<sub>Looked at {}{}.</sub>",
            prose(&counts),
            prose(&scanned::source(report))
        ),
    );
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn table(out: &mut String, alarms: &[&Finding], now: Option<Timestamp>) {
    out.push_str(
        "| # | severity | cause | subject | objects | since | what |\n|---|---|---|---|---|---|---|\n",
    );
    for (at, finding) in alarms.iter().enumerate() {
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            at + 1,
            finding.severity.as_str(),
            finding.code,
            prose(&words::subject(finding)),
            finding.explains.len().max(1),
            words::since_short(finding, now),
            prose(&finding.headline),
        ));
    }
    out.push('\n');
}

fn details(out: &mut String, finding: &Finding, now: Option<Timestamp>) {
    line(
        out,
        &format!(
            "## {}: {}",
            finding.severity.as_str(),
            prose(&words::subject(finding))
        ),
    );
    line(
        out,
        &format!("**{}** ({})", prose(&words::headline(finding)), finding.code),
    );
    line(out, &prose(&words::verdict(finding)));
    let mut when = words::since(finding, now);
    let explained = words::explained(finding, 10);
    if !explained.is_empty() {
        when.push_str(&format!(" It explains {}.", words::list(&explained)));
    }
    line(out, &prose(&when));
    if !finding.changes.is_empty() {
        line(out, "### What changed before");
        bullets(
            out,
            finding
                .changes
                .iter()
                .map(|change| format!("{} {}", age::absolute(change.time), prose(&words::change(change)))),
        );
    }
    let mut told: Vec<&EvidenceId> = Vec::new();
    if !finding.chain.is_empty() {
        let unknown = finding.verdict == Verdict::Unknown;
        line(
            out,
            if unknown {
                "### What was seen"
            } else {
                "### How we know"
            },
        );
        for (at, step) in finding.chain.iter().enumerate() {
            out.push_str(&format!("{}. {}\n", at + 1, prose(&step.text)));
            for item in step.evidence.iter().filter_map(|id| find(finding, id)) {
                if !told.contains(&&item.id) {
                    told.push(&item.id);
                    out.push_str(&format!("   - {}\n", seen(item, now)));
                }
            }
        }
        out.push('\n');
    }
    if !finding.ruled_out.is_empty() {
        line(out, "### What it is not");
        bullets(
            out,
            finding.ruled_out.iter().map(|rival| {
                let shown: Vec<String> = rival
                    .evidence
                    .iter()
                    .filter_map(|id| find(finding, id))
                    .filter(|item| {
                        let new = !told.contains(&&item.id);
                        if new {
                            told.push(&item.id);
                        }
                        new
                    })
                    .map(|item| seen(item, now))
                    .collect();
                let between = if shown.is_empty() { "" } else { "; " };
                format!(
                    "{}: {}{between}{}",
                    rival.code,
                    prose(&rival.reason),
                    shown.join("; ")
                )
            }),
        );
    }
    let rest: Vec<&Evidence> = finding
        .evidence
        .iter()
        .filter(|item| !told.contains(&&item.id))
        .collect();
    if !rest.is_empty() {
        line(out, "### Also seen");
        bullets(out, rest.into_iter().map(|item| seen(item, now)));
    }
    if !finding.next.is_empty() {
        line(out, &format!("### {}", words::next_heading(finding)));
        for look in &finding.next {
            line(out, &format!("- {}", prose(&look.text)));
            command(out, look.command.as_deref());
        }
    }
    if !finding.fixes.is_empty() {
        line(out, "### What to do");
        for fix in &finding.fixes {
            line(out, &format!("- {}{}", prose(&fix.text), words::risk_note(fix)));
            command(out, fix.command.as_deref());
        }
    }
}

fn not_looked_at(out: &mut String, report: &Report) {
    if !report.blind_spots.is_empty() {
        line(out, "### Not looked at");
        bullets(
            out,
            report.blind_spots.iter().map(|spot| {
                let forbids = words::list_up_to(&words::codes(&spot.forbids), 6);
                let forbids = if forbids.is_empty() {
                    String::new()
                } else {
                    format!(" (cannot conclude {forbids})")
                };
                format!("{}: {}{forbids}", prose(&spot.what), prose(&spot.why))
            }),
        );
    }
    if !report.problems.is_empty() {
        line(out, "### Could not be used");
        bullets(
            out,
            report
                .problems
                .iter()
                .take(20)
                .map(|problem| format!("{}: {}", span(&problem.place), prose(&problem.text))),
        );
    }
    if report.not_understood.count > 0 {
        line(out, "### Not understood");
        bullets(
            out,
            std::iter::once(words::count(report.not_understood.count, "message"))
                .chain(report.not_understood.samples.iter().map(|sample| span(sample))),
        );
    }
}

fn find<'a>(finding: &'a Finding, id: &EvidenceId) -> Option<&'a Evidence> {
    finding.evidence.iter().find(|item| item.id == *id)
}

fn seen(item: &Evidence, now: Option<Timestamp>) -> String {
    format!(
        "{}: {}",
        prose(&words::place(item, now)),
        span(&clip_middle(&item.text, WORDS_MAX))
    )
}

/// A block and the empty line after it.
fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push_str("\n\n");
}

fn bullets(out: &mut String, items: impl Iterator<Item = String>) {
    for item in items {
        out.push_str(&format!("- {item}\n"));
    }
    out.push('\n');
}

fn command(out: &mut String, command: Option<&str>) {
    let Some(command) = command else { return };
    let fence = "`".repeat(longest_run(command).max(2) + 1);
    out.push_str(&format!("  {fence}sh\n"));
    for command_line in command.lines() {
        out.push_str(&format!("  {}\n", shown(command_line, Charset::Unicode)));
    }
    line(out, &format!("  {fence}"));
}

/// A code span; its fence is longer than any run of backticks in it.
fn span(text: &str) -> String {
    let text = shown(text.trim(), Charset::Unicode);
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let edge = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{edge}{text}{edge}{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// Words with Markdown's and HTML's signs taken literally.
fn prose(text: &str) -> String {
    let text = shown(text, Charset::Unicode);
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '|' | '~' | '&'
        ) {
            out.push('\\');
        }
        out.push(c);
        // A mention would call people; `image@sha256:…` is none.
        if c == '@' && !before.is_alphanumeric() {
            out.push('\u{2060}');
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_stay_words() {
        assert_eq!(span("a `b` c"), "``a `b` c``");
        assert_eq!(span("`x"), "`` `x ``");
        assert_eq!(
            prose("<img src=x> [a](b) *c*"),
            "\\<img src=x\\> \\[a\\](b) \\*c\\*"
        );
        assert_eq!(prose("\u{1b}[1m"), "\\\\u{1b}\\[1m");
    }
}
