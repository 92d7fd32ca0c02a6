//! Brings a message into the one form that the readers expect, borrowing it when nothing is to be done.

use std::borrow::Cow;

/// No message that means something is longer; etcd caps an event at 1.5 MiB, its message at 1 KiB by default.
const BYTES_MAX: usize = 16 * 1024;

/// JSON in JSON in JSON: deeper than any shipper escapes.
const UNESCAPE_ROUNDS_MAX: usize = 3;

const COMBINED: &str = "(combined from similar events):";
const RPC: &str = "rpc error: code = ";
const DESC: &str = "desc = ";

/// Removes what transport and damage added: escapes, wraps, indents, typographic quotes, gRPC wrappers, log prefixes.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let text = strip_lead(bounded(text.trim()));
    let work = Work::of(text);
    let mut text = if work.rewrite {
        let rewritten = rewrite(text, work.escaped);
        let lead = rewritten.len() - strip_lead(&rewritten).len();
        if lead == 0 {
            Cow::Owned(rewritten)
        } else {
            Cow::Owned(rewritten[lead..].to_owned())
        }
    } else {
        Cow::Borrowed(text)
    };
    if let Cow::Owned(stripped) = strip_rpc(&text) {
        text = Cow::Owned(stripped);
    }
    text
}

/// Whether the message begins with `Error: `, which [`clean`] takes off.
pub(super) fn is_error(text: &str) -> bool {
    let text = text.trim_start();
    text.strip_prefix(COMBINED)
        .unwrap_or(text)
        .trim_start()
        .starts_with("Error:")
}

/// What one scan of the bytes found.
struct Work {
    rewrite: bool,
    escaped: bool,
}

impl Work {
    fn of(text: &str) -> Work {
        let mut work = Work {
            rewrite: false,
            escaped: false,
        };
        let mut before = 0;
        for &byte in text.as_bytes() {
            match byte {
                b'\\' => work.rewrite = true,
                b'"' if before == b'\\' => work.escaped = true,
                b' ' if before == b' ' => work.rewrite = true,
                0..=31 | b'&' | 128.. => work.rewrite = true,
                _ => {}
            }
            before = byte;
        }
        work
    }
}

