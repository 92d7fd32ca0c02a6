//! Small readers of parts of a message: names in quotes or without, lists, numbers, durations.

/// What is kept of words that are shown and not understood.
const DETAIL_BYTES_MAX: usize = 1024;

/// Names longer than this are not names (the longest image reference with digest stays below).
const NAME_BYTES_MAX: usize = 512;

/// More names than this are not listed.
const LIST_MAX: usize = 64;

/// Whether one of the markers is in the text.
pub(super) fn any(text: &str, markers: &[&str]) -> bool {
    markers.iter().any(|marker| text.contains(marker))
}

/// What follows the first occurrence of the marker.
pub(super) fn after<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    text.find(marker).map(|at| &text[at + marker.len()..])
}

/// What lies between the first `open` and the next `close`; `None` if the end is cut off.
pub(super) fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let rest = after(text, open)?;
    rest.find(close).map(|at| &rest[..at])
}

/// The name that begins the text: in quotes of any kind, or a bare word when the quotes were lost.
pub(super) fn name(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let quote = text
        .chars()
        .next()
        .filter(|char| matches!(char, '"' | '\'' | '`'));
    let name = match quote {
        // An opening quote without its end is a cut name, and a cut name is a wrong name.
        Some(quote) => {
            let inner = &text[1..];
            &inner[..inner.find(quote)?]
        }
        None => {
            let end = text.find([' ', ',', ';', '"', ')', ']']).unwrap_or(text.len());
            text[..end].trim_end_matches([':', '.'])
        }
    };
    (!name.is_empty() && name.len() <= NAME_BYTES_MAX).then_some(name)
}

/// The name right after the marker.
pub(super) fn name_after<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    after(text, marker).and_then(name)
}

/// The name after the first marker that has one.
pub(super) fn name_after_any<'a>(text: &'a str, markers: &[&str]) -> Option<&'a str> {
    markers.iter().find_map(|marker| name_after(text, marker))
}

/// The name right before the marker: `secret "x" not found` with the marker ` not found`.
pub(super) fn name_before<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    let text = text[..text.find(marker)?].trim_end();
    let name = match text.strip_suffix('"') {
        Some(inner) => &inner[inner.rfind('"')? + 1..],
        None => text.rsplit([' ', '(', '[', ',']).next()?,
    };
    (!name.is_empty() && name.len() <= NAME_BYTES_MAX).then_some(name)
}

/// `[a b, c]` without its brackets, as Go prints a slice or as a joined list.
pub(super) fn list(text: &str) -> Vec<String> {
    text.trim_matches(['[', ']'])
        .split([' ', ','])
        .map(|item| item.trim_matches('"'))
        .filter(|item| !item.is_empty() && item.len() <= NAME_BYTES_MAX)
        .take(LIST_MAX)
        .map(str::to_owned)
        .collect()
}

