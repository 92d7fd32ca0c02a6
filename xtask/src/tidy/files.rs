//! Small files, versions in one place, a page for every cause.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::sources;
use crate::scenarios::{self, Scenario};

/// A file longer than this has more than one idea.
const LINES_MAX: usize = 800;
/// A file longer than this is worth a look for a split.
const LINES_USUAL: usize = 500;

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut troubles = Vec::new();
    for folder in ["crates", "xtask"] {
        for path in sources(&root.join(folder))? {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            let shown = path.strip_prefix(root).unwrap_or(&path).display();
            let lines = text.lines().count();
            if lines > LINES_MAX {
                troubles.push(format!(
                    "{shown} has {lines} lines; split it (at most {LINES_MAX})"
                ));
            }
            if (LINES_USUAL + 1..=LINES_MAX).contains(&lines) {
                println!("tidy: note: {shown} has {lines} lines; look for a split");
            }
            if path.file_name().is_some_and(|name| name == "mod.rs") {
                troubles.push(format!("{shown}: write foo.rs beside foo/, not foo/mod.rs"));
            }
        }
    }
    for entry in std::fs::read_dir(root.join("crates")).context("failed to list crates")? {
        let manifest = entry?.path().join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest)
            .with_context(|| format!("failed to read {}", manifest.display()))?;
        let shown = manifest
            .strip_prefix(root)
            .unwrap_or(&manifest)
            .display()
            .to_string();
        troubles.extend(versions(&text).into_iter().map(|line| format!("{shown}: {line}")));
    }
    troubles.extend(pages(root)?);
    Ok(troubles)
}

/// Dependencies of a member manifest that do not come from the workspace.
fn versions(manifest: &str) -> Vec<String> {
    let mut in_dependencies = false;
    let mut out = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && line.contains('=') && !line.contains("workspace = true") {
            out.push(format!(
                "`{}` has its version here and not in the workspace manifest",
                line.trim()
            ));
        }
    }
    // A crate that must call the kernel itself states the same lints again, with `unsafe` denied and not forbidden: each
    // place then says why.
    let states_its_own = manifest.contains("unsafe_code = \"deny\"") && manifest.contains("[lints.clippy]");
    if !manifest.contains("[lints]\nworkspace = true") && !states_its_own {
        out.push("does not inherit the workspace's lints".into());
    }
    out
}

/// Pages without a cause, and scenarios that name a code without one; a cause without a page does not compile.
fn pages(root: &Path) -> Result<Vec<String>> {
    let mut used = BTreeSet::new();
    for path in sources(&root.join("crates/sonde-diagnose/src"))? {
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
        used.extend(
            text.split("page!(\"")
                .skip(1)
                .filter_map(|rest| Some(rest.split('"').next()?.to_owned())),
        );
    }
    let mut troubles = Vec::new();
    for entry in std::fs::read_dir(root.join("docs/causes")).context("failed to list docs/causes")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.strip_suffix(".md").is_some_and(|code| !used.contains(code)) {
            troubles.push(format!("docs/causes/{name} is the page of no cause"));
        }
    }
    troubles.extend(
        named_in_scenarios(&scenarios::load_all()?)
            .filter(|(_, code)| !used.contains(*code))
            .map(|(name, code)| format!("scenarios/{name}.yaml: there is no cause {code}")),
    );
    troubles.sort();
    Ok(troubles)
}

/// Every code that a scenario expects or tolerates, with the scenario's name.
fn named_in_scenarios(all: &[Scenario]) -> impl Iterator<Item = (&str, &str)> {
    all.iter()
        .flat_map(|scenario| scenario.codes().map(|code| (scenario.name.as_str(), code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_in_a_member_fails() {
        let bad = "[dependencies]\nserde = \"1\"\n[lints]\nworkspace = true\n";
        assert_eq!(versions(bad).len(), 1);
        let good = "[dependencies]\nserde.workspace = true\nclap = { workspace = true, features = [\"x\"] }\n[lints]\nworkspace = true\n";
        assert!(versions(good).is_empty());
    }
}