fn bounded(text: &str) -> &str {
    if text.len() <= BYTES_MAX {
        return text;
    }
    let mut end = BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Takes off, in any order and number, what stands before the words: log headers, event aggregation, `Error: `.
fn strip_lead(text: &str) -> &str {
    let mut text = text;
    // Each round takes at least one byte off; eight layers are more than any pipeline adds.
    for _ in 0..8 {
        let before = text.len();
        text = text.strip_prefix(COMBINED).unwrap_or(text).trim_start();
        text = text.strip_prefix("Error: ").unwrap_or(text);
        text = strip_klog(text);
        if text.len() == before {
            break;
        }
    }
    text
}

/// `E1121 12:25:17.123456    1234 pod_workers.go:190] `.
fn strip_klog(text: &str) -> &str {
    let bytes = text.as_bytes();
    let header = bytes.len() > 22
        && matches!(bytes[0], b'I' | b'W' | b'E' | b'F')
        && bytes[1..5].iter().all(u8::is_ascii_digit)
        && bytes[5] == b' ';
    if !header {
        return text;
    }
    match text.find("] ") {
        Some(at) if at < 120 => text[at + 2..].trim_start(),
        _ => text,
    }
}

fn rewrite(text: &str, escaped: bool) -> String {
    let mut text = Cow::Borrowed(text);
    if escaped {
        for _ in 0..UNESCAPE_ROUNDS_MAX {
            if !text.contains("\\\"") {
                break;
            }
            text = Cow::Owned(unescape(&text));
        }
    }
    // A lone `\n` is an escaped line break, unless the text has Windows paths.
    let breaks = text.contains('\\') && !has_drive(&text);
    respace(&text, breaks)
}

/// Whether the text has a Windows path: a drive's letter, alone, before `:\`.
fn has_drive(text: &str) -> bool {
    text.match_indices(":\\").any(|(at, _)| {
        let before = &text.as_bytes()[..at];
        matches!(before, [.., letter] if letter.is_ascii_alphabetic())
            && !matches!(before, [.., other, _] if other.is_ascii_alphanumeric())
    })
}

/// One round of JSON (and Go `%q`) unescaping; line breaks and tabs become spaces.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        match chars.next() {
            Some('n' | 't' | 'r') => out.push(' '),
            Some('u') => {
                let digits = chars.as_str().get(..4);
                match digits
                    .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                    .and_then(char::from_u32)
                {
                    Some(decoded) => {
                        out.push(decoded);
                        chars = chars.as_str()[4..].chars();
                    }
                    None => out.push_str("\\u"),
                }
            }
            Some(kept @ ('"' | '\\' | '/')) => out.push(kept),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

/// Runs of white space to one space, typographic quotes and entities to plain ones; control bytes go.
fn respace(text: &str, escaped_breaks: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let (put, width) = match char {
            '\\' if escaped_breaks && matches!(rest.as_bytes().get(1), Some(b'n' | b't' | b'r')) => (' ', 2),
            '&' => entity(rest),
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => ('"', char.len_utf8()),
            '\u{2018}' | '\u{2019}' => ('\'', char.len_utf8()),
            _ if char.is_whitespace() || char == '\u{feff}' || char == '\u{200b}' => (' ', char.len_utf8()),
            _ => (char, char.len_utf8()),
        };
        rest = &rest[width..];
        let skip = put.is_control() || (put == ' ' && (out.is_empty() || out.ends_with(' ')));
        if !skip {
            out.push(put);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn entity(rest: &str) -> (char, usize) {
    const ENTITIES: &[(&str, char)] = &[
        ("&quot;", '"'),
        ("&#34;", '"'),
        ("&#39;", '\''),
        ("&apos;", '\''),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&amp;", '&'),
    ];
    ENTITIES
        .iter()
        .find(|(entity, _)| rest.starts_with(entity))
        .map_or(('&', 1), |(entity, char)| (*char, entity.len()))
}

/// Takes `rpc error: code = X desc = ` out wherever it is: the kubelet strips it from 1.28 on, and only for some codes.
fn strip_rpc(text: &str) -> Cow<'_, str> {
    if !text.contains(RPC) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(RPC) {
        out.push_str(&rest[..at]);
        let code = &rest[at + RPC.len()..];
        let word = code.find(' ').unwrap_or(code.len());
        let after = code[word..].trim_start();
        rest = after.strip_prefix(DESC).unwrap_or(after);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expect: &str) {
        assert_eq!(clean(input), expect, "from {input:?}");
    }

    #[test]
    fn borrows_what_is_clean() {
        for text in [
            "0/3 nodes are available: 3 Insufficient cpu.",
            "",
            "Pulling image \"nginx:1\"",
        ] {
            assert!(matches!(clean(text), Cow::Borrowed(_)), "{text}");
        }
        // Taking a prefix off is no reason to allocate.
        assert!(matches!(
            clean("(combined from similar events): Error: x"),
            Cow::Borrowed("x")
        ));
    }

    #[test]
    fn repairs_damage() {
        check("a\n      b\tc  d ", "a b c d");
        check(r#"secret \"x\" not found"#, r#"secret "x" not found"#);
        check(r#"secret \\\"x\\\" not found"#, r#"secret "x" not found"#);
        check(r"errors:\ndenied: x", "errors: denied: x");
        check(r"exec C:\new\app.exe failed", r"exec C:\new\app.exe failed");
        check("secret \u{201c}x\u{201d} isn\u{2019}t", "secret \"x\" isn't");
        check("secret &quot;x&quot; a &amp; b &c", "secret \"x\" a & b &c");
        check(r#"a \"x\" \u003c1\u003e"#, r#"a "x" <1>"#);
        check(
            "rpc error: code = Unknown desc = a: rpc error: code = NotFound desc = b",
            "a: b",
        );
        check("x rpc error: code = Unkno", "x ");
        check("E1121 12:25:17.123456    1234 pod_workers.go:190] Error: a", "a");
        check("Error: (combined from similar events): Error: a", "a");
    }

    #[test]
    fn is_bounded() {
        let long = "\u{e9}".repeat(BYTES_MAX);
        assert!(clean(&long).len() <= BYTES_MAX);
    }
}
