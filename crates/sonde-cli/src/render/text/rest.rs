//! What stands below the findings: notes, what was not looked at, what was.

use jiff::Timestamp;
use sonde_model::{Finding, Report};

use super::finding;
use crate::render::escape::clip;
use crate::render::{Indent, Page, Paint, Span, scanned, words};

/// Notes told in a line each.
const NOTES_MAX: usize = 5;
/// Blind spots, problems and samples told one by one.
const ITEMS_MAX: usize = 10;
/// Codes that a blind spot forbids, by name.
const CODES_MAX: usize = 4;

/// Advice and troubles that are over.
pub(super) fn notes(page: &mut Page<'_>, notes: &[&Finding], now: Option<Timestamp>) {
    if page.view().info {
        for note in notes {
            page.gap();
            finding::write(page, note, None, now);
        }
        return;
    }
    if notes.is_empty() {
        return;
    }
    heading(page, "Also noted (no alarm; --show-info tells more)");
    let shown = bound(page, notes.len(), NOTES_MAX);
    for note in &notes[..shown] {
        page.words(
            Indent::with(2, "- "),
            &format!("{}: {}", words::subject(note), note.headline),
        );
    }
    and_more(page, notes.len() - shown);
}

/// Blind spots, input that could not be used, messages that were not understood.
pub(super) fn not_looked_at(page: &mut Page<'_>, report: &Report) {
    let spots = &report.blind_spots;
    if !spots.is_empty() {
        heading(page, "Not looked at");
        let shown = bound(page, spots.len(), ITEMS_MAX);
        for spot in &spots[..shown] {
            let mut text = format!("{}: {}", spot.what, spot.why);
            if !spot.forbids.is_empty() {
                let codes_max = if page.view().wide { usize::MAX } else { CODES_MAX };
                text.push_str(&format!(
                    ". Without it Sonde cannot conclude {}.",
                    words::list_up_to(&words::codes(&spot.forbids), codes_max)
                ));
            }
            page.words(Indent::with(2, "- "), &text);
        }
        and_more(page, spots.len() - shown);
    }
    if !report.problems.is_empty() {
        heading(page, "Could not be used");
        let shown = bound(page, report.problems.len(), ITEMS_MAX);
        for problem in &report.problems[..shown] {
            page.words(
                Indent::with(2, "- "),
                &clip(&format!("{}: {}", problem.place, problem.text), 300),
            );
        }
        and_more(page, report.problems.len() - shown);
    }
    let unknown = &report.not_understood;
    if unknown.count > 0 {
        heading(page, "Not understood");
        page.words(
            Indent::by(2),
            &format!(
                "{} in no wording that Sonde knows{}",
                words::count(unknown.count, "message"),
                if unknown.samples.is_empty() {
                    "."
                } else {
                    ", such as:"
                }
            ),
        );
        let shown = bound(page, unknown.samples.len(), 3);
        for sample in &unknown.samples[..shown] {
            page.words(Indent::with(2, "- "), &clip(sample, 160));
        }
    }
}

/// What the findings are drawn from; a healthy scan has said it already.
pub(super) fn looked_at(page: &mut Page<'_>, report: &Report, findings: bool) {
    let counts = scanned::counts(report);
    if !findings || counts.is_empty() {
        return;
    }
    page.gap();
    page.paragraph(
        Indent::default(),
        &[Span::new(
            Paint::Faint,
            format!(
                "Looked at {counts}{}{}.",
                if page.view().asked.is_empty() {
                    scanned::namespaces(report)
                } else {
                    String::new()
                },
                scanned::source(report)
            ),
        )],
    );
}

fn heading(page: &mut Page<'_>, text: &str) {
    page.gap();
    page.paragraph(Indent::default(), &[Span::new(Paint::Strong, text)]);
}

fn bound(page: &Page<'_>, have: usize, max: usize) -> usize {
    if page.view().wide { have } else { have.min(max) }
}

fn and_more(page: &mut Page<'_>, number: usize) {
    if number > 0 {
        page.words(
            Indent::with(2, "- "),
            &format!("and {} more (-o wide)", words::thousands(number)),
        );
    }
}
