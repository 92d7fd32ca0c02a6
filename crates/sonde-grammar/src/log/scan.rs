//! Small readers of text that the log grammars share.

use std::borrow::Cow;

/// Longer lines are cut here; no runtime or kubelet line that matters is longer.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;

/// The line, cut at [`LINE_BYTES_MAX`] on a character boundary.
pub(crate) fn clip(line: &str) -> &str {
    clip_to(line, LINE_BYTES_MAX)
}

/// The text, cut at `bytes_max` on a character boundary.
pub(crate) fn clip_to(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What follows the first `needle`.
pub(crate) fn after<'a>(text: &'a str, needle: &str) -> Option<&'a str> {
    text.find(needle).map(|at| &text[at + needle.len()..])
}

/// What stands between the first `open` and the next `close`.
pub(crate) fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let rest = after(text, open)?;
    rest.find(close).map(|at| &rest[..at])
}

/// The word at the start: up to a blank or one of `stops`.
pub(crate) fn word<'a>(text: &'a str, stops: &[char]) -> &'a str {
    let end = text
        .find(|c: char| c.is_whitespace() || stops.contains(&c))
        .unwrap_or(text.len());
    &text[..end]
}

/// The number at the start.
pub(crate) fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().ok()
}

/// The signed number at the start.
pub(crate) fn signed(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(rest) => number(rest).and_then(|n| i64::try_from(n).ok()).map(|n| -n),
        None => number(text).and_then(|n| i64::try_from(n).ok()),
    }
}

/// The first position of `needle` in `text`, ASCII case ignored.
pub(crate) fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    let (text, needle) = (text.as_bytes(), needle.as_bytes());
    let first = needle.first()?.to_ascii_lowercase();
    (0..(text.len() + 1).saturating_sub(needle.len())).find(|&at| {
        text[at].to_ascii_lowercase() == first && text[at..at + needle.len()].eq_ignore_ascii_case(needle)
    })
}

/// A Go-quoted string at the start (`"..."` with backslash escapes): its value and the bytes it took.
/// A string that is cut gives what is there.
pub(crate) fn quoted(text: &str) -> Option<(Cow<'_, str>, usize)> {
    let body = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((unescape(&body[..at]), at + 2)),
            _ => {}
        }
    }
    Some((unescape(body), text.len()))
}

/// Go and JSON escapes undone, once.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('u') => {
                let rest = chars.as_str();
                let code = rest.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                match code.and_then(char::from_u32) {
                    Some(decoded) => {
                        out.push(decoded);
                        chars = rest[4..].chars();
                    }
                    None => out.push_str("\\u"),
                }
            }
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    Cow::Owned(out)
}

/// `key=value` and `key="quoted value"` pairs of a line, in order, bounded.
pub(crate) fn pairs(text: &str) -> Vec<(&str, Cow<'_, str>)> {
    const PAIRS_MAX: usize = 64;
    let mut found = Vec::new();
    let mut rest = text;
    while found.len() < PAIRS_MAX {
        let Some(equals) = rest.find('=') else { break };
        let before = &rest[..equals];
        // The stop may be longer than a byte.
        let key = before
            .rsplit(|c: char| c.is_whitespace() || c == '"')
            .next()
            .unwrap_or(before);
        let tail = &rest[equals + 1..];
        let plain = !key.is_empty()
            && key
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b));
        if !plain {
            rest = tail;
            continue;
        }
        let (value, len) = match quoted(tail) {
            Some(found) => found,
            None if tail.starts_with(['{', '[', '&']) => bracketed(tail),
            None => {
                let value = word(tail, &[]);
                (Cow::Borrowed(value), value.len())
            }
        };
        found.push((key, value));
        rest = &tail[len..];
    }
    found
}

/// `{"ID":"..","Type":"ContainerDied"}`, `[a b]`, `&Sandbox{..}`: up to the matching bracket.
fn bracketed(text: &str) -> (Cow<'_, str>, usize) {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '{' | '[' | '(' if !in_string => depth += 1,
            '}' | ']' | ')' if !in_string => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return (Cow::Borrowed(&text[..=at]), at + 1);
                }
            }
            _ => {}
        }
    }
    let value = word(text, &[]);
    (Cow::Borrowed(value), value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_survive_quotes_brackets_and_cuts() {
        let line = r#""Msg" pod="a/b" event={"ID":"x y","Type":"Died"} n=3 cmd=[sh -c x] err="say \"hi\"\nthere" tail="cu"#;
        let found = pairs(line);
        let value = |key: &str| found.iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_ref());
        assert_eq!(value("pod"), Some("a/b"));
        assert_eq!(value("event"), Some(r#"{"ID":"x y","Type":"Died"}"#));
        assert_eq!(value("n"), Some("3"));
        assert_eq!(value("cmd"), Some("[sh -c x]"));
        assert_eq!(value("err"), Some("say \"hi\"\nthere"));
        assert_eq!(value("tail"), Some("cu"));
    }

    #[test]
    fn a_wide_blank_before_a_key_is_a_blank() {
        assert_eq!(pairs("\u{a0}=x\u{2003}b=1"), [("b", "1".into())]);
    }

    #[test]
    fn small_readers() {
        assert_eq!(unescape("caf\\u00e9 \\\\"), "café \\");
        assert_eq!(unescape("\\uZZ"), "\\uZZ");
        assert_eq!(clip_to("aé", 2), "a");
        assert_eq!(signed("-997 x"), Some(-997));
        assert_eq!(find_ignoring_case("No Space left", "no space"), Some(0));
        assert_eq!(find_ignoring_case("x", "longer"), None);
    }
}
