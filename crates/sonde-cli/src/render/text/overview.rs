//! Many findings at a glance, and the answer when there is none.

use std::collections::BTreeMap;

use sonde_model::{Finding, Report, Severity};

use crate::render::escape::clip;
use crate::render::{Indent, Page, Paint, Span, scanned, words};

/// Rows of the table; the rest is counted.
const ROWS_MAX: usize = 30;
/// From this many findings on, they are also counted by cause.
const BY_CAUSE_FROM: usize = 10;
/// Causes counted by name.
const CAUSES_MAX: usize = 8;

/// Nothing that alarms: says so, with what was scanned.
pub(super) fn healthy(page: &mut Page<'_>, report: &Report) {
    let counts = scanned::counts(report);
    let place = match page.view().asked.as_str() {
        "" => scanned::namespaces(report),
        asked => format!(" in {asked}"),
    };
    if counts.is_empty() {
        page.words(
            Indent::default(),
            &format!("Nothing to look at{place}: no object and no line was found."),
        );
        return;
    }
    let partly = !report.blind_spots.is_empty() || !report.problems.is_empty();
    let said = if words::strange_text(report) {
        "Nothing wrong found, but the text was not understood"
    } else if partly {
        "Nothing wrong found in what could be looked at"
    } else {
        "Nothing wrong found"
    };
    page.paragraph(
        Indent::default(),
        &[
            Span::new(Paint::Good, said),
            Span::plain(format!("{place}: {counts}{}.", scanned::source(report))),
        ],
    );
}

pub(super) fn paint(severity: Severity) -> Paint {
    match severity {
        Severity::Critical | Severity::Error => Paint::Bad,
        Severity::Warning => Paint::Warning,
        Severity::Info => Paint::Info,
    }
}

/// One row for each finding, worst first.
pub(super) fn table(page: &mut Page<'_>, report: &Report, alarms: &[&Finding]) {
    let place = match page.view().asked.as_str() {
        "" => String::new(),
        asked => format!(" in {asked}"),
    };
    page.paragraph(
        Indent::default(),
        &[
            Span::new(Paint::Strong, words::count(alarms.len(), "finding")),
            Span::plain(format!("{place}: {}.", words::severities(alarms.iter().copied()))),
        ],
    );
    if alarms.len() > BY_CAUSE_FROM {
        page.words(
            Indent::default(),
            &format!("By cause: {}.", words::list_up_to(&by_cause(alarms), CAUSES_MAX)),
        );
    }
    page.gap();
    let wide = page.view().wide;
    let shown = if wide {
        alarms.len()
    } else {
        alarms.len().min(ROWS_MAX)
    };
    let mut rows = vec![header(wide)];
    for (at, finding) in alarms.iter().take(shown).enumerate() {
        rows.push(row(at + 1, finding, report, wide));
    }
    if wide {
        page.table(&rows);
    } else {
        two_lines_each(page, &rows, &alarms[..shown]);
    }
    if shown < alarms.len() {
        page.words(
            Indent::by(2),
            &format!(
                "and {} more; -o wide lists them all",
                words::thousands(alarms.len() - shown)
            ),
        );
    }
}

/// `48 OOM-CONTAINER-LIMIT`, the most frequent first.
fn by_cause(alarms: &[&Finding]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in alarms {
        *counts.entry(finding.code.as_str()).or_default() += 1;
    }
    let mut counts: Vec<(usize, &str)> = counts.into_iter().map(|(code, count)| (count, code)).collect();
    counts.sort_by(|(count, code), (other_count, other)| other_count.cmp(count).then(code.cmp(other)));
    counts
        .into_iter()
        .map(|(count, code)| format!("{} {code}", words::thousands(count)))
        .collect()
}

fn header(wide: bool) -> Vec<Span<'static>> {
    let mut names = vec!["#", "SEVERITY", "CAUSE", "SUBJECT", "OBJECTS", "SINCE"];
    if wide {
        names.push("WHAT");
    }
    names
        .into_iter()
        .map(|name| Span::new(Paint::Faint, name))
        .collect()
}

fn row(number: usize, finding: &Finding, report: &Report, wide: bool) -> Vec<Span<'static>> {
    let subject = if finding.subject.namespace.is_empty() {
        words::object(&finding.subject)
    } else {
        format!("{} -n {}", finding.subject, finding.subject.namespace)
    };
    let subject = if wide {
        subject
    } else {
        clip(&subject, 48).into_owned()
    };
    let mut cells = vec![
        Span::plain(number.to_string()),
        Span::new(paint(finding.severity), finding.severity.as_str()),
        Span::plain(finding.code.to_string()),
        Span::plain(subject),
        Span::plain(words::thousands(finding.explains.len().max(1))),
        Span::plain(words::since_short(finding, report.source.time)),
    ];
    if wide {
        cells.push(Span::plain(finding.headline.clone()));
    }
    cells
}

/// At 80 columns a row has no room for the sentence, so it follows the row.
fn two_lines_each(page: &mut Page<'_>, rows: &[Vec<Span<'_>>], findings: &[&Finding]) {
    page.table_with_notes(rows, |page, at| {
        if let Some(finding) = at.checked_sub(1).and_then(|at| findings.get(at)) {
            page.words(Indent::by(4), &finding.headline);
        }
    });
}

/// Says where the findings are that got no details.
pub(super) fn left_out(page: &mut Page<'_>, number: usize) {
    page.gap();
    page.words(
        Indent::default(),
        &format!(
            "The details of {} are left out here. To see them, name an object (sonde diagnose TYPE/NAME) or use --all.",
            words::count(number, "more finding")
        ),
    );
}
