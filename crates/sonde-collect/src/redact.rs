//! Hides what nobody but its owner may read, once, while a text is read.
//!
//! One pass of a multi-pattern search finds words that may stand before a secret or be a part of one; only there the
//! surroundings are looked at. A text without such words costs that one pass and is not copied. Edits never reach
//! beyond the string they are in, so that JSON stays JSON. What was hidden is marked as `[redacted:password]`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use bytes::Bytes;
use serde_json::{Map, Value};
use sonde_model::Kind;

mod known;
mod names;
mod shapes;

pub(crate) use known::Known;

/// A part of a text to be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    range: Range<usize>,
    /// What it was, as shown.
    mark: &'static str,
}

/// What is being redacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// JSON: a quote without a backslash always begins or ends a string.
    Json,
    /// Any text: a quote after an equal sign begins a value.
    Text,
}

/// A rule that looks at a hit: the text, where the word is, and what is redacted.
type Rule = fn(&[u8], Range<usize>, Form) -> Option<Edit>;

/// The words that are searched for, without regard to case, and the rule that looks closer.
const WORDS: &[(&str, Rule)] = &[
    ("password", names::value_of_name),
    ("passwd", names::value_of_name),
    ("passphrase", names::value_of_name),
    ("pass", names::value_of_name),
    ("pwd", names::value_of_name),
    ("secret", names::value_of_name),
    ("token", names::value_of_name),
    ("apikey", names::value_of_name),
    ("api_key", names::value_of_name),
    ("api-key", names::value_of_name),
    ("accesskey", names::value_of_name),
    ("access_key", names::value_of_name),
    ("access-key", names::value_of_name),
    ("accountkey", names::value_of_name),
    ("account_key", names::value_of_name),
    ("privatekey", names::value_of_name),
    ("private_key", names::value_of_name),
    ("private-key", names::value_of_name),
    ("encryption_key", names::value_of_name),
    ("signing_key", names::value_of_name),
    ("credential", names::value_of_name),
    ("auth\"", names::docker_auth),
    ("auth\\\"", names::docker_auth),
    ("bearer ", shapes::bearer),
    ("basic ", shapes::basic),
    ("-----begin", shapes::private_key),
    ("://", shapes::url),
    ("@", shapes::mail),
    ("eyj", shapes::jwt),
    ("akia", shapes::aws_key),
    ("asia", shapes::aws_key),
    ("ghp_", shapes::prefixed),
    ("gho_", shapes::prefixed),
    ("ghu_", shapes::prefixed),
    ("ghs_", shapes::prefixed),
    ("ghr_", shapes::prefixed),
    ("github_pat_", shapes::prefixed),
    ("glpat-", shapes::prefixed),
    ("xoxa-", shapes::prefixed),
    ("xoxb-", shapes::prefixed),
    ("xoxp-", shapes::prefixed),
    ("xoxr-", shapes::prefixed),
    ("xoxs-", shapes::prefixed),
    ("sk_live_", shapes::prefixed),
    ("rk_live_", shapes::prefixed),
    ("npm_", shapes::prefixed),
    ("aiza", shapes::prefixed),
    ("redis-cli", shapes::short_option),
    ("mysql", shapes::short_option),
    ("mariadb", shapes::short_option),
];

fn search() -> Option<&'static AhoCorasick> {
    static SEARCH: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    SEARCH
        .get_or_init(|| {
            AhoCorasickBuilder::new()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::LeftmostLongest)
                .kind(Some(AhoCorasickKind::DFA))
                .build(WORDS.iter().map(|(word, _)| word))
                .ok()
        })
        .as_ref()
}

fn edits(text: &[u8], form: Form) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    // The table is constant; were it ever not to build, everything would be hidden rather than shown.
    let Some(search) = search() else {
        return vec![Edit {
            range: 0..text.len(),
            mark: "all",
        }];
    };
    let mut done = 0;
    for hit in search.find_iter(text) {
        if hit.start() < done {
            continue;
        }
        let (_, rule) = WORDS[hit.pattern().as_usize()];
        if let Some(edit) = rule(text, hit.range(), form)
            && edit.range.start >= done
            && !edit.range.is_empty()
        {
            done = edit.range.end;
            edits.push(edit);
        }
    }
    edits
}

fn apply(text: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        out.extend_from_slice(&text[at..edit.range.start]);
        out.extend_from_slice(b"[redacted:");
        out.extend_from_slice(edit.mark.as_bytes());
        out.push(b']');
        at = edit.range.end;
    }
    out.extend_from_slice(&text[at..]);
    out
}

/// Redacts a text.
pub fn text(text: &str) -> Cow<'_, str> {
    let edits = edits(text.as_bytes(), Form::Text);
    if edits.is_empty() {
        return Cow::Borrowed(text);
    }
    // Edits lie between ASCII bytes or at the ends of words, but damaged input must not become a panic.
    match String::from_utf8(apply(text.as_bytes(), &edits)) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// Redacts an owned text without a copy where nothing is hidden.
pub fn owned_text(value: String) -> String {
    match text(&value) {
        Cow::Owned(redacted) => redacted,
        Cow::Borrowed(_) => value,
    }
}

/// Redacts the JSON of one object. Of a Secret only the keys are left. What is hidden by its name is hidden wherever else
/// it stands in the object, and noted in `known` for the texts about it.
pub(crate) fn object(bytes: Bytes, kind: &Kind, known: &mut Known) -> Bytes {
    if *kind == Kind::Secret {
        return secret(&bytes).into();
    }
    let edits = edits(&bytes, Form::Json);
    if edits.is_empty() {
        return bytes;
    }
    let mut own = Known::default();
    own.note(&bytes, &edits);
    let bytes = apply(&bytes, &edits);
    let again = own.edits(&bytes);
    known.extend(own);
    if again.is_empty() {
        bytes.into()
    } else {
        apply(&bytes, &again).into()
    }
}

/// A Secret without its values. Bytes that are no object become an object without anything.
fn secret(bytes: &[u8]) -> Vec<u8> {
    let mut object: Map<String, Value> = serde_json::from_slice(bytes).unwrap_or_default();
    for part in ["data", "stringData"] {
        if let Some(Value::Object(data)) = object.get_mut(part) {
            for value in data.values_mut() {
                *value = Value::String("[redacted:secret]".to_owned());
            }
        }
    }
    // Read as metadata only, it is of another kind; in a bundle it must be found again as what it is.
    object.insert("kind".to_owned(), "Secret".into());
    object.insert("apiVersion".to_owned(), "v1".into());
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        metadata.remove("managedFields");
    }
    let bytes = serde_json::to_vec(&object).unwrap_or_default();
    match edits(&bytes, Form::Json) {
        edits if edits.is_empty() => bytes,
        edits => apply(&bytes, &edits),
    }
}

#[cfg(test)]
mod tests;
