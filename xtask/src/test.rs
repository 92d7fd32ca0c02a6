//! `cargo xtask test`: every check and every test that this machine can run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::{agent, cluster, fixtures, root, scenarios, services, tidy};

/// How a stage ended.
enum Outcome {
    Passed,
    Failed(String),
    /// Left out, with the reason.
    Skipped(String),
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the scenarios on the real cluster
    #[arg(long)]
    no_cluster: bool,
}

/// Runs every stage, even after a failure, prints a line for each and fails at the end.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut stages: Vec<(&str, Outcome)> = Vec::new();
    let mut stage = |name: &'static str, run: &mut dyn FnMut() -> Result<Outcome>| {
        eprintln!("--- {name}");
        let start = Instant::now();
        let outcome = run().unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        eprintln!("--- {name}: {:.0}s", start.elapsed().as_secs_f64());
        stages.push((name, outcome));
    };
    stage("format", &mut || cargo(&["fmt", "--all", "--check"]));
    stage("format of the causes", &mut causes_are_formatted);
    // Without them the workspace is everything but the agent.
    let agent = agent::prepare();
    let crates: Vec<&str> = match &agent {
        Ok(()) => vec!["--workspace", "--features", "sonde-cli/agent"],
        Err(_) => agent::CRATES
            .iter()
            .flat_map(|name| ["--exclude", name])
            .chain(["--workspace"])
            .collect(),
    };
    stage("what the agent takes to build", &mut || {
        Ok(match &agent {
            Ok(()) => Outcome::Passed,
            Err(missing) => Outcome::Skipped(missing.to_string()),
        })
    });
    stage("servers and clients of the protocol tests", &mut || {
        if agent.is_err() {
            return Ok(Outcome::Skipped("the agent is not built".into()));
        }
        // A test whose server is missing says so itself.
        Ok(services::provide().map_or_else(
            |error| Outcome::Skipped(format!("{error:#}")),
            |()| Outcome::Passed,
        ))
    });
    let on_all = |before: &[&'static str], after: &[&'static str]| cargo(&[before, &crates, after].concat());
    stage("clippy", &mut || {
        on_all(
            &["clippy"],
            &["--all-targets", "--locked", "--", "-D", "warnings"],
        )
    });
    stage("tidy", &mut || tidy::run().map(|()| Outcome::Passed));
    stage("tests", &mut || {
        on_all(&["test"], &["--locked", "--no-fail-fast"])
    });
    stage("fuzz targets", &mut fuzz_targets);
    stage("captured clusters", &mut || {
        Ok(judged(&fixtures::judge_all(&[])?))
    });
    stage("pasted descriptions and logs", &mut || {
        Ok(judged(&fixtures::judge_pasted(&[])?))
    });
    stage("scenarios on a real cluster", &mut || {
        if args.no_cluster {
            return Ok(Outcome::Skipped("--no-cluster was given".into()));
        }
        real_cluster()
    });
    summary(&stages)
}

fn cargo(args: &[&str]) -> Result<Outcome> {
    let status = Command::new(env!("CARGO"))
        .args(args)
        .current_dir(root())
        .status()
        .with_context(|| format!("failed to run cargo {}", args.join(" ")))?;
    Ok(if status.success() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("cargo {} failed", args.join(" ")))
    })
}

/// They stand in workspaces of their own, which nothing else builds. To run them takes the nightly toolchain; that they
/// build is checked with ours.
fn fuzz_targets() -> Result<Outcome> {
    let (mut failed, mut missing) = (Vec::new(), Vec::new());
    for folder in fuzz_folders()? {
        let name = folder
            .strip_prefix(root())
            .unwrap_or(&folder)
            .display()
            .to_string();
        // Without a network what is not at hand cannot be had, and is no fault of the targets.
        if !cargo_in(&folder, &["fetch"])? {
            missing.push(name);
        } else if !cargo_in(&folder, &["check", "--bins"])? {
            failed.push(name);
        }
    }
    Ok(match (failed.is_empty(), missing.is_empty()) {
        (false, _) => Outcome::Failed(format!("the targets of {} do not build", failed.join(", "))),
        (true, false) => Outcome::Skipped(format!(
            "what {} depends on could not be fetched",
            missing.join(", ")
        )),
        (true, true) => Outcome::Passed,
    })
}

