//! `sonde explain`: the pages of the causes, offline.

mod page;
mod search;
mod status;

use std::fmt::Write as _;

use anyhow::anyhow;
use sonde_model::{Code, Family};

use crate::args::{ExplainArgs, ExplainFormat};
use crate::failure::{Failure, Outcome};
use crate::render::{Indent, Page, Paint, Span, View};
use crate::terminal;

/// A cause as `explain` needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    /// Markdown.
    pub(crate) page: &'static str,
}

impl Entry {
    fn family(&self) -> Option<Family> {
        Code::new(self.code).family()
    }
}

/// What stands for every code that says that no cause is known.
const UNKNOWN: Entry = Entry {
    code: "UNKNOWN",
    title: "the evidence at hand does not say why",
    page: include_str!("../../../docs/unknown.md"),
};

/// Causes told by a search.
const HITS_MAX: usize = 15;

/// Every cause, by code.
pub(crate) fn catalog() -> Vec<Entry> {
    let mut entries: Vec<Entry> = sonde_diagnose::causes()
        .iter()
        .map(|cause| Entry {
            code: cause.code.as_str(),
            title: cause.title,
            page: cause.page,
        })
        .collect();
    entries.sort_by_key(|entry| entry.code);
    entries
}

/// Answers the question as text for stdout.
pub(crate) fn run(args: &ExplainArgs) -> Outcome<String> {
    let view = View {
        width: terminal::width(),
        color: terminal::color_on(args.color),
        charset: terminal::charset(),
        ..View::plain()
    };
    answer(&catalog(), &args.words, args.output, &view)
}

fn answer(entries: &[Entry], words: &[String], format: ExplainFormat, view: &View) -> Outcome<String> {
    let query = words.join(" ");
    let query = query.trim();
    if query.is_empty() {
        return Ok(list(entries, format, view));
    }
    if let Some(entry) = entries
        .iter()
        .find(|entry| entry.code.eq_ignore_ascii_case(query))
    {
        return Ok(one(entry, format, view));
    }
    let code = query.to_ascii_uppercase();
    if code.ends_with("-UNKNOWN") && Code::from(code).family().is_some() {
        return Ok(one(&UNKNOWN, format, view));
    }
    let of_family: Vec<Entry> = entries
        .iter()
        .filter(|entry| {
            entry
                .family()
                .is_some_and(|family| family.as_str().eq_ignore_ascii_case(query))
        })
        .copied()
        .collect();
    if !of_family.is_empty() {
        return Ok(list(&of_family, format, view));
    }
    if let Some(causes) = status::causes_of(entries, &search::folded(query)) {
        return Ok(found(&causes, query, format, view));
    }
    match search::search(entries, query).as_slice() {
        [] => Err(nothing(entries, query)),
        [one_hit] => Ok(one(one_hit, format, view)),
        hits => Ok(found(hits, query, format, view)),
    }
}

fn nothing(entries: &[Entry], query: &str) -> Failure {
    let mut failure = Failure::new(anyhow!("no cause is called {query:?} or speaks of it"));
    let wanted = query.to_ascii_uppercase();
    if let Some(code) = sonde_model::nearest(&wanted, entries.iter().map(|entry| entry.code)) {
        failure = failure.hint(format!("did you mean {code}?"));
    }
    failure
        .hint("sonde explain lists every cause; a few words of the message find more than the whole message")
}

fn one(entry: &Entry, format: ExplainFormat, view: &View) -> String {
    match format {
        ExplainFormat::Markdown => entry.page.to_owned(),
        ExplainFormat::Text => page::render(entry.page, view),
    }
}

