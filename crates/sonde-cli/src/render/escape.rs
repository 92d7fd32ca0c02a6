//! Texts from outside, made safe to show: log lines and names may carry terminal commands.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::terminal::Charset;

/// Whether a character could command a terminal or reorder what a person reads.
pub(super) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}'     // zero width, direction marks
            | '\u{2028}'..='\u{202e}'   // line and paragraph separator, embedding and override
            | '\u{2060}'..='\u{2069}'   // joiners, isolates
            | '\u{061c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}' // tags
        )
}

/// The text with everything unsafe spelled out: `\u{1b}`. White space becomes a space. In ASCII, the few signs that
/// we write ourselves get their usual substitutes and all else is spelled out.
pub(crate) fn shown(text: &str, charset: Charset) -> Cow<'_, str> {
    let ascii = charset == Charset::Ascii;
    if !text.chars().any(|c| is_unsafe(c) || (ascii && !c.is_ascii())) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' | '\n' | '\r' => out.push(' '),
            c if is_unsafe(c) => spell(&mut out, c),
            c if ascii && !c.is_ascii() => match c {
                '…' => out.push_str("..."),
                '–' | '—' | '−' => out.push('-'),
                '‘' | '’' => out.push('\''),
                '“' | '”' => out.push('"'),
                '×' => out.push('x'),
                '→' => out.push_str("->"),
                '≥' => out.push_str(">="),
                '≤' => out.push_str("<="),
                '·' | '•' => out.push('*'),
                '\u{a0}' => out.push(' '),
                'µ' | 'μ' => out.push('u'),
                c => spell(&mut out, c),
            },
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The text with unsafe characters that are no control characters spelled out; `None` where there is none.
pub(super) fn spelled(text: &str) -> Option<String> {
    let hidden = |c: char| is_unsafe(c) && !c.is_control();
    text.chars().any(hidden).then(|| {
        let mut out = String::with_capacity(text.len() + 16);
        for c in text.chars() {
            if hidden(c) {
                spell(&mut out, c);
            } else {
                out.push(c);
            }
        }
        out
    })
}

fn spell(out: &mut String, c: char) {
    // Writing to a string does not fail.
    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
}

/// Cuts after `max` characters, and marks the cut.
pub(super) fn clip(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let keep = text
                .char_indices()
                .nth(max.saturating_sub(1))
                .map_or(text.len(), |(at, _)| at);
            Cow::Owned(format!("{}…", text[..keep].trim_end()))
        }
    }
}

/// As [`clip`], in the middle: what a chain of errors begins with is what was tried, what it ends with is why it failed.
pub(super) fn clip_middle(text: &str, max: usize) -> Cow<'_, str> {
    let count = text.chars().count();
    if count <= max {
        return Cow::Borrowed(text);
    }
    let tail = max / 3;
    let at = |nth: usize| text.char_indices().nth(nth).map_or(text.len(), |(at, _)| at);
    let head = &text[..at(max.saturating_sub(tail.saturating_add(1)))];
    let tail = &text[at(count.saturating_sub(tail))..];
    Cow::Owned(format!("{}…{}", head.trim_end(), tail.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_commands_are_spelled_out() {
        for (text, charset, expected) in [
            ("plain", Charset::Unicode, "plain"),
            ("\u{1b}[2Jgone", Charset::Unicode, "\\u{1b}[2Jgone"),
            ("a\tb\r\nc", Charset::Unicode, "a b  c"),
            ("\u{9b}31m", Charset::Unicode, "\\u{9b}31m"),
            ("user\u{202e}txt.exe", Charset::Unicode, "user\\u{202e}txt.exe"),
            ("größe", Charset::Unicode, "größe"),
            ("größe → 3×", Charset::Ascii, "gr\\u{f6}\\u{df}e -> 3x"),
            ("cut…", Charset::Ascii, "cut..."),
        ] {
            assert_eq!(shown(text, charset), expected);
        }
    }

    #[test]
    fn a_cut_is_marked_and_keeps_characters_whole() {
        assert_eq!(clip("größe", 5), "größe");
        assert_eq!(clip("größer", 5), "größ…");
        assert_eq!(clip("a b c", 3), "a…");
        assert_eq!(clip("abc", 0), "…");
        assert_eq!(clip_middle("größer", 6), "größer");
        assert_eq!(clip_middle("one two three größer", 12), "one two…ößer");
        assert_eq!(clip_middle("abc", 0), "…");
    }
}
