//! `cargo xtask bench`: the figures of `docs/BENCHMARKS.md`, measured anew on this machine.

mod agent;
mod dumps;
mod measure;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::root;
pub(crate) use agent::{INTERNAL, LoadArgs, run_load};
use measure::Figure;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What is measured
    #[arg(value_name = "WHAT", default_value = "diagnose")]
    what: What,
    /// How often each figure is measured; the median is shown
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Measure this binary instead of building one
    #[arg(long)]
    sonde: Option<PathBuf>,
    /// How long a soak takes
    #[arg(long, default_value_t = 30)]
    minutes: u64,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Diagnosing dumps: time and memory
    Diagnose,
    /// What the agent costs the processes that it watches; takes root
    Agent,
    /// What the agent's memory does while processes come and go; takes root
    Soak,
}

/// Generates the dumps, measures, and prints a table that can be pasted into `docs/BENCHMARKS.md`.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.rounds < 5 {
        bail!("a median of fewer than 5 rounds says nothing; use --rounds 5 or more");
    }
    match args.what {
        What::Agent => return agent::run(&agent::What::Cost(args.rounds.max(8)), args.sonde.clone()),
        What::Soak => return agent::run(&agent::What::Soak(args.minutes), args.sonde.clone()),
        What::Diagnose => {}
    }
    let sonde = args.sonde.clone().map_or_else(|| build(&[]), Ok)?;
    let folder = std::env::temp_dir().join(format!("sonde-bench-{}", std::process::id()));
    let dumps = dumps::write(&folder)?;
    let figures = measure_all(&sonde, &dumps, args.rounds);
    std::fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    println!("| what | median | least | most | target |\n|---|---:|---:|---:|---:|");
    for figure in figures? {
        println!("{}", figure.row());
    }
    Ok(())
}

fn measure_all(sonde: &std::path::Path, dumps: &dumps::Dumps, rounds: usize) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    // Interleaved, so that a busy moment of the machine falls on all of them alike.
    let (mut json, mut yaml, mut compact) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let (a, b, c) = (
            measure::wall_ms(sonde, &dumps.json)?,
            measure::wall_ms(sonde, &dumps.yaml)?,
            measure::wall_ms(sonde, &dumps.json_without_managed_fields)?,
        );
        // The first round warms the page cache.
        if round > 0 {
            json.push(a);
            yaml.push(b);
            compact.push(c);
        }
    }
    let text = format!(
        "1,000 pods as JSON ({:.1} MB), start to text",
        dumps.json_bytes as f64 / 1e6
    );
    figures.push(Figure::new(text, "ms", "≤ 100", json));
    figures.push(Figure::new(
        "the same without managedFields".into(),
        "ms",
        "≤ 100",
        compact,
    ));
    let text = format!(
        "1,000 pods as YAML ({:.1} MB), start to text",
        dumps.yaml_bytes as f64 / 1e6
    );
    figures.push(Figure::new(text, "ms", "≤ 400", yaml));
    let mut memory = Vec::new();
    for _ in 0..rounds {
        memory.push(measure::peak_rss_bytes(sonde, &dumps.large)? as f64 / dumps.large_bytes as f64);
    }
    let text = format!(
        "20,000 pods ({:.0} MB), peak memory to dump",
        dumps.large_bytes as f64 / 1e6
    );
    figures.push(Figure::new(text, "times", "≤ 3", memory));
    figures.extend(measure::engine(&dumps.json, rounds)?);
    Ok(figures)
}

/// The release binary, with more of it turned on by `more`.
fn build(more: &[&str]) -> Result<PathBuf> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--package", "sonde-cli"])
        .args(more)
        .current_dir(root())
        .status()
        .context("failed to start cargo")?;
    if !status.success() {
        bail!("sonde does not build");
    }
    Ok(target().join("release/sonde"))
}

/// Where cargo builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into)
}
