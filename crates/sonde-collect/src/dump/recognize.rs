//! What a file is, by its content.

use bytes::Bytes;

/// What the head of a file looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looks {
    /// JSON or YAML: worth reading whole.
    Objects,
    /// Text: its end is worth reading.
    Text,
    /// Neither.
    Binary,
}

/// The first key of a YAML document of an object.
const FIRST_KEYS: &[&str] = &[
    "apiVersion:",
    "kind:",
    "metadata:",
    "items:",
    "spec:",
    "data:",
    "status:",
    "type:",
];

/// Keys that stand before `apiVersion:` where keys are in the order of the alphabet.
const BEFORE_VERSION: &[&str] = &[
    "action:",
    "addressType:",
    "aggregationRule:",
    "allowVolumeExpansion:",
    "allowedTopologies:",
];

/// The language of a file with objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// Begins with a brace or a bracket.
    Json,
    /// Begins with a key of an object.
    Yaml,
    /// Neither: text, in which objects may stand.
    Text,
}

pub(super) fn looks(head: &[u8]) -> Looks {
    if is_utf16(head) {
        return Looks::Objects;
    }
    let odd = head
        .iter()
        .filter(|byte| **byte < b' ' && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x1b | 0x0c | 0x08))
        .count();
    // A log may have a stray control byte, also a zero after a power loss; a binary file has many.
    if odd > head.len() / 50 || is_archive(head) {
        return Looks::Binary;
    }
    match language(&String::from_utf8_lossy(head)) {
        Language::Text => Looks::Text,
        Language::Json | Language::Yaml => Looks::Objects,
    }
}

pub(super) fn is_archive(head: &[u8]) -> bool {
    const MAGICS: &[&[u8]] = &[
        b"PK\x03\x04",
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
        b"BZh",
        b"\xfd7zXZ",
    ];
    MAGICS.iter().any(|magic| head.starts_with(magic)) || head.get(257..262) == Some(b"ustar")
}

fn is_utf16(head: &[u8]) -> bool {
    head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff])
}

/// The language of a text by its first line that is no comment.
pub(super) fn language(text: &str) -> Language {
    let text = text.trim_start_matches('\u{feff}');
    let first = text
        .lines()
        .take(2000)
        .find(|line| !line.trim().is_empty() && !line.starts_with('#') && !line.starts_with("---"));
    let Some(line) = first else { return Language::Text };
    match line.trim_start().as_bytes() {
        [b'{', rest @ ..]
            if !matches!(rest.trim_ascii_start(), [] | [b'"' | b'}', ..]) && line.contains("kind:") =>
        {
            Language::Yaml
        }
        [b'{', ..] => Language::Json,
        // A log line may begin with a bracket; a list of objects has a brace in it.
        [b'[', rest @ ..] if rest.is_empty() || matches!(rest.trim_ascii_start(), [] | [b'{', ..]) => {
            Language::Json
        }
        _ if FIRST_KEYS.iter().any(|key| line.starts_with(key))
            && text
                .lines()
                .take(4000)
                .any(|line| line.starts_with("apiVersion:") || line.starts_with("kind:")) =>
        {
            Language::Yaml
        }
        _ => Language::Text,
    }
}

/// Bytes as valid UTF-8, shared where they are; says what had to be changed.
pub(super) fn to_utf8(bytes: Vec<u8>) -> (Bytes, Option<String>) {
    if is_utf16(&bytes) {
        let big = bytes[0] == 0xfe;
        let units: Vec<u16> = bytes[2..]
            .chunks_exact(2)
            .map(|pair| {
                if big {
                    u16::from_be_bytes([pair[0], pair[1]])
                } else {
                    u16::from_le_bytes([pair[0], pair[1]])
                }
            })
            .collect();
        return (String::from_utf16_lossy(&units).into_bytes().into(), None);
    }
    if std::str::from_utf8(&bytes).is_ok() {
        let bytes = Bytes::from(bytes);
        let bom: &[u8] = "\u{feff}".as_bytes();
        return if bytes.starts_with(bom) {
            (bytes.slice(bom.len()..), None)
        } else {
            (bytes, None)
        };
    }
    let text = String::from_utf8_lossy(&bytes);
    let count = text.matches('\u{fffd}').count();
    let note = format!("has invalid UTF-8 in {count} places, read with replacement characters");
    (text.into_owned().into_bytes().into(), Some(note))
}

/// A part of a text with objects in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// JSON values, from a line that begins with a brace.
    Json(std::ops::Range<usize>),
    /// YAML documents, from a line that begins with `apiVersion:`.
    Yaml(std::ops::Range<usize>),
    /// Anything else.
    Text(std::ops::Range<usize>),
}

/// Cuts a text at the objects that stand in it.
pub(super) fn segments(text: &str) -> Vec<Segment> {
    let bytes = text.as_bytes();
    let mut segments = Vec::new();
    let (mut from, mut at) = (0, 0);
    while at < bytes.len() {
        let line_end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |len| at + len + 1);
        let line = &text[at..line_end];
        let found = if line.starts_with('{') && is_object(&text[at..]) {
            let end = crate::json::value_at(bytes, at).map_or(bytes.len(), |range| range.end);
            Some(Segment::Json(at..end))
        } else if line.starts_with("apiVersion:")
            || (line.trim_end() == "---" && text[line_end..].starts_with("apiVersion:"))
        {
            Some(Segment::Yaml(at..yaml_end(text, at)))
        } else {
            None
        };
        match found {
            Some(segment) => {
                if from < at {
                    segments.push(Segment::Text(from..at));
                }
                let (Segment::Json(range) | Segment::Yaml(range) | Segment::Text(range)) = &segment;
                at = range.end;
                from = at;
                segments.push(segment);
            }
            None => at = line_end,
        }
    }
    if from < bytes.len() {
        segments.push(Segment::Text(from..bytes.len()));
    }
    segments
}

