//! Secrets that are known by their value: a program may say elsewhere, without a name before it, what an environment
//! variable of its own told by name.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Edit, apply};

/// More values than this are not remembered.
const VALUES_MAX: usize = 4_096;
/// A shorter value, or one of a single kind of characters, is as often a word that hides nothing: `postgres`, `12345678`.
const VALUE_BYTES_MIN: usize = 8;
const VALUE_BYTES_MAX: usize = 512;

/// Values that were hidden by their names, to be hidden wherever else they stand.
#[derive(Clone, Default)]
pub(crate) struct Known {
    /// What each was, as shown.
    marks: BTreeMap<Box<str>, &'static str>,
    search: Option<AhoCorasick>,
}

/// The values are not for anybody to read.
impl fmt::Debug for Known {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "Known({} values)", self.marks.len())
    }
}

impl Known {
    /// Remembers what these edits hide, as far as nobody would write it for another reason.
    pub(super) fn note(&mut self, text: &[u8], edits: &[Edit]) {
        for edit in edits {
            let Some(value) = text.get(edit.range.clone()).and_then(distinctive) else {
                continue;
            };
            if self.marks.len() < VALUES_MAX && self.marks.insert(value.into(), edit.mark).is_none() {
                self.search = None;
            }
        }
    }

    /// Takes over what another knows.
    pub(crate) fn extend(&mut self, other: Known) {
        for (value, mark) in other.marks {
            if self.marks.len() < VALUES_MAX && self.marks.insert(value, mark).is_none() {
                self.search = None;
            }
        }
    }

    /// Hides the values in a text that was redacted by its shape already.
    pub(crate) fn hide(&mut self, text: String) -> String {
        let edits = self.edits(text.as_bytes());
        if edits.is_empty() {
            return text;
        }
        match String::from_utf8_lossy(&apply(text.as_bytes(), &edits)) {
            Cow::Owned(text) => text,
            Cow::Borrowed(text) => text.to_owned(),
        }
    }

    /// Where the values stand as words of their own.
    pub(super) fn edits(&mut self, text: &[u8]) -> Vec<Edit> {
        if self.marks.is_empty() {
            return Vec::new();
        }
        if self.search.is_none() {
            self.search = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(self.marks.keys().map(|value| value.as_bytes()))
                .ok();
        }
        let marks: Vec<&'static str> = self.marks.values().copied().collect();
        let Some(search) = &self.search else {
            return Vec::new();
        };
        search
            .find_iter(text)
            .map(|hit| (hit.range(), marks[hit.pattern().as_usize()]))
            .filter(|(range, _)| is_whole(text, range))
            .map(|(range, mark)| Edit { range, mark })
            .collect()
    }
}

/// A value that can be nothing else: long, and of letters together with digits or signs.
fn distinctive(value: &[u8]) -> Option<&str> {
    let value = std::str::from_utf8(value).ok()?;
    let fits = (VALUE_BYTES_MIN..=VALUE_BYTES_MAX).contains(&value.len());
    // What has a backslash in it is written in another way elsewhere.
    let is_plain = !value
        .bytes()
        .any(|byte| byte.is_ascii_whitespace() || byte == b'\\');
    let has = |kind: fn(&u8) -> bool| value.as_bytes().iter().any(kind);
    let is_mixed = has(u8::is_ascii_alphabetic) && has(|byte| !byte.is_ascii_alphabetic() && *byte != b'-');
    (fits && is_plain && is_mixed).then_some(value)
}

/// Not a part of a longer word.
fn is_whole(text: &[u8], range: &Range<usize>) -> bool {
    let part = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    let before = range.start.checked_sub(1).and_then(|at| text.get(at));
    !part(before) && !part(text.get(range.end))
}
