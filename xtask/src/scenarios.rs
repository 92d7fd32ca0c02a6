//! Faults made on a real cluster, and what Sonde must find there, and nothing else. One file each under `scenarios/`.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

mod condition;
mod dump;
mod file;
mod judge;
mod stage;

pub(crate) use file::{Scenario, load_all, load_named};
pub(crate) use judge::{Pasted, judge, judge_paste};
pub(crate) use stage::{Naming, Stage, Way};

use crate::cluster::{self, Plan, Release};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only scenarios whose name or family contains one of these words
    filter: Vec<String>,
    /// Kubernetes minor version; its cluster is started if it does not run
    #[arg(long, value_enum, default_value_t)]
    kubernetes: Release,
    /// How many scenarios run at once
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Run only the scenarios that are marked as fast
    #[arg(long)]
    fast: bool,
    /// Leave the namespaces as they are afterwards
    #[arg(long)]
    keep: bool,
    /// Bring about the faults, wait for their states, but do not ask Sonde
    #[arg(long)]
    only_apply: bool,
    /// Ask about a dump taken with kubectl instead of the live cluster; the dumps stay in the cluster's folder
    #[arg(long)]
    from_dump: bool,
    /// The sonde program to ask; built from this repository if not given
    #[arg(long)]
    sonde: Option<PathBuf>,
    /// List the scenarios and end
    #[arg(long)]
    list: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

/// Runs `cargo xtask scenarios`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let scenarios = select(&file::load_all()?, args);
    if args.list {
        for scenario in &scenarios {
            println!(
                "{:<4} {:<40} {}",
                scenario.family, scenario.name, scenario.description
            );
        }
        println!("{} scenarios", scenarios.len());
        return Ok(());
    }
    if scenarios.is_empty() {
        bail!("no scenario fits {}", args.filter.join(" "));
    }
    let plan = Plan::new(args.kubernetes)?;
    cluster::up(&plan)?;
    let sonde = if args.only_apply {
        PathBuf::new()
    } else {
        sonde_program(args.sonde.clone())?
    };
    let options = Options {
        way: if args.from_dump { Way::Dump } else { Way::Live },
        keep: args.keep,
        only_apply: args.only_apply,
    };
    let outcome = run_all(&plan, &sonde, &scenarios, args.jobs, options);
    println!(
        "{} passed, {} failed, {} skipped",
        outcome.passed, outcome.failed, outcome.skipped
    );
    if outcome.failed > 0 {
        bail!("{} scenarios failed", outcome.failed);
    }
    Ok(())
}

/// Runs the scenarios that are marked as fast on a cluster that is up.
pub(crate) fn run_fast(plan: &Plan) -> Result<Outcome> {
    let fast: Vec<Scenario> = file::load_all()?
        .into_iter()
        .filter(|scenario| scenario.fast)
        .collect();
    let sonde = sonde_program(None)?;
    let options = Options {
        way: Way::Live,
        keep: false,
        only_apply: false,
    };
    Ok(run_all(plan, &sonde, &fast, 4, options))
}

/// Builds the program under test, unless one is named.
pub(crate) fn sonde_program(named: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(path) = named {
        return std::path::absolute(path).context("the sonde program has no usable path");
    }
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "sonde-cli"])
        .current_dir(cluster::repository())
        .status()
        .context("failed to start cargo")?;
    if !status.success() {
        bail!("sonde does not build");
    }
    // This program lies beside the one that was just built.
    let own = std::env::current_exe().context("failed to find this program's own path")?;
    Ok(own.with_file_name("sonde"))
}

#[derive(Clone, Copy)]
struct Options {
    way: Way,
    keep: bool,
    only_apply: bool,
}

fn select(all: &[Scenario], args: &Args) -> Vec<Scenario> {
    let fits = |scenario: &&Scenario| {
        // The name of a family means the family, also where other names contain it.
        let is_family = |word: &str| all.iter().any(|other| other.family.eq_ignore_ascii_case(word));
        let named = |word: &String| match is_family(word) {
            true => scenario.family.eq_ignore_ascii_case(word),
            false => scenario.name.contains(word.as_str()),
        };
        (args.filter.is_empty() || args.filter.iter().any(named)) && (!args.fast || scenario.fast)
    };
    all.iter().filter(fits).cloned().collect()
}

