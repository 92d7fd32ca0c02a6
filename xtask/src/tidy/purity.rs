//! Pure crates read no clock, file, socket or environment.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::arrows::PURE;
use super::sources;

/// Paths whose appearance in a pure crate is a breach, with what to do instead.
const FORBIDDEN: &[(&str, &str)] = &[
    ("std::fs", "the adapter reads files"),
    ("std::net", "the adapter opens sockets"),
    ("std::env::", "the adapter reads the environment"),
    ("std::process", "the adapter starts processes"),
    ("std::thread", "the adapter owns threads"),
    ("SystemTime", "now is an input"),
    ("Instant::now", "now is an input"),
    ("Timestamp::now", "now is an input"),
    ("Zoned::now", "now is an input"),
    ("println!", "return values, print at the edge"),
    ("eprintln!", "return values, print at the edge"),
];

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut troubles = Vec::new();
    for name in PURE {
        for path in sources(&root.join("crates").join(name).join("src"))? {
            if is_test(&path) {
                continue;
            }
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            troubles.extend(
                breaches(&text)
                    .into_iter()
                    .map(|(line, what)| format!("{shown}:{line}: {what}")),
            );
        }
    }
    Ok(troubles)
}

/// Tests beside the code, `foo/tests.rs` and below `foo/tests/`, may read captured files.
fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "tests" || part == "tests.rs")
}

/// Line numbers and reasons; comments do not count.
fn breaches(text: &str) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (path, instead) in FORBIDDEN {
            if code.contains(path) {
                out.push((at + 1, format!("a pure crate uses {path}: {instead}")));
            }
        }
    }
    out.extend(grouped(text));
    out
}

/// `use std::{fs, env};`, on one line or several, hides the paths.
fn grouped(text: &str) -> Vec<(usize, String)> {
    const MODULES: &[&str] = &["fs", "net", "env", "process", "thread", "os"];
    let mut out = Vec::new();
    for (at, _) in text.match_indices("use std::{") {
        let line = text[..at].lines().count() + 1;
        let list = text[at..].split(';').next().unwrap_or_default();
        let mut words = list.split(|c: char| !c.is_alphanumeric() && c != '_');
        if let Some(module) = words.find(|word| MODULES.contains(word)) {
            out.push((line, format!("a pure crate uses std::{module}")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_a_breach_and_a_comment_is_not() {
        assert_eq!(breaches("let now = Timestamp::now();").len(), 1);
        assert_eq!(breaches("use std::fs::File;").len(), 1);
        assert_eq!(
            breaches("use std::{\n    collections::BTreeMap,\n    env,\n};").len(),
            1
        );
        assert!(breaches("use std::{borrow::Cow, collections::BTreeMap};").is_empty());
        assert!(breaches("// std::fs is absent here").is_empty());
        assert!(breaches("let now = question.now;").is_empty());
    }
}
