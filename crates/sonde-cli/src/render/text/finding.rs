//! One finding in full.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sonde_model::{Evidence, EvidenceId, EvidenceKind, Finding, NextLook, Verdict};

use super::overview;
use crate::render::escape::{clip, clip_middle};
use crate::render::{Indent, Page, Paint, Span, age, words};

/// Characters of one evidence; log lines can be long, and `wide` shows them whole.
const WORDS_MAX: usize = 400;
/// Characters of an evidence that rules a rival out.
const REASON_MAX: usize = 160;
/// Lines of one evidence that has several.
const LINES_MAX: usize = 6;
/// Rivals told one by one.
const RULED_OUT_MAX: usize = 8;
/// Names of explained objects.
const NAMES_MAX: usize = 4;

/// Tells a finding. `number` is its row in the overview.
pub(super) fn write(page: &mut Page<'_>, finding: &Finding, number: Option<usize>, now: Option<Timestamp>) {
    let mut proof = Proof::new(finding, now);
    title(page, finding, number);
    page.gap();
    when(page, finding, now);
    proof.chain(page);
    proof.ruled_out(page);
    proof.others(page);
    next(page, finding);
    fixes(page, finding);
}

fn title(page: &mut Page<'_>, finding: &Finding, number: Option<usize>) {
    let number = number.map_or_else(String::new, |number| format!("{number}. "));
    page.paragraph(
        Indent::default(),
        &[
            Span::plain(number),
            Span::new(
                overview::paint(finding.severity),
                finding.severity.as_str().to_ascii_uppercase(),
            ),
            Span::plain(" "),
            Span::plain(words::subject(finding)),
            Span::new(Paint::Faint, format!(" ({})", finding.code)),
        ],
    );
    page.paragraph(
        Indent::default(),
        &[Span::new(Paint::Strong, words::headline(finding))],
    );
    page.words(Indent::default(), &words::verdict(finding));
}

fn when(page: &mut Page<'_>, finding: &Finding, now: Option<Timestamp>) {
    let since = words::since(finding, now);
    if !since.is_empty() {
        page.words(Indent::default(), &since);
    }
    let names = if page.view().wide { usize::MAX } else { NAMES_MAX };
    let explained = words::explained(finding, names);
    if !explained.is_empty() {
        page.words(
            Indent::default(),
            &format!("It explains {}.", words::list(&explained)),
        );
    }
    if !finding.changes.is_empty() {
        heading(page, "What changed before");
    }
    for change in &finding.changes {
        page.words(
            Indent::with(2, "- "),
            &format!("{} {}", age::clock(change.time, now), words::change(change)),
        );
    }
}

fn heading(page: &mut Page<'_>, text: &str) {
    page.gap();
    page.paragraph(Indent::default(), &[Span::new(Paint::Strong, text)]);
}

fn next(page: &mut Page<'_>, finding: &Finding) {
    if finding.next.is_empty() {
        return;
    }
    heading(page, words::next_heading(finding));
    for look in &finding.next {
        look_further(page, look);
    }
}

fn look_further(page: &mut Page<'_>, look: &NextLook) {
    let decides = words::codes(&look.decides);
    let text = if decides.is_empty() {
        look.text.clone()
    } else {
        format!("{} (decides {})", look.text, words::list_up_to(&decides, 4))
    };
    page.words(Indent::with(2, "- "), &text);
    if let Some(command) = &look.command {
        page.verbatim(4, Paint::Command, command);
    }
}

fn fixes(page: &mut Page<'_>, finding: &Finding) {
    if finding.fixes.is_empty() {
        return;
    }
    heading(page, "What to do");
    let numbered = finding.fixes.len() > 1;
    for (at, fix) in finding.fixes.iter().enumerate() {
        let mark = if numbered {
            format!("{}. ", at + 1)
        } else {
            "- ".to_owned()
        };
        page.paragraph(
            Indent::with(2, &mark),
            &[
                Span::plain(fix.text.as_str()),
                Span::new(Paint::Faint, words::risk_note(fix)),
            ],
        );
        if let Some(command) = &fix.command {
            page.verbatim(2 + mark.len(), Paint::Command, command);
        }
    }
}

/// The evidence of a finding; each item's words are shown where it is first used.
struct Proof<'a> {
    finding: &'a Finding,
    now: Option<Timestamp>,
    evidence: BTreeMap<&'a EvidenceId, &'a Evidence>,
    /// Where an item was shown: the step's number, or zero for elsewhere.
    shown: BTreeMap<&'a EvidenceId, usize>,
}

