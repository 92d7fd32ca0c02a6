//! What an agent says of itself, for the person who starts it.

use std::path::Path;

use sonde_agent::check::{Item, ItemState};
use sonde_model::{AgentStatus, Seen};

use super::{Indent, Page, Paint, Span, View};

/// What runs, what it sees, what not and why, and where it is asked.
pub(crate) fn started(status: &AgentStatus, socket: &Path, view: &View) -> String {
    let mut page = Page::new(view);
    let title = format!("sonde agent {} on node {}", status.version, status.node);
    page.paragraph(Indent::default(), &[Span::new(Paint::Strong, title)]);
    page.gap();
    page.words(Indent::default(), "Programs in the kernel:");
    for program in &status.programs {
        let (mark, paint, words) = match &program.why_not {
            None => ("runs", Paint::Good, program.hooks.join(", ")),
            Some(why) => ("does not run", Paint::Bad, why.clone()),
        };
        page.paragraph(
            Indent::with(2, "- "),
            &[
                Span::plain(format!("{} ", program.name)),
                Span::new(paint, mark),
                Span::plain(format!(": {words}")),
            ],
        );
    }
    page.gap();
    page.words(Indent::default(), "Sees:");
    for coverage in &status.coverage {
        let (paint, mark) = match coverage.seen {
            Seen::Whole => (Paint::Good, "yes"),
            Seen::Partly => (Paint::Warning, "partly"),
            Seen::Nothing => (Paint::Bad, "no"),
        };
        page.paragraph(
            Indent::with(2, "- "),
            &[
                Span::new(paint, mark),
                Span::plain(format!(": {}", coverage.signal)),
                Span::new(Paint::Faint, format!(" ({})", coverage.why)),
            ],
        );
        if !coverage.remedy.is_empty() {
            page.words(Indent::by(4), &coverage.remedy);
        }
    }
    page.gap();
    page.words(
        Indent::default(),
        &format!(
            "Answers at {}; ask with `sonde deaths`. Ctrl-C takes all down.",
            socket.display()
        ),
    );
    page.finish()
}

/// Every item with what was found; what is missing with what it costs and what to do.
pub(crate) fn check(items: &[Item], view: &View) -> String {
    let mut page = Page::new(view);
    for item in items {
        let (paint, mark) = match item.state {
            ItemState::Works => (Paint::Good, "works"),
            ItemState::Partly => (Paint::Warning, "partly"),
            ItemState::Missing => (Paint::Bad, "missing"),
        };
        page.paragraph(
            Indent::default(),
            &[
                Span::new(paint, mark),
                Span::new(Paint::Strong, format!(" {}", item.name)),
                Span::plain(format!(": {}", item.found)),
            ],
        );
        if !item.costs.is_empty() {
            page.words(Indent::with(2, "costs: "), &item.costs);
        }
        if !item.remedy.is_empty() {
            page.words(Indent::with(2, "to do: "), &item.remedy);
        }
    }
    page.gap();
    let missing = items
        .iter()
        .filter(|item| item.state == ItemState::Missing)
        .count();
    let partly = items
        .iter()
        .filter(|item| item.state == ItemState::Partly)
        .count();
    page.words(
        Indent::default(),
        match (missing, partly) {
            (0, 0) => "The agent sees all that it can on this node.",
            (0, _) => "The agent works on this node, and sees less than it could.",
            _ => "The agent would see nothing on this node until what is missing is there.",
        },
    );
    page.finish()
}
