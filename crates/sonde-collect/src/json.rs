//! Finds the values of a JSON text without decoding them, also in a text that is cut.
//!
//! This is no validator: whoever decodes a found value learns whether it is JSON. It is a scan over brackets and
//! strings, so that the objects of a list are slices of the file's buffer, and a list that was cut in its middle still
//! gives the objects before the cut.

use std::ops::Range;

use memchr::memchr2;

/// The end of a value that starts at or after `at`, with its start; `None` when it is cut or no value.
pub(crate) fn value_at(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = skip_space(text, at);
    let end = match text.get(start)? {
        b'"' => string_end(text, start)?,
        b'{' | b'[' => collection_end(text, start)?,
        b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
            let rest = &text[start..];
            let len = rest
                .iter()
                .position(
                    |byte| !matches!(byte, b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z'),
                )
                .unwrap_or(rest.len());
            start + len
        }
        _ => return None,
    };
    Some(start..end)
}

/// The first byte that is no white space, at or after `at`.
pub(crate) fn skip_space(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .position(|byte| !byte.is_ascii_whitespace())
        .unwrap_or(rest.len())
}

/// The position after the closing quote of the string that starts at `at`.
fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn collection_end(text: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = start;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The members of an object or the elements of an array, one after the other.
pub(crate) struct Walk<'a> {
    text: &'a [u8],
    at: usize,
    ended: bool,
}

impl<'a> Walk<'a> {
    /// Walks the collection whose opening bracket is at or after `at`; `None` when there is none.
    pub(crate) fn new(text: &'a [u8], at: usize) -> Option<Self> {
        let at = skip_space(text, at);
        matches!(text.get(at), Some(b'{' | b'[')).then_some(Self {
            text,
            at: at + 1,
            ended: false,
        })
    }

    /// Whether the closing bracket was reached.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Where the walk stands: after the last whole element.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Moves over the comma; false at the closing bracket.
    fn at_element(&mut self) -> bool {
        self.at = skip_space(self.text, self.at);
        if self.text.get(self.at) == Some(&b',') {
            self.at = skip_space(self.text, self.at + 1);
        }
        if matches!(self.text.get(self.at), Some(b'}' | b']')) {
            self.ended = true;
            self.at += 1;
            return false;
        }
        true
    }

    /// The next element of an array.
    pub(crate) fn element(&mut self) -> Option<Range<usize>> {
        if self.ended || !self.at_element() {
            return None;
        }
        let range = value_at(self.text, self.at)?;
        self.at = range.end;
        Some(range)
    }

    /// The key of the next member of an object, without quotes, and where its value starts.
    pub(crate) fn key(&mut self) -> Option<(&'a [u8], usize)> {
        if self.ended || !self.at_element() || self.text.get(self.at) != Some(&b'"') {
            return None;
        }
        let end = string_end(self.text, self.at)?;
        let key = &self.text[self.at + 1..end - 1];
        let colon = skip_space(self.text, end);
        (self.text.get(colon) == Some(&b':')).then(|| (key, skip_space(self.text, colon + 1)))
    }

    /// Continues after a value that ended here.
    pub(crate) fn resume(&mut self, at: usize) {
        self.at = at;
    }
}

/// The value of a member of the object at `at`.
pub(crate) fn member(text: &[u8], at: usize, name: &str) -> Option<Range<usize>> {
    let mut walk = Walk::new(text, at)?;
    while let Some((key, value)) = walk.key() {
        let range = value_at(text, value)?;
        if key == name.as_bytes() {
            return Some(range);
        }
        walk.resume(range.end);
    }
    None
}

/// The text of a string member that needs no unescaping.
pub(crate) fn string_member<'a>(text: &'a [u8], at: usize, name: &str) -> Option<&'a str> {
    let range = member(text, at, name)?;
    let quoted = text.get(range)?;
    let inner = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    std::str::from_utf8(inner).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cut_list_gives_what_is_before_the_cut() {
        let text = br#"{"items":[{"a":"}]"},{"b":[1,2,{"c":"\""}]},{"d"#;
        let mut outer = Walk::new(text, 0).expect("an object");
        let (key, at) = outer.key().expect("a member");
        assert_eq!(key, b"items");
        let mut items = Walk::new(text, at).expect("an array");
        assert_eq!(items.element(), Some(10..20));
        assert!(items.element().is_some());
        assert_eq!(items.element(), None);
        assert!(!items.ended());
    }

    #[test]
    fn members_are_found_by_name() {
        let text = br#" {"x": {"kind":"no"}, "kind" : "PodList", "n": -1.5e3}"#;
        assert_eq!(string_member(text, 0, "kind"), Some("PodList"));
        assert_eq!(member(text, 0, "n").map(|it| &text[it]), Some(&b"-1.5e3"[..]));
        assert_eq!(member(text, 0, "missing"), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in proptest::collection::vec(prop_oneof![
            Just(b'"'), Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b','), Just(b':'), Just(b'\\'), any::<u8>()
        ], 0..200)) {
            let _ = value_at(&text, 0);
            let _ = member(&text, 0, "kind");
            if let Some(mut walk) = Walk::new(&text, 0) {
                for _ in 0..300 { if walk.element().is_none() { break; } }
            }
        }

        #[test]
        fn finds_what_serde_writes(keys in proptest::collection::vec("[a-z\"\\\\{}]{1,6}", 0..8)) {
            let value: serde_json::Map<String, serde_json::Value> =
                keys.iter().map(|key| (key.clone(), serde_json::json!([key, {"x": key}]))).collect();
            let text = serde_json::to_vec(&value).unwrap();
            let mut walk = Walk::new(&text, 0).unwrap();
            let mut count = 0;
            while let Some((_, at)) = walk.key() {
                let range = value_at(&text, at).unwrap();
                serde_json::from_slice::<serde_json::Value>(&text[range.clone()]).unwrap();
                walk.resume(range.end);
                count += 1;
            }
            prop_assert_eq!(count, value.len());
            prop_assert!(walk.ended());
        }
    }
}