impl<'a> Proof<'a> {
    fn new(finding: &'a Finding, now: Option<Timestamp>) -> Self {
        Self {
            finding,
            now,
            evidence: finding.evidence.iter().map(|item| (&item.id, item)).collect(),
            shown: BTreeMap::new(),
        }
    }

    fn chain(&mut self, page: &mut Page<'_>) {
        if self.finding.chain.is_empty() {
            return;
        }
        let unknown = self.finding.verdict == Verdict::Unknown;
        heading(page, if unknown { "What was seen" } else { "How we know" });
        for (at, step) in self.finding.chain.iter().enumerate() {
            let mark = format!("{}. ", at + 1);
            let again: Vec<String> = step
                .evidence
                .iter()
                .filter_map(|id| self.shown.get(id))
                .filter(|&&step| step != at + 1)
                .map(ToString::to_string)
                .collect();
            let text = if again.is_empty() {
                step.text.clone()
            } else {
                format!("{} (see {})", step.text, words::list(&again))
            };
            page.words(Indent::with(2, &mark), &text);
            for id in &step.evidence {
                if self.repeats(id, &step.text) {
                    self.shown.insert(id, at + 1);
                }
                self.once(page, id, 2 + mark.len(), at + 1);
            }
        }
    }

    fn ruled_out(&mut self, page: &mut Page<'_>) {
        let finding = self.finding;
        if finding.ruled_out.is_empty() {
            return;
        }
        heading(page, "What it is not");
        let shown = if page.view().wide {
            finding.ruled_out.len()
        } else {
            finding.ruled_out.len().min(RULED_OUT_MAX)
        };
        for rival in &finding.ruled_out[..shown] {
            let mut spans = vec![Span::plain(format!("{}: {}", rival.code, rival.reason))];
            for id in &rival.evidence {
                if let Some(item) = self.evidence.get(id).filter(|_| !self.shown.contains_key(id)) {
                    let words = format!(" ({}: {})", words::place(item, self.now), item.text.trim());
                    let words = if page.view().wide {
                        words
                    } else {
                        clip(&words, REASON_MAX).into_owned()
                    };
                    spans.push(Span::new(Paint::Faint, words));
                    self.shown.insert(id, 0);
                }
            }
            page.paragraph(Indent::with(2, "- "), &spans);
        }
        if let rest @ [_, ..] = &finding.ruled_out[shown..] {
            let codes: Vec<String> = rest.iter().map(|rival| rival.code.to_string()).collect();
            page.words(Indent::with(2, "- "), &format!("nor {}", words::list(&codes)));
        }
    }

    /// Evidence that no step and no rival uses.
    fn others(&mut self, page: &mut Page<'_>) {
        let finding = self.finding;
        let rest: Vec<&EvidenceId> = finding
            .evidence
            .iter()
            .map(|item| &item.id)
            .filter(|id| !self.shown.contains_key(id))
            .collect();
        if rest.is_empty() {
            return;
        }
        heading(page, "Also seen");
        for id in rest {
            self.once(page, id, 2, 0);
        }
    }

    /// A number that the step has told already, worked out from what other steps show.
    fn repeats(&self, id: &EvidenceId, step: &str) -> bool {
        self.evidence
            .get(id)
            .is_some_and(|item| item.kind == EvidenceKind::Computed && step.contains(item.text.trim()))
    }

    fn once(&mut self, page: &mut Page<'_>, id: &'a EvidenceId, margin: usize, step: usize) {
        if self.shown.contains_key(id) {
            return;
        }
        let Some(item) = self.evidence.get(id) else {
            return;
        };
        self.shown.insert(id, step);
        let place = words::place(item, self.now);
        let wide = page.view().wide;
        let mut lines = item
            .text
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.trim().is_empty());
        let first = lines.next().unwrap_or_default();
        let cut = |line: &'a str| {
            if wide {
                line.into()
            } else {
                clip_middle(line, WORDS_MAX)
            }
        };
        let between = if place.is_empty() || first.is_empty() {
            ""
        } else {
            ": "
        };
        page.paragraph(
            Indent::with(margin, "- "),
            &[
                Span::new(Paint::Faint, format!("{place}{between}")),
                Span::plain(cut(first)),
            ],
        );
        let rest: Vec<&str> = lines.collect();
        let keep = if wide {
            rest.len()
        } else {
            rest.len().min(LINES_MAX - 1)
        };
        for line in &rest[..keep] {
            page.words(Indent::by(margin + 2), &cut(line));
        }
        if keep < rest.len() {
            page.words(
                Indent::by(margin + 2),
                &format!("… and {}", words::count(rest.len() - keep, "more line")),
            );
        }
    }
}
