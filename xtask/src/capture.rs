//! Saves what Sonde sees of a scenario on the real cluster as a fixture: `fixtures/<minor>/<scenario>/`. Nothing of the
//! machine, and nothing of other scenarios, is kept.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cluster::{self, Plan, Release, repository};
use crate::scenarios::{self, Naming, Scenario, Stage, Way};

mod trim;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Names of scenarios
    #[arg(required = true)]
    scenarios: Vec<String>,
    /// Kubernetes minor version; its cluster is started if it does not run
    #[arg(long, value_enum, default_value_t)]
    kubernetes: Release,
    /// The sonde program that collects; built from this repository if not given
    #[arg(long)]
    sonde: Option<PathBuf>,
}

/// Runs `cargo xtask capture`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let chosen = args
        .scenarios
        .iter()
        .map(|name| scenarios::load_named(name))
        .collect::<Result<Vec<_>>>()?;
    let plan = Plan::new(args.kubernetes)?;
    cluster::up(&plan)?;
    let sonde = scenarios::sonde_program(args.sonde.clone())?;
    let mut failed = 0;
    for scenario in &chosen {
        if let Some(why) = scenario.unfit_for(args.kubernetes.minor()) {
            println!("skip  {:<40} {why}", scenario.name);
            continue;
        }
        match capture(&plan, &sonde, scenario) {
            Ok(folder) => println!("ok    {:<40} {}", scenario.name, folder.display()),
            Err(error) => {
                failed += 1;
                println!("FAIL  {:<40} {error:#}", scenario.name);
            }
        }
    }
    if failed > 0 {
        bail!("{failed} scenarios were not captured");
    }
    Ok(())
}

fn capture(plan: &Plan, sonde: &Path, scenario: &Scenario) -> Result<PathBuf> {
    let folder = repository()
        .join("fixtures")
        .join(plan.release.minor())
        .join(&scenario.name);
    let stage = Stage::new(plan, scenario, Naming::Plain)?;
    stage.bring_about()?;
    // A capture is worth its place only where what is expected is found in it.
    scenarios::answer(scenario, &stage, sonde, Way::Live)?;
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("failed to remove the old fixture")?;
    }
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).context("failed to create the folder of the fixtures")?;
    }
    let output = Command::new(sonde)
        .args(["collect", "--namespace", stage.namespace(), "--output"])
        .arg(&folder)
        .env("KUBECONFIG", plan.kubeconfig())
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to start {}", sonde.display()))?;
    // Blind spots (3) are part of a bundle.
    if !matches!(output.status.code(), Some(0 | 3)) {
        bail!(
            "sonde collect ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    trim::trim(&folder, stage.namespace())?;
    paste(plan, stage.namespace(), scenario)?;
    Ok(folder)
}

/// What a person would copy from a terminal: descriptions of what is not well, and logs.
fn paste(plan: &Plan, namespace: &str, scenario: &Scenario) -> Result<()> {
    let kubectl = |arguments: &[&str]| cluster::control::kubectl(plan, arguments);
    let mut text = kubectl(&[
        "describe",
        // Newer kubectl leaves events out where several objects are described.
        "--show-events=true",
        DESCRIBED,
        "-n",
        namespace,
    ])?;
    // Who sees pods of a node that is not well looks at the node too.
    for node in scenario.nodes() {
        text.push_str(&kubectl(&["describe", "node", node])?);
    }
    let containers = kubectl(&["get", "pods", "-n", namespace, "-o", CONTAINERS])?;
    for line in containers.lines() {
        let Some((pod, container)) = line.split_once(' ') else {
            continue;
        };
        for flag in ["--previous=true", "--previous=false"] {
            // A container that never ran has no log, and its error is not part of what a person copies.
            if let Ok(log) = kubectl(&[
                "logs",
                pod,
                "-n",
                namespace,
                "-c",
                container,
                "--prefix",
                "--tail=50",
                flag,
            ]) {
                text.push_str(&log);
            }
        }
    }
    let folder = repository().join("fixtures/pasted").join(plan.release.minor());
    std::fs::create_dir_all(&folder).context("failed to create the folder of pasted texts")?;
    std::fs::write(
        folder.join(format!("{}.txt", scenario.name)),
        trim::described(&text),
    )
    .context("failed to write the pasted text")
}

const DESCRIBED: &str = "pods,replicasets,deployments,statefulsets,daemonsets,jobs,cronjobs,persistentvolumeclaims,\
    horizontalpodautoscalers,poddisruptionbudgets,services";

/// A line for each container: its pod and its name.
const CONTAINERS: &str = "go-template={{range .items}}{{$pod := .metadata.name}}\
    {{range .spec.initContainers}}{{$pod}} {{.name}}{{\"\\n\"}}{{end}}\
    {{range .spec.containers}}{{$pod}} {{.name}}{{\"\\n\"}}{{end}}{{end}}";
