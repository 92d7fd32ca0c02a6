//! Captured clusters as tests that need no cluster: each is judged by its scenario's own expectations, and so is what
//! a person would paste of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use sonde_model::Report;

use crate::root;
use crate::scenarios::{self, Outcome, Pasted, Scenario};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Judge only fixtures whose path contains one of these words
    filter: Vec<String>,
    /// Judge pasted descriptions and logs instead of the captures
    #[arg(long)]
    pasted: bool,
}

/// Runs `cargo xtask fixtures`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let outcome = if args.pasted {
        judge_pasted(&args.filter)?
    } else {
        judge_all(&args.filter)?
    };
    println!(
        "{} passed, {} failed, {} skipped",
        outcome.passed, outcome.failed, outcome.skipped
    );
    if outcome.failed > 0 {
        bail!("{} fixtures failed", outcome.failed);
    }
    Ok(())
}

/// Judges every captured folder: the expected findings and no other alarm.
pub(crate) fn judge_all(filter: &[String]) -> Result<Outcome> {
    let sonde = scenarios::sonde_program(None)?;
    let mut outcome = Outcome::default();
    for (path, scenario) in captured("fixtures", filter)? {
        // A capture holds the whole cluster's nodes and namespaces too; the question is the scenario's own.
        let mut question = Command::new(&sonde);
        question
            .arg("diagnose")
            .args(scenario.question(&scenario.name))
            .args(["-o", "json", "--from"])
            .arg(&path);
        let report = ask(&mut question, None)?;
        record(
            &mut outcome,
            &path,
            scenarios::judge(&scenario, &scenario.name, &report).map(drop),
        );
    }
    Ok(outcome)
}

/// Judges pasted text: the expected cause is found; verdicts may be lower than with the objects. A cause that is not
/// there must not be found. What text alone cannot tell is named, with the reason, in the scenario's file.
pub(crate) fn judge_pasted(filter: &[String]) -> Result<Outcome> {
    let sonde = scenarios::sonde_program(None)?;
    let mut outcome = Outcome::default();
    // Known misses by scenario, and whether any text of it was indeed missed.
    let mut known: BTreeMap<String, (String, bool)> = BTreeMap::new();
    let (mut told, mut asked) = (0, 0);
    for (path, scenario) in captured("fixtures/pasted", filter)? {
        let text = std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
        // Where nothing was made there is nothing to describe.
        if text.is_empty() {
            outcome.skipped += 1;
            continue;
        }
        let report = ask(
            Command::new(&sonde).args(["diagnose", "-o", "json", "-f", "-"]),
            Some(text),
        )?;
        let judgment = scenarios::judge_paste(&scenario, &report);
        if !scenario.expect.is_empty() {
            asked += 1;
            told += usize::from(matches!(judgment, Ok(Pasted::Told)));
        }
        if let Some(paste) = scenario.paste {
            let (_, missed) = known.entry(scenario.name).or_insert((paste.misses, false));
            *missed |= !matches!(judgment, Ok(Pasted::Told));
        }
        record(&mut outcome, &path, judgment.map(drop));
    }
    for (name, (why, missed)) in known {
        if missed {
            println!("known {name}: {why}");
        } else if filter.is_empty() {
            outcome.failed += 1;
            println!("FAIL  {name}\n        pasted text tells the cause: remove `paste` from the scenario");
        }
    }
    println!("pasted text tells the cause in {told} of {asked}");
    if told * 10 < asked * 9 {
        outcome.failed += 1;
        println!("FAIL  fewer than nine in ten");
    }
    Ok(outcome)
}

fn record(outcome: &mut Outcome, path: &Path, judgment: Result<()>) {
    let name = path.strip_prefix(root()).unwrap_or(path).display();
    match judgment {
        Ok(()) => outcome.passed += 1,
        Err(error) => {
            outcome.failed += 1;
            println!(
                "FAIL  {name}\n        {}",
                format!("{error:#}").replace('\n', "\n        ")
            );
        }
    }
}

/// The captures below a folder, `<minor>/<scenario>`, with their scenarios, in order.
fn captured(folder: &str, filter: &[String]) -> Result<Vec<(PathBuf, Scenario)>> {
    let mut out = Vec::new();
    for minor in entries(&root().join(folder))? {
        let is_minor = minor
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("1."));
        if !is_minor {
            continue;
        }
        for path in entries(&minor)? {
            let shown = path.display().to_string();
            if filter.is_empty() || filter.iter().any(|word| shown.contains(word.as_str())) {
                let name = path
                    .file_stem()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default();
                out.push((path, scenarios::load_named(&name)?));
            }
        }
    }
    Ok(out)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut paths = std::fs::read_dir(folder)
        .with_context(|| format!("failed to list {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .with_context(|| format!("failed to list {}", folder.display()))?;
    paths.sort();
    Ok(paths)
}

/// Runs sonde and reads its report; exit codes 0, 1 and 3 all come with one.
fn ask(command: &mut Command, input: Option<Vec<u8>>) -> Result<Report> {
    use std::io::Write as _;
    let mut child = command
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("failed to start sonde")?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        stdin.write_all(&input).context("failed to paste")?;
    }
    let output = child.wait_with_output().context("failed to wait for sonde")?;
    if !matches!(output.status.code(), Some(0 | 1 | 3)) {
        bail!(
            "sonde ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    serde_json::from_slice(&output.stdout).context("failed to read sonde's report")
}