/// The causes by family, in the families' order.
fn list(entries: &[Entry], format: ExplainFormat, view: &View) -> String {
    if format == ExplainFormat::Markdown {
        let mut out = String::new();
        for (title, of_family) in by_family(entries) {
            // Writing to a string does not fail.
            let _ = writeln!(out, "## {title}\n");
            for entry in of_family {
                let _ = writeln!(out, "- `{}`: {}", entry.code, entry.title);
            }
            out.push('\n');
        }
        return out;
    }
    let mut page = Page::new(view);
    for (title, of_family) in by_family(entries) {
        page.gap();
        page.paragraph(Indent::default(), &[Span::new(Paint::Strong, title)]);
        items(&mut page, &of_family);
    }
    page.gap();
    page.words(
        Indent::default(),
        "sonde explain CODE shows the page of a cause; sonde explain WORDS finds causes by symptom.",
    );
    page.finish()
}

fn by_family(entries: &[Entry]) -> Vec<(String, Vec<Entry>)> {
    Family::ALL
        .iter()
        .map(|family| {
            let of_family = entries.iter().filter(|entry| entry.family() == Some(*family));
            (
                format!("{} {}", family.as_str(), family.title()),
                of_family.copied().collect(),
            )
        })
        .filter(|(_, of_family): &(String, Vec<Entry>)| !of_family.is_empty())
        .collect()
}

fn items(page: &mut Page<'_>, entries: &[Entry]) {
    let width = entries
        .iter()
        .map(|entry| entry.code.len())
        .max()
        .unwrap_or_default();
    for entry in entries {
        page.words(Indent::with(2, &format!("{:width$}  ", entry.code)), entry.title);
    }
}

fn found(hits: &[Entry], query: &str, format: ExplainFormat, view: &View) -> String {
    let shown = &hits[..hits.len().min(HITS_MAX)];
    if format == ExplainFormat::Markdown {
        let lines: Vec<String> = shown
            .iter()
            .map(|entry| format!("- `{}`: {}\n", entry.code, entry.title))
            .collect();
        return lines.concat();
    }
    let mut page = Page::new(view);
    page.words(
        Indent::default(),
        &format!("{} causes speak of {query:?}, nearest first:", hits.len()),
    );
    page.gap();
    items(&mut page, shown);
    if shown.len() < hits.len() {
        page.words(
            Indent::by(2),
            &format!(
                "and {} more; more words narrow the search",
                hits.len() - shown.len()
            ),
        );
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: &[Entry] = &[
        Entry {
            code: "OOM-CONTAINER-LIMIT",
            title: "The container used more memory than its limit",
            page: "# OOM-CONTAINER-LIMIT\n\nExit code 137. The kernel kills a process.\n",
        },
        Entry {
            code: "OOM-NODE",
            title: "The node ran out of memory",
            page: "# OOM-NODE\n\nExit code 137, and 1370 is no exit code.\n",
        },
        Entry {
            code: "DEP-VOLUME-FULL",
            title: "A volume is full",
            page: "# DEP-VOLUME-FULL\n\nThe application says `No space left on device`.\n",
        },
    ];

    fn ask(query: &str) -> Result<String, String> {
        let words: Vec<String> = query.split_whitespace().map(str::to_owned).collect();
        answer(ENTRIES, &words, ExplainFormat::Text, &View::plain()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_code_a_family_a_number_and_words_find_pages() {
        assert!(ask("oom-node").unwrap().starts_with("OOM-NODE\n"));
        assert!(ask("no space left").unwrap().starts_with("DEP-VOLUME-FULL\n"));
        let family = ask("oom").unwrap();
        assert!(
            family.contains("OOM-NODE") && !family.contains("DEP-VOLUME-FULL"),
            "{family}"
        );
        let number = ask("137").unwrap();
        assert!(number.contains("2 causes speak of"), "{number}");
        let every = ask("").unwrap();
        assert!(every.contains("DEP volumes"), "{every}");
    }

    #[test]
    fn a_misspelt_code_gets_a_suggestion() {
        let message = ask("OOM-NDOE").unwrap_err();
        assert!(message.contains("did you mean OOM-NODE?"), "{message}");
        assert!(ask("purple elephants").is_err());
    }
}