/// Scenarios that leave others alone run side by side; those that stop a node or the like run alone afterwards.
fn run_all(
    plan: &Plan,
    sonde: &std::path::Path,
    scenarios: &[Scenario],
    jobs: usize,
    options: Options,
) -> Outcome {
    let outcome = Mutex::new(Outcome::default());
    let (alone, together): (Vec<&Scenario>, Vec<&Scenario>) =
        scenarios.iter().partition(|scenario| scenario.exclusive);
    for (group, jobs) in [(together, jobs.max(1)), (alone, 1)] {
        let queue = Mutex::new(VecDeque::from(group));
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    // The lock is released before the scenario runs.
                    while let Some(scenario) = next(&queue) {
                        let result = run_one(plan, sonde, scenario, options);
                        count(&outcome, &result);
                        print(scenario, &result);
                    }
                });
            }
        });
    }
    outcome
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn next<'a>(queue: &Mutex<VecDeque<&'a Scenario>>) -> Option<&'a Scenario> {
    queue
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .pop_front()
}

/// What became of one scenario.
enum Ending {
    Passed { took: Duration, found: Vec<String> },
    Failed { took: Duration, why: String },
    Skipped { why: String },
}

fn run_one(plan: &Plan, sonde: &std::path::Path, scenario: &Scenario, options: Options) -> Ending {
    if let Some(why) = scenario.unfit_for(plan.release.minor()) {
        return Ending::Skipped { why };
    }
    let start = Instant::now();
    let result = try_one(plan, sonde, scenario, options);
    let took = start.elapsed();
    match result {
        Ok(found) => Ending::Passed { took, found },
        Err(error) => Ending::Failed {
            took,
            why: format!("{error:#}"),
        },
    }
}

fn try_one(
    plan: &Plan,
    sonde: &std::path::Path,
    scenario: &Scenario,
    options: Options,
) -> Result<Vec<String>> {
    let mut stage = Stage::new(plan, scenario, Naming::Unique)?;
    if options.keep {
        stage.keep();
    }
    stage.bring_about()?;
    if options.only_apply {
        return Ok(vec![format!("namespace {}", stage.namespace())]);
    }
    answer(scenario, &stage, sonde, options.way)
}

/// Asks until what is expected is found. Sonde is patient with what may just be slow, so the state to wait for is its own
/// answer. A healthy scenario has no such state: it is asked once.
pub(crate) fn answer(
    scenario: &Scenario,
    stage: &Stage<'_>,
    sonde: &std::path::Path,
    way: Way,
) -> Result<Vec<String>> {
    let patience = if scenario.expect.is_empty() {
        Duration::ZERO
    } else {
        ANSWER_PATIENCE
    };
    let until = Instant::now() + patience;
    loop {
        let report = stage.diagnose(sonde, way)?;
        match judge(scenario, stage.namespace(), &report) {
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_secs(3)),
            outcome => return outcome,
        }
    }
}

/// Longer than every patience that the faults of the scenarios meet.
const ANSWER_PATIENCE: Duration = Duration::from_secs(75);

fn count(outcome: &Mutex<Outcome>, ending: &Ending) {
    let mut outcome = outcome.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match ending {
        Ending::Passed { .. } => outcome.passed += 1,
        Ending::Failed { .. } => outcome.failed += 1,
        Ending::Skipped { .. } => outcome.skipped += 1,
    }
}

fn print(scenario: &Scenario, ending: &Ending) {
    let name = &scenario.name;
    match ending {
        Ending::Passed { took, found } => {
            let found = if found.is_empty() {
                "nothing, rightly".to_owned()
            } else {
                found.join(", ")
            };
            println!("ok    {name:<40} {:>5.1} s  {found}", took.as_secs_f64());
        }
        Ending::Failed { took, why } => {
            println!("FAIL  {name:<40} {:>5.1} s\n{}", took.as_secs_f64(), indent(why));
        }
        Ending::Skipped { why } => println!("skip  {name:<40} {why}"),
    }
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("        {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
