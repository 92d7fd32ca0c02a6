//! Pure crates read no clock, file, socket or environment.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::arrows::PURE;
use super::sources;

/// Paths whose appearance in a pure crate is a breach, with what to do instead.
const FORBIDDEN: &[(&str, &str)] = &[
    ("std::fs", "the adapter reads files"),
    ("std::io", "the adapter reads and writes"),
    ("std::os::", "the adapter knows the system"),
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

/// Line numbers and reasons; comments and quoted text do not count.
fn breaches(text: &str) -> Vec<(usize, String)> {
    let text = code(text);
    let mut out = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for (path, instead) in FORBIDDEN {
            if line.contains(path) {
                out.push((at + 1, format!("a pure crate uses {path}: {instead}")));
            }
        }
    }
    out.extend(grouped(&text));
    out
}

/// The text without comments and without what stands in quotes, line for line.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(end) = raw_string(rest, out.chars().next_back()) {
            end
        } else if first == '"' {
            string(rest)
        } else if first == '\'' {
            character(rest)
        } else {
            0
        };
        if skipped == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        // A quoted text leaves its quotes, so that words around it do not grow together.
        if !rest.starts_with('/') {
            out.push_str("\"\"");
        }
        out.extend(rest[..skipped].chars().filter(|it| *it == '\n'));
        rest = &rest[skipped..];
    }
    out
}

/// Where a string ends that begins here.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, it) in text.char_indices().skip(1) {
        match it {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Where a raw string ends that begins here, as `r#"…"#`.
fn raw_string(text: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|it| it.is_alphanumeric() && it != 'b' || it == '_') {
        return None;
    }
    let hashes = text.strip_prefix('r')?;
    let quote = hashes.find(|it| it != '#')?;
    let body = hashes[quote..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(quote));
    let at = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(text.len() - body.len() + at)
}

/// Where a character ends that begins here; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut rest = text.char_indices().skip(1);
    match rest.next() {
        // `'\\''`, `'\u{1f}'`: the character behind the backslash is never the end.
        Some((_, '\\')) => {
            let _escaped = rest.next();
            rest.take(10)
                .find(|(_, it)| *it == '\'')
                .map_or(0, |(at, _)| at + 1)
        }
        Some(_) => match rest.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

/// `use std::{fs, env};`, on one line or several, hides the paths.
fn grouped(text: &str) -> Vec<(usize, String)> {
    const MODULES: &[&str] = &["fs", "io", "net", "env", "process", "thread", "os"];
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

    #[test]
    fn what_stands_in_quotes_is_no_code_and_hides_none() {
        for (text, found) in [
            ("let url = \"https://x\"; let now = Timestamp::now();", 1),
            ("let url = r#\"a \" // b\"#; std::fs::read(url)", 1),
            ("let quote = '\"'; std::env::var(\"X\")", 1),
            ("let quote = '\\''; std::env::var(\"X\")", 1),
            ("fn f<'a>(x: &'a str) { std::process::exit(1) }", 1),
            ("/* std::fs */ use std::io::Read;", 1),
            ("use std::os::unix::fs::MetadataExt;", 1),
            ("let text = \"a \\\" std::fs\";", 0),
            ("let text = r\"std::net\";\n// \"\nlet x = 'r';", 0),
            ("let text = \"one\ntwo std::thread\";", 0),
        ] {
            assert_eq!(breaches(text).len(), found, "{text}");
        }
        let late = breaches("let text = \"one\ntwo\";\n/* a\nb */ std::fs::read(x)");
        assert_eq!(late[0].0, 4, "lines are counted");
    }
}
