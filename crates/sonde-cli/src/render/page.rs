//! A page of text: paragraphs with hanging indents, folded to the width, painted where there is colour. Everything that
//! is written to a page is made safe to show.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use super::View;
use super::escape::shown;

/// What a piece of text is, which decides its colour. Colour never carries a meaning that the words do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Strong,
    Faint,
    Good,
    Info,
    Warning,
    Bad,
    Command,
}

impl Paint {
    fn style(self) -> Style {
        let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        match self {
            Paint::Plain => Style::new(),
            Paint::Strong => Style::new().bold(),
            Paint::Faint => Style::new().dimmed(),
            Paint::Good => color(AnsiColor::Green),
            Paint::Info => color(AnsiColor::Blue),
            Paint::Warning => color(AnsiColor::Yellow).bold(),
            Paint::Bad => color(AnsiColor::Red).bold(),
            Paint::Command => color(AnsiColor::Cyan),
        }
    }
}

/// A piece of text with its paint.
#[derive(Debug, Clone)]
pub(crate) struct Span<'a> {
    paint: Paint,
    text: Cow<'a, str>,
}

impl<'a> Span<'a> {
    pub(crate) fn new(paint: Paint, text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            paint,
            text: text.into(),
        }
    }

    pub(crate) fn plain(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(Paint::Plain, text)
    }
}

/// How far a paragraph stands in: its first line, its mark, and the lines that follow hang under the text after it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Indent<'a> {
    /// Columns before the mark.
    pub(crate) margin: usize,
    /// `1. ` or `- `.
    pub(crate) mark: &'a str,
}

impl<'a> Indent<'a> {
    pub(crate) fn by(margin: usize) -> Self {
        Self { margin, mark: "" }
    }

    pub(crate) fn with(margin: usize, mark: &'a str) -> Self {
        Self { margin, mark }
    }
}

/// A text under construction.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    view: &'a View,
    out: String,
}

impl<'a> Page<'a> {
    pub(crate) fn new(view: &'a View) -> Self {
        Self {
            view,
            out: String::new(),
        }
    }