/// The digits that begin the text.
pub(super) fn number(text: &str) -> Option<u64> {
    let text = text.trim_start();
    let end = text
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

/// Words to show, bounded.
pub(super) fn detail(text: &str) -> String {
    let text = unbalanced(text.trim().trim_start_matches(": ").trim());
    if text.len() <= DETAIL_BYTES_MAX {
        return text.to_owned();
    }
    let mut end = DETAIL_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Without the one quote that belongs to a wrapper: at the end, else at the begin.
fn unbalanced(text: &str) -> &str {
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 0 {
        return text;
    }
    text.strip_suffix('"')
        .or_else(|| text.strip_prefix('"'))
        .unwrap_or(text)
        .trim()
}

/// The words of the deepest cause: what follows the last of the given wrappers.
pub(super) fn innermost(text: &str, wrappers: &[&str]) -> String {
    let start = wrappers
        .iter()
        .filter_map(|wrapper| text.rfind(wrapper).map(|at| at + wrapper.len()))
        .max();
    let words = detail(&text[start.unwrap_or(0)..]);
    let words = words
        .strip_suffix(": unknown")
        .unwrap_or(&words)
        .trim_end_matches('.');
    if words.is_empty() {
        detail(text)
    } else {
        words.to_owned()
    }
}

/// The path before `: <words>`: `write /a/b: no space left on device`, `mkdir '/a b': ...`.
pub(super) fn path_before(text: &str, words: &str) -> Option<String> {
    let before = text[..text.find(words)?].trim_end_matches([' ', ':']);
    let before = before.trim_end_matches(['"', '\'', '`', '\u{201d}']);
    let start = before.rfind([' ', '"', '\'', '`']).map_or(0, |at| at + 1);
    let path = &before[start..];
    (path.starts_with('/') && path.len() > 1 && path.len() <= 4096).then(|| path.to_owned())
}

/// A Go duration (`1m2.5s`, `850ms`) that begins the text, in milliseconds.
pub(super) fn duration_ms(text: &str) -> Option<u64> {
    const UNITS: &[(&str, f64)] = &[
        ("ns", 1e-6),
        ("us", 1e-3),
        ("\u{b5}s", 1e-3),
        ("\u{3bc}s", 1e-3),
        ("ms", 1.0),
        ("h", 3_600_000.0),
        ("m", 60_000.0),
        ("s", 1000.0),
    ];
    let mut rest = text.trim_start();
    let mut total = 0.0;
    let mut parts = 0;
    while parts < 4 {
        let end = rest
            .find(|char: char| !char.is_ascii_digit() && char != '.')
            .unwrap_or(rest.len());
        // A sentence's final dot belongs to no number.
        let Ok(value) = rest[..end].parse::<f64>() else {
            break;
        };
        let Some((unit, factor)) = UNITS.iter().find(|(unit, _)| rest[end..].starts_with(unit)) else {
            break;
        };
        total += value * factor;
        parts += 1;
        rest = &rest[end + unit.len()..];
    }
    // Values beyond a century are damage; the cast is then within range.
    (parts > 0 && total < 3.2e12).then_some(total.round() as u64)
}

/// The host, with its port, of the first URL.
pub(super) fn url_host(text: &str) -> Option<&str> {
    let rest = after(text, "://")?;
    let end = rest.find(['/', '"', ' ', '?', ',']).unwrap_or(rest.len());
    let host = rest[..end].trim_end_matches(':');
    (!host.is_empty() && host.len() <= 260).then_some(host)
}

/// The host of a failed name lookup: `lookup H on S:53: ...`, `lookup H: no such host`.
pub(super) fn lookup_host(text: &str) -> Option<&str> {
    let rest = after(text, "lookup ")?;
    let host = name(rest)?;
    let tail = &rest[host.len().min(rest.len())..];
    const FAILED: &[&str] = &[
        "no such host",
        "i/o timeout",
        "server misbehaving",
        "connection refused",
        "name resolution",
        "is unreachable",
        "no route to host",
        "timed out",
        "no answer",
        "NXDOMAIN",
        "SERVFAIL",
    ];
    any(tail, FAILED).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_and_without_quotes() {
        assert_eq!(name_after(r#"pull image "a/b:1": x"#, "image"), Some("a/b:1"));
        assert_eq!(name_after("pull image a/b:1: x", "image"), Some("a/b:1"));
        assert_eq!(
            name_after(r#"pull image "a/b:1"#, "image"),
            None,
            "a cut name is no name"
        );
        assert_eq!(name_before(r#"secret "x" not found"#, " not found"), Some("x"));
        assert_eq!(name_before("secret x not found", " not found"), Some("x"));
    }

    #[test]
    fn durations() {
        for (text, expect) in [
            ("1m2.5s (x", Some(62_500)),
            ("850.4ms.", Some(850)),
            ("12.5s. Image", Some(12_500)),
            ("2h0m1s", Some(7_201_000)),
            ("45\u{b5}s", Some(0)),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(duration_ms(text), expect, "{text}");
        }
    }

    #[test]
    fn hosts() {
        assert_eq!(
            url_host(r#"Head "https://r.example:5000/v2/x": dial"#),
            Some("r.example:5000")
        );
        assert_eq!(
            lookup_host("dial tcp: lookup r.example on 10.0.0.10:53: no such host"),
            Some("r.example")
        );
        assert_eq!(
            lookup_host("dial tcp: lookup r.example: no such host"),
            Some("r.example")
        );
        assert_eq!(
            lookup_host("lookup r.example on 10.0.0.10:53: read udp 1.1.1.1:3->10.0.0.10:53: i/o timeout"),
            Some("r.example")
        );
        assert_eq!(lookup_host("dial tcp 10.0.0.1:443: i/o timeout"), None);
    }

    #[test]
    fn paths() {
        assert_eq!(
            path_before("write /a/b: no space left", "no space left"),
            Some("/a/b".to_owned())
        );
        assert_eq!(path_before("no space left", "no space left"), None);
    }
}
