//! What chats, terminals, ticket systems and escapes do to a text, undone line by line.

use std::borrow::Cow;

use crate::log::{clip, unescape, without_color};

/// A line of the paste, cleaned.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    /// Index of the line in the (unescaped) paste.
    pub(crate) line: usize,
    /// The text with its indentation.
    pub(crate) text: Cow<'a, str>,
    /// A code fence stood here: what follows is another block.
    pub(crate) fence: bool,
}

impl Row<'_> {
    pub(crate) fn indent(&self) -> usize {
        indent(&self.text)
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// Leading blanks; a tab counts to the next multiple of eight.
pub(crate) fn indent(text: &str) -> usize {
    let mut column = 0;
    for c in text.chars() {
        match c {
            ' ' => column += 1,
            '\t' => column = (column / 8 + 1) * 8,
            _ => break,
        }
    }
    column
}

/// A text that was put into a JSON string, once or twice: its line ends are the two characters `\n`.
pub(crate) fn undo_escapes(text: &str) -> Cow<'_, str> {
    /// Each round costs one pass; two are what ticket systems do.
    const ROUNDS: usize = 2;
    let mut text = Cow::Borrowed(text);
    for _ in 0..ROUNDS {
        let newlines = text.bytes().filter(|b| *b == b'\n').count();
        let escaped = text.matches("\\n").count();
        // JSON and klog lines carry some escapes; a text whose line ends are nearly all escaped is one string.
        if escaped < 4 || escaped < 8 * newlines {
            break;
        }
        let trimmed = text.trim();
        let inner = trimmed
            .strip_prefix('"')
            .and_then(|t| t.strip_suffix('"'))
            .unwrap_or(trimmed);
        // A JSON document of one line is not a text to take apart; one inside a string begins `{\\"`.
        if inner.starts_with("{\"") || inner.starts_with("[{\"") {
            break;
        }
        let inner = unescape(inner).into_owned();
        text = Cow::Owned(inner);
    }
    text
}

/// `&lt;none&gt;`: a text that came through a web page.
pub(crate) fn undo_entities(text: Cow<'_, str>) -> Cow<'_, str> {
    const ENTITIES: [(&str, &str); 6] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    if !ENTITIES[..5].iter().any(|(entity, _)| text.contains(entity)) {
        return text;
    }
    let mut text = text.into_owned();
    for (entity, plain) in ENTITIES {
        if text.contains(entity) {
            text = text.replace(entity, plain);
        }
    }
    Cow::Owned(text)
}

/// The cleaned lines, and how many were cut for their length.
pub(crate) fn rows(text: &str) -> (Vec<Row<'_>>, usize) {
    let mut cut = 0;
    let mut rows = Vec::new();
    let mut pending_fence = false;
    let mut last_quoted = false;
    let mut lines = text.split('\n').enumerate().peekable();
    while let Some((line, raw)) = lines.next() {
        let clipped = clip(raw);
        cut += usize::from(clipped.len() < raw.len());
        // `>` begins a quote when a blank follows or a neighbor has one too; `>&2` is the rest of a broken line.
        let quoted = raw.starts_with('>')
            && (raw.len() == 1
                || raw[1..].starts_with([' ', '>', '\r'])
                || last_quoted
                || lines.peek().is_some_and(|(_, next)| next.starts_with('>')));
        last_quoted = quoted;
        let bare = without_color(clipped.trim_end_matches('\r'));
        let cleaned = plain_blanks(if quoted { unquote(bare) } else { bare });
        if cleaned.trim_start().starts_with("```") || cleaned.trim() == "~~~" {
            pending_fence = true;
            continue;
        }
        rows.push(Row {
            line,
            text: without_frame(without_marks(without_ticks(cleaned))),
            fence: pending_fence,
        });
        pending_fence = false;
    }
    (rows, cut)
}

/// `**bold**`: marks that a person put around what mattered to them.
fn without_marks(text: Cow<'_, str>) -> Cow<'_, str> {
    let marks = text.matches("**").count();
    // A pattern of paths has one pair of stars, and a blank never stands on both sides of a mark.
    if marks == 0 || marks % 2 == 1 || text.contains("/**") {
        return text;
    }
    Cow::Owned(text.replace("**", ""))
}

/// `│ text │`: the frame of a terminal's window.
fn without_frame(text: Cow<'_, str>) -> Cow<'_, str> {
    const FRAME: [char; 2] = ['│', '┃'];
    if !text.contains(FRAME) {
        return text;
    }
    let inner = text.trim_end();
    let inner = inner.strip_suffix(FRAME).unwrap_or(inner).trim_end();
    let inner = inner.strip_prefix(FRAME).unwrap_or(inner);
    Cow::Owned(inner.strip_prefix(' ').unwrap_or(inner).to_owned())
}

/// One backtick at an end of a line marks a text of several lines, two a text of one.
fn without_ticks(text: Cow<'_, str>) -> Cow<'_, str> {
    let ticks = text.bytes().filter(|byte| *byte == b'`').count();
    let ends = text.starts_with('`') || text.trim_end().ends_with('`');
    if !ends || ticks > 2 || (ticks == 2 && !(text.starts_with('`') && text.trim_end().ends_with('`'))) {
        return text;
    }
    Cow::Owned(text.trim_end().trim_matches('`').to_owned())
}

/// `> > text`: quotes of mails and tickets, up to four deep.
fn unquote(text: Cow<'_, str>) -> Cow<'_, str> {
    const DEPTH_MAX: usize = 4;
    let mut rest = text.as_ref();
    for _ in 0..DEPTH_MAX {
        match rest.strip_prefix('>') {
            Some(inner) => rest = inner.strip_prefix(' ').unwrap_or(inner),
            None => break,
        }
    }
    let cut = text.len() - rest.len();
    match text {
        Cow::Borrowed(whole) => Cow::Borrowed(&whole[cut..]),
        Cow::Owned(whole) => Cow::Owned(whole[cut..].to_owned()),
    }
}

/// No-break blanks and other odd ones of web pages become blanks.
fn plain_blanks(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains(['\u{a0}', '\u{feff}', '\u{200b}']) {
        return Cow::Owned(text.replace('\u{a0}', " ").replace(['\u{feff}', '\u{200b}'], ""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_fences_and_escapes_go() {
        let (rows, cut) = rows("> ```\n> > Name:\u{a0} x\r\n```\n  >\nplain");
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_ref()).collect();
        assert_eq!(texts, ["Name:  x", "  >", "plain"]);
        assert!(rows[0].fence && rows[1].fence && !rows[2].fence);
        assert_eq!(cut, 0);
        let escaped = r#""Name: x\nNamespace: y\nStatus: \"z\"\nIP: a\nNode: b""#;
        assert_eq!(
            undo_escapes(escaped),
            "Name: x\nNamespace: y\nStatus: \"z\"\nIP: a\nNode: b"
        );
        let twice = serde_json::to_string(escaped).unwrap();
        assert_eq!(
            undo_escapes(&twice),
            "Name: x\nNamespace: y\nStatus: \"z\"\nIP: a\nNode: b"
        );
        let json = r#"{"log":"a\nb\nc\nd\ne"}"#;
        assert_eq!(undo_escapes(json), json);
    }
}