    /// The view that the page is written for.
    pub(crate) fn view(&self) -> &'a View {
        self.view
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// An empty line, never two and never at the top.
    pub(crate) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A paragraph, folded at the view's width between words. A word that is longer than a line stays whole: a path
    /// that is cut cannot be pasted.
    pub(crate) fn paragraph(&mut self, indent: Indent<'_>, spans: &[Span<'_>]) {
        let hang = indent.margin + indent.mark.width();
        let width = self.view.width.unwrap_or(usize::MAX);
        self.spaces(indent.margin);
        self.out.push_str(indent.mark);
        let mut column = hang;
        let mut at_start = true;
        let mut space_before = false;
        let mut brush = Paint::Plain;
        for span in spans {
            let text = shown(&span.text, self.view.charset);
            // A space at the edge of a span separates words, no space joins them.
            for (at, word) in text.split(' ').enumerate() {
                space_before |= at > 0;
                if word.is_empty() {
                    continue;
                }
                let word_width = word.width();
                if !at_start && space_before {
                    if brush != span.paint {
                        self.take_brush(&mut brush, Paint::Plain);
                    }
                    if column + 1 + word_width > width && column > hang {
                        self.take_brush(&mut brush, Paint::Plain);
                        self.end_line();
                        self.spaces(hang);
                        column = hang;
                    } else {
                        self.out.push(' ');
                        column += 1;
                    }
                }
                self.take_brush(&mut brush, span.paint);
                self.out.push_str(word);
                column += word_width;
                at_start = false;
                space_before = false;
            }
        }
        self.take_brush(&mut brush, Paint::Plain);
        self.end_line();
    }

    /// Plain words as a paragraph.
    pub(crate) fn words(&mut self, indent: Indent<'_>, text: &str) {
        self.paragraph(indent, &[Span::plain(text)]);
    }

    /// A line of its own that is never folded: a command to paste, a row of a table. Several lines stay several.
    pub(crate) fn verbatim(&mut self, margin: usize, paint: Paint, text: &str) {
        for line in text.lines() {
            self.spaces(margin);
            let line = shown(line, self.view.charset).trim_end().to_owned();
            self.painted(paint, &line);
            self.end_line();
        }
    }

    /// A table with columns padded by spaces, as kubectl writes them. The last column is not padded.
    pub(crate) fn table(&mut self, rows: &[Vec<Span<'_>>]) {
        self.table_with_notes(rows, |_, _| {});
    }

    /// A table where each row may be followed by lines of its own.
    pub(crate) fn table_with_notes(
        &mut self,
        rows: &[Vec<Span<'_>>],
        mut after: impl FnMut(&mut Self, usize),
    ) {
        let mut widths: Vec<usize> = Vec::new();
        for row in rows {
            for (at, cell) in row.iter().enumerate() {
                let width = shown(&cell.text, self.view.charset).width();
                match widths.get_mut(at) {
                    Some(have) => *have = (*have).max(width),
                    None => widths.push(width),
                }
            }
        }
        for (number, row) in rows.iter().enumerate() {
            for (at, cell) in row.iter().enumerate() {
                let text = shown(&cell.text, self.view.charset);
                self.painted(cell.paint, &text);
                if at + 1 < row.len() {
                    self.spaces(widths[at].saturating_sub(text.width()) + 2);
                }
            }
            self.end_line();
            after(self, number);
        }
    }

    /// Changes the paint of what follows.
    fn take_brush(&mut self, brush: &mut Paint, paint: Paint) {
        if *brush == paint {
            return;
        }
        if self.view.color {
            let (before, after) = (brush.style(), paint.style());
            if before != Style::new() {
                self.out.push_str(&before.render_reset().to_string());
            }
            self.out.push_str(&after.render().to_string());
        }
        *brush = paint;
    }

    fn painted(&mut self, paint: Paint, text: &str) {
        let style = paint.style();
        if self.view.color && style != Style::new() {
            self.out
                .push_str(&format!("{}{text}{}", style.render(), style.render_reset()));
        } else {
            self.out.push_str(text);
        }
    }

    fn spaces(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }

    fn end_line(&mut self) {
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        self.out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(width: usize) -> View {
        View {
            width: Some(width),
            ..View::plain()
        }
    }

    #[test]
    fn paragraphs_hang_under_their_mark() {
        let view = view(20);
        let mut page = Page::new(&view);
        page.words(Indent::with(2, "1. "), "one two three four five");
        assert_eq!(page.finish(), "  1. one two three\n     four five\n");
    }

    #[test]
    fn a_word_longer_than_a_line_stays_whole() {
        let view = view(10);
        let mut page = Page::new(&view);
        page.words(Indent::by(2), "see /a/very/long/path/to/a/file there");
        assert_eq!(page.finish(), "  see\n  /a/very/long/path/to/a/file\n  there\n");
    }

    #[test]
    fn spans_join_without_a_space_between_them() {
        let view = view(80);
        let mut page = Page::new(&view);
        page.paragraph(
            Indent::default(),
            &[
                Span::new(Paint::Strong, "bold"),
                Span::plain(", then "),
                Span::plain("more"),
            ],
        );
        assert_eq!(page.finish(), "bold, then more\n");
    }

    #[test]
    fn paint_needs_color_and_ends_with_the_line() {
        let view = View {
            color: true,
            ..View::plain()
        };
        let mut page = Page::new(&view);
        page.paragraph(Indent::default(), &[Span::new(Paint::Strong, "a b")]);
        assert_eq!(page.finish(), "\u{1b}[1ma b\u{1b}[0m\n");
    }

    #[test]
    fn columns_align_by_what_is_seen() {
        let view = View::plain();
        let mut page = Page::new(&view);
        page.table(&[
            vec![Span::plain("A"), Span::plain("B")],
            vec![Span::plain("日本"), Span::plain("x")],
            vec![Span::plain("\u{1b}"), Span::plain("y")],
        ]);
        assert_eq!(page.finish(), "A       B\n日本    x\n\\u{1b}  y\n");
    }
}