/// The brace opens a Kubernetes object or list, no log line in JSON.
fn is_object(text: &str) -> bool {
    let head = &text.as_bytes()[..text.len().min(4096)];
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    has(b"\"kind\"") && (has(b"\"apiVersion\"") || has(b"\"items\""))
}

/// The first key of this JSON is one of an object's.
pub(super) fn begins_object(text: &[u8]) -> bool {
    let rest = text.trim_ascii_start();
    let Some(rest) = rest.strip_prefix(b"{") else {
        return false;
    };
    let rest = rest.trim_ascii_start();
    [&b"\"kind\""[..], b"\"apiVersion\"", b"\"metadata\""]
        .iter()
        .any(|key| rest.starts_with(key))
}

/// Where YAML that begins here ends: at a line that neither is indented nor is a key, an item, a comment or a boundary.
pub(super) fn yaml_end(text: &str, start: usize) -> usize {
    let mut at = start;
    // After a boundary only another object is YAML; a log may begin with anything.
    let mut fresh = false;
    for line in text[start..].split_inclusive('\n') {
        let content = line.trim_end();
        let boundary = content == "---" || content.starts_with("--- ") || content == "...";
        let fits = match content.bytes().next() {
            None | Some(b'#') => true,
            _ if boundary => true,
            Some(b'-') => content.starts_with("- "),
            Some(b' ') => !fresh,
            Some(_) if fresh => FIRST_KEYS
                .iter()
                .chain(BEFORE_VERSION)
                .any(|key| content.starts_with(key)),
            Some(_) => is_top_key(content),
        };
        if !content.is_empty() && !content.starts_with('#') {
            fresh = boundary;
        }
        if !fits {
            return at;
        }
        at += line.len();
    }
    at
}

/// How a line of a log begins that looks like a key with a value.
const LOG_KEYS: &[&str] = &[
    "debug",
    "err",
    "error",
    "exception",
    "exit",
    "failed",
    "fatal",
    "info",
    "panic",
    "trace",
    "warn",
    "warning",
];

/// A key at the margin of an object, with a value or without.
fn is_top_key(content: &str) -> bool {
    let Some((key, rest)) = content.split_once(':') else {
        return false;
    };
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && (rest.is_empty() || rest.starts_with(' '))
        && !LOG_KEYS.contains(&key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn content_decides() {
        for (text, expect) in [
            ("{\n  \"kind\": \"Pod\"", Language::Json),
            ("[\n  {", Language::Json),
            ("[2026-01-01] INFO started", Language::Text),
            ("---\n# c\napiVersion: v1\nkind: Pod\n", Language::Yaml),
            ("kind: Pod\napiVersion: v1\n", Language::Yaml),
            ("Name:         web\nNamespace:    shop\n", Language::Text),
            ("\u{feff}apiVersion: v1\n", Language::Yaml),
            ("", Language::Text),
        ] {
            assert_eq!(language(text), expect, "{text}");
        }
        assert_eq!(looks(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"), Looks::Binary);
    }

    #[test]
    fn objects_are_found_in_text() {
        let text = "$ kubectl get pod x -o yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n$ kubectl get nodes -o json\n\
                    {\n  \"apiVersion\": \"v1\", \"kind\": \"Node\"\n}\ndone\n{\"level\":\"info\"}\n";
        let kinds: Vec<_> = segments(text)
            .iter()
            .map(|segment| match segment {
                Segment::Json(_) => 'j',
                Segment::Yaml(_) => 'y',
                Segment::Text(_) => 't',
            })
            .collect();
        assert_eq!(kinds, ['t', 'y', 't', 'j', 't']);
    }

    #[test]
    fn a_log_after_an_object_is_no_part_of_it() {
        let object = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containers:\n  - name: app\n";
        let second = "kind: Pod\napiVersion: v1\nmetadata:\n  name: y\n";
        for (rest, end) in [
            ("starting up\npanic: boom\n", object.len()),
            ("panic: cannot resolve host\n", object.len()),
            ("\n2026-03-01T10:00:00Z fatal\n", object.len() + 1),
            ("---\nfatal: boom\n", object.len() + 4),
            ("---\n  at com.example.App\n", object.len() + 4),
            ("status:\n  phase: Running\n", object.len() + 25),
        ] {
            assert_eq!(yaml_end(&format!("{object}{rest}"), 0), end, "{rest}");
        }
        let two = format!("---\n# one\n{object}---\n# two\n\n{second}");
        assert_eq!(yaml_end(&two, 0), two.len());
    }

    proptest! {
        #[test]
        fn segments_cover_the_text(text in "(apiVersion: v1\n|kind: x\n|\\{\"kind\":1,\"items\":\\[\\]|\\}|\n|---\n|\\PC){0,30}") {
            let mut at = 0;
            for segment in segments(&text) {
                let (Segment::Json(range) | Segment::Yaml(range) | Segment::Text(range)) = segment;
                prop_assert_eq!(range.start, at);
                prop_assert!(range.end > at);
                at = range.end;
            }
            prop_assert_eq!(at, text.len());
        }
    }
}