/// Runs cargo in a workspace of its own; all of them share a folder for what is built.
fn cargo_in(folder: &Path, args: &[&str]) -> Result<bool> {
    let status = Command::new(env!("CARGO"))
        .args(args)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", root().join("target/fuzz"))
        // Nothing is linked, so the fuzzer's own library need not be compiled.
        .env("CUSTOM_LIBFUZZER_PATH", "/nowhere/libfuzzer.a")
        .status()
        .with_context(|| format!("failed to run cargo {}", args.join(" ")))?;
    Ok(status.success())
}

fn fuzz_folders() -> Result<Vec<PathBuf>> {
    let crates = std::fs::read_dir(root().join("crates")).context("failed to list the crates")?;
    let mut folders: Vec<PathBuf> = crates
        .filter_map(|it| Some(it.ok()?.path().join("fuzz")))
        .filter(|it| it.join("Cargo.toml").is_file())
        .collect();
    folders.sort();
    Ok(folders)
}

/// `cargo fmt` does not see modules that a macro declares, as `family!` does.
fn causes_are_formatted() -> Result<Outcome> {
    let files = tidy::sources(&root().join("crates/sonde-diagnose/src/causes"))?;
    let status = Command::new("rustfmt")
        .args(["--check", "--edition", "2024"])
        .args(&files)
        .current_dir(root())
        .status()
        .context("failed to run rustfmt")?;
    Ok(if status.success() {
        Outcome::Passed
    } else {
        Outcome::Failed("run rustfmt --edition 2024 crates/sonde-diagnose/src/causes/*/*.rs".to_owned())
    })
}

fn summary(stages: &[(&str, Outcome)]) -> Result<()> {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, outcome) in stages {
        match outcome {
            Outcome::Passed => {
                passed += 1;
                println!("passed   {name}");
            }
            Outcome::Failed(why) => {
                failed += 1;
                println!("failed   {name}: {why}");
            }
            Outcome::Skipped(why) => {
                skipped += 1;
                println!("skipped  {name}: {why}");
            }
        }
    }
    println!("stages: {passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 {
        bail!("{failed} stages failed");
    }
    Ok(())
}

/// The fast scenarios on every Kubernetes minor that the repository knows. A machine that cannot run a cluster says why.
fn real_cluster() -> Result<Outcome> {
    let mut failures = Vec::new();
    for release in cluster::Release::ALL {
        match fast_scenarios(*release) {
            Ok(outcome) if outcome.failed == 0 => {}
            Ok(outcome) => failures.push(format!("{} of Kubernetes {release}", outcome.failed)),
            Err(error) => match error.downcast_ref::<cluster::Unfit>() {
                Some(unfit) => return Ok(Outcome::Skipped(unfit.to_string())),
                None => failures.push(format!("Kubernetes {release}: {error:#}")),
            },
        }
    }
    Ok(if failures.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(failures.join("; "))
    })
}

/// Starts a cluster unless it runs already, asks the fast scenarios, and ends what it started.
fn fast_scenarios(release: cluster::Release) -> Result<scenarios::Outcome> {
    let plan = cluster::Plan::new(release)?;
    let ran_before = cluster::is_running(&plan);
    cluster::up(&plan)?;
    let outcome = scenarios::run_fast(&plan);
    if !ran_before {
        cluster::down(&plan)?;
    }
    outcome
}

fn judged(outcome: &scenarios::Outcome) -> Outcome {
    println!("{} passed, {} failed", outcome.passed, outcome.failed);
    if outcome.failed > 0 {
        Outcome::Failed(format!(
            "{} of {}",
            outcome.failed,
            outcome.passed + outcome.failed
        ))
    } else {
        Outcome::Passed
    }
}
