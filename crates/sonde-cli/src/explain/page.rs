//! A page's Markdown for the terminal. The pages are ours: headings, paragraphs, lists, fenced code, tables, code spans,
//! bold words, links.

use crate::render::{Indent, Page, Paint, Span, View};

pub(super) fn render(markdown: &str, view: &View) -> String {
    let mut page = Page::new(view);
    let mut fenced = false;
    let mut block = Block::default();
    for line in markdown.lines() {
        let bare = line.trim();
        if bare.starts_with("```") {
            block.flush(&mut page);
            page.gap();
            fenced = !fenced;
            continue;
        }
        if fenced {
            page.verbatim(4, Paint::Command, if line.is_empty() { " " } else { line });
            continue;
        }
        if bare.is_empty() {
            block.flush(&mut page);
            page.gap();
        } else if bare.starts_with('#') {
            block.flush(&mut page);
            page.gap();
            let title = bare.trim_start_matches('#').trim();
            page.paragraph(
                Indent::default(),
                &[Span::new(Paint::Strong, title.replace('`', ""))],
            );
        } else if bare.starts_with('|') {
            block.flush(&mut page);
            block.table.push(bare.to_owned());
        } else if let Some((mark, rest)) = list_mark(bare) {
            block.flush(&mut page);
            block.margin = 2 + (line.len() - line.trim_start().len());
            block.mark = mark.to_owned();
            block.text.push_str(rest);
        } else {
            if !block.table.is_empty() {
                block.flush(&mut page);
            }
            if !block.text.is_empty() {
                block.text.push(' ');
            }
            block.text.push_str(bare);
        }
    }
    block.flush(&mut page);
    page.finish()
}

/// What has been read and not yet written.
#[derive(Default)]
struct Block {
    margin: usize,
    mark: String,
    text: String,
    table: Vec<String>,
}

impl Block {
    fn flush(&mut self, page: &mut Page<'_>) {
        if !self.table.is_empty() {
            table(page, &self.table);
        }
        if !self.text.is_empty() {
            page.paragraph(Indent::with(self.margin, &self.mark), &spans(&self.text));
        }
        *self = Block::default();
    }
}

fn table(page: &mut Page<'_>, lines: &[String]) {
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let inner = line.trim_start_matches('|').trim_end_matches('|');
            inner.split('|').map(|cell| plain(cell.trim())).collect()
        })
        .filter(|cells: &Vec<String>| !cells.iter().all(|cell| cell.chars().all(|c| "-: ".contains(c))))
        .collect();
    let rows: Vec<Vec<Span<'_>>> = rows
        .iter()
        .map(|cells| cells.iter().map(|cell| Span::plain(cell.as_str())).collect())
        .collect();
    page.table(&rows);
}

fn list_mark(text: &str) -> Option<(&str, &str)> {
    if text.starts_with("- ") || text.starts_with("* ") {
        return Some(("- ", &text[2..]));
    }
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    (digits > 0 && text[digits..].starts_with(". ")).then(|| text.split_at(digits + 2))
}

/// The words of a cell without signs.
fn plain(text: &str) -> String {
    text.replace(['`', '*'], "")
}

/// Code spans, bold words and links.
fn spans(text: &str) -> Vec<Span<'static>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        let (before, sign) = rest.split_at(at);
        let taken = code(sign).or_else(|| bold(sign)).or_else(|| link(sign));
        match taken {
            Some((span, after)) => {
                out.push(Span::plain(before.to_owned()));
                out.push(span);
                rest = after;
            }
            None => {
                // An ordinary sign; all three are one byte long.
                out.push(Span::plain(rest[..=at].to_owned()));
                rest = &rest[at + 1..];
            }
        }
    }
    out.push(Span::plain(rest.to_owned()));
    out
}

fn code(text: &str) -> Option<(Span<'static>, &str)> {
    let (inner, after) = text.strip_prefix('`')?.split_once('`')?;
    Some((Span::new(Paint::Command, inner.to_owned()), after))
}

fn bold(text: &str) -> Option<(Span<'static>, &str)> {
    let (inner, after) = text.strip_prefix("**")?.split_once("**")?;
    Some((Span::new(Paint::Strong, inner.replace('`', "")), after))
}

fn link(text: &str) -> Option<(Span<'static>, &str)> {
    let (words, after) = text.strip_prefix('[')?.split_once("](")?;
    let (address, after) = after.split_once(')')?;
    Some((Span::plain(format!("{words} <{address}>")), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_well_without_signs() {
        let page = "# OOM-X: too `much`\n\nSome **bold** words and `code`,\nfolded as one.\n\n- first\n  goes on\n- second [docs](https://x.example/a)\n\n1. one\n\n```sh\nkubectl get pod\n\n  -o yaml\n```\n\n| a | b |\n|---|---|\n| `x` | y |\nAfter * all [1].\n";
        let view = View {
            width: Some(40),
            ..View::plain()
        };
        insta::assert_snapshot!(render(page, &view));
    }
}
