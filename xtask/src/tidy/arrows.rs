//! Which crate may depend on which (`docs/ARCHITECTURE.md`): arrows go down only.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Crates by layer, lowest first. A crate may depend on crates of lower layers; `reasoning` sits on all of the pure ones.
const LAYERS: &[&[&str]] = &[
    &["sonde-model"],
    &["sonde-grammar", "sonde-l7", "sonde-world"],
    &["sonde-schedule", "sonde-topology"],
    &["sonde-diagnose"],
    &["sonde-collect", "sonde-bpf"],
    &["sonde-agent"],
    &["sonde-cli"],
    &["xtask"],
];

/// The layers up to this one are pure: no I/O, no clock.
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

/// Every arrow that goes up or sideways, and every third-party crate that a pure crate may not use.
pub(super) fn check(edges: &[Edge]) -> Vec<String> {
    let layer = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    let mut troubles = Vec::new();
    for edge in edges {
        let Some(from) = layer(&edge.from) else {
            troubles.push(format!("{} has no layer in xtask/src/tidy/arrows.rs", edge.from));
            continue;
        };
        match layer(&edge.to) {
            Some(to) if to >= from => {
                troubles.push(format!(
                    "{} depends on {}, which is not below it",
                    edge.from, edge.to
                ));
            }
            Some(_) => {}
            None => {
                let pure = PURE.contains(&edge.from.as_str());
                if pure && !edge.dev && !PURE_MAY_USE.contains(&edge.to.as_str()) {
                    troubles.push(format!("{} is pure and may not use {}", edge.from, edge.to));
                }
            }
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
}
