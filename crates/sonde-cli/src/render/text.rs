//! The report for a person at a terminal, in the order of the questions at 3 a.m.: what is wrong, since when and what
//! changed before, how do we know, what is it not, what to do, what was not looked at.

mod finding;
mod overview;
mod rest;

use sonde_model::Report;

use super::{Page, View, words};

/// Findings told in full when there are many; the rest is in the overview.
const DETAILS_MAX: usize = 8;

pub(super) fn render(report: &Report, view: &View) -> String {
    let mut page = Page::new(view);
    let (alarms, notes) = words::alarms_and_notes(report);
    let now = report.source.time;

    if alarms.is_empty() {
        overview::healthy(&mut page, report);
    } else if alarms.len() > 1 {
        overview::table(&mut page, report, &alarms);
    }
    let shown = if view.all {
        alarms.len()
    } else {
        alarms.len().min(DETAILS_MAX)
    };
    for (at, finding) in alarms.iter().take(shown).enumerate() {
        page.gap();
        let number = (alarms.len() > 1).then_some(at + 1);
        finding::write(&mut page, finding, number, now);
    }
    if shown < alarms.len() {
        overview::left_out(&mut page, alarms.len() - shown);
    }
    rest::notes(&mut page, &notes, now);
    rest::not_looked_at(&mut page, report);
    rest::looked_at(&mut page, report, !alarms.is_empty());
    page.finish()
}
