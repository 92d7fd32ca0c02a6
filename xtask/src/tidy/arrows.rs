//! Which crate may depend on which (`docs/ARCHITECTURE.md`): arrows go down only.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Which of our crates each may depend on, lowest first: what is not listed is not allowed. `docs/ARCHITECTURE.md` says
/// why, and the order makes cycles impossible: a crate names only crates above its own line.
const ALLOWED: &[(&str, &[&str])] = &[
    ("sonde-model", &[]),
    ("sonde-grammar", &["sonde-model"]),
    ("sonde-l7", &["sonde-model"]),
    ("sonde-world", &["sonde-model"]),
    ("sonde-schedule", &["sonde-model", "sonde-world"]),
    ("sonde-topology", &["sonde-model", "sonde-world"]),
    (
        "sonde-diagnose",
        &["sonde-grammar", "sonde-model", "sonde-schedule", "sonde-world"],
    ),
    (
        "sonde-collect",
        &["sonde-diagnose", "sonde-grammar", "sonde-model", "sonde-world"],
    ),
    ("sonde-bpf", &["sonde-l7", "sonde-model"]),
    ("sonde-host", &["sonde-model"]),
    (
        "sonde-agent",
        &[
            "sonde-bpf",
            "sonde-host",
            "sonde-l7",
            "sonde-model",
            "sonde-topology",
            "sonde-world",
        ],
    ),
    (
        "sonde-cli",
        &[
            "sonde-agent",
            "sonde-collect",
            "sonde-diagnose",
            "sonde-grammar",
            "sonde-host",
            "sonde-model",
            "sonde-topology",
            "sonde-world",
        ],
    ),
    ("xtask", &["sonde-model"]),
];

/// Pure: no I/O, no clock.
pub(super) const PURE: &[&str] = &[
    "sonde-model",
    "sonde-grammar",
    "sonde-l7",
    "sonde-world",
    "sonde-schedule",
    "sonde-topology",
    "sonde-diagnose",
];

/// Third-party crates that a pure crate may use (in code that is not a test).
const PURE_MAY_USE: &[&str] = &[
    "aho-corasick",
    "bytes",
    "imbl",
    "jiff",
    "memchr",
    "schemars",
    "serde",
    "serde_json",
    "thiserror",
];

/// A dependency of a workspace member.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) from: String,
    pub(super) to: String,
    /// Only for tests or builds.
    pub(super) dev: bool,
}

/// What `cargo metadata` says about the members' own dependencies.
pub(super) fn metadata(root: &Path) -> Result<Vec<Edge>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root)
        .output()
        .context("failed to run cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let value: Value = serde_json::from_slice(&output.stdout).context("failed to read cargo metadata")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    Ok(list(&value["packages"])
        .iter()
        .flat_map(|package| {
            let from = text(&package["name"]);
            list(&package["dependencies"])
                .into_iter()
                .map(move |dependency| Edge {
                    from: from.clone(),
                    to: text(&dependency["name"]),
                    dev: !dependency["kind"].is_null(),
                })
        })
        .collect())
}

/// Every arrow that is not allowed, and every third-party crate that a pure crate may not use.
pub(super) fn check(edges: &[Edge]) -> Vec<String> {
    let allowed = |name: &str| ALLOWED.iter().find(|(from, _)| *from == name).map(|(_, to)| *to);
    let mut troubles = Vec::new();
    for edge in edges {
        let Some(may_use) = allowed(&edge.from) else {
            troubles.push(format!("{} has no line in xtask/src/tidy/arrows.rs", edge.from));
            continue;
        };
        if allowed(&edge.to).is_some() {
            if !may_use.contains(&edge.to.as_str()) {
                troubles.push(format!(
                    "{} depends on {}, which xtask/src/tidy/arrows.rs does not allow",
                    edge.from, edge.to
                ));
            }
        } else if PURE.contains(&edge.from.as_str()) && !edge.dev && !PURE_MAY_USE.contains(&edge.to.as_str())
        {
            troubles.push(format!("{} is pure and may not use {}", edge.from, edge.to));
        }
    }
    troubles.sort();
    troubles.dedup();
    troubles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: &str, to: &str) -> Edge {
        Edge {
            from: from.into(),
            to: to.into(),
            dev: false,
        }
    }

    #[test]
    fn a_wrong_arrow_fails() {
        for (from, to) in [
            ("sonde-model", "sonde-world"),
            ("sonde-grammar", "sonde-world"),
            ("sonde-diagnose", "sonde-collect"),
            ("sonde-schedule", "sonde-grammar"),
            ("sonde-grammar", "sonde-schedule"),
            ("sonde-grammar", "sonde-grammar"),
            ("sonde-collect", "sonde-schedule"),
            ("sonde-world", "tokio"),
            ("sonde-new", "serde"),
        ] {
            assert_eq!(check(&[edge(from, to)]).len(), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn a_right_arrow_passes() {
        for (from, to) in [
            ("sonde-diagnose", "sonde-model"),
            ("sonde-collect", "sonde-diagnose"),
            ("sonde-collect", "tokio"),
            ("sonde-world", "serde"),
        ] {
            assert!(check(&[edge(from, to)]).is_empty(), "{from} -> {to}");
        }
    }

    /// Arrows go down only.
    #[test]
    fn what_is_allowed_has_no_cycle() {
        for (at, (from, to)) in ALLOWED.iter().enumerate() {
            for to in *to {
                let below = ALLOWED[..at].iter().any(|(name, _)| name == to);
                assert!(below, "{from} may use {to}, which is not above its line");
            }
        }
        let place = |name: &&str| ALLOWED.iter().position(|(from, _)| from == name);
        for pure in PURE {
            let at = place(pure).unwrap();
            assert!(ALLOWED[at].1.iter().all(|to| PURE.contains(to)), "{pure}");
        }
    }
}
