//! `cargo xtask`: the only entry to the chores of this repository. One module per command.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod agent;
mod bench;
mod capture;
mod cluster;
mod daemonset;
mod dist;
mod fixtures;
mod packages;
mod scenarios;
mod services;
mod test;
mod tidy;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chores of the Sonde repository")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start, stop and look at a real Kubernetes cluster on this machine
    Cluster(cluster::Args),
    /// Make faults on a real cluster and check what Sonde finds
    Scenarios(scenarios::Args),
    /// Save scenarios of a real cluster as fixtures
    Capture(capture::Args),
    /// Judge captured clusters, or what a person would paste of them, without a cluster
    Fixtures(fixtures::Args),
    /// Provide the servers and clients of the protocol tests
    Services,
    /// Run every check and every test that this machine can run
    Test(test::Args),
    /// Measure the figures of docs/BENCHMARKS.md
    Bench(bench::Args),
    /// Build the release binary with the agent inside
    Dist(dist::Args),
    /// Put the agent on a real cluster, and check what it sees and that it asks the API server for nothing
    Daemonset(daemonset::Args),
    /// Check arrows, purity, manifests, file sizes and pages
    Tidy,
    /// Processes that a cluster starts from this same program
    #[command(hide = true, name = cluster::INTERNAL)]
    Internal(cluster::InternalArgs),
    /// Loads that a benchmark starts from this same program
    #[command(hide = true, name = bench::INTERNAL)]
    Load(bench::LoadArgs),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Cluster(args) => cluster::run(&args),
        Command::Scenarios(args) => scenarios::run(&args),
        Command::Capture(args) => capture::run(&args),
        Command::Fixtures(args) => fixtures::run(&args),
        Command::Services => services::provide(),
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Dist(args) => dist::run(&args),
        Command::Daemonset(args) => daemonset::run(&args),
        Command::Tidy => tidy::run(),
        Command::Internal(args) => cluster::run_internal(&args),
        Command::Load(args) => bench::run_load(&args),
    }
}

/// The repository's folder.
fn root() -> std::path::PathBuf {
    cluster::repository()
}
