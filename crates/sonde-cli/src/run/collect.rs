//! `sonde collect`: writes a redacted bundle.

use anyhow::anyhow;
use sonde_collect::{CollectError, bundle};
use sonde_diagnose::{Gap, Scope};

use super::gather::{live, with_hints};
use super::progress::Progress;
use super::{PARTLY_DONE, rounds, scope};
use crate::failure::{Failure, Outcome};
use crate::request::Collect;

/// Names of archives of other formats.
const OTHER_ARCHIVES: &[&str] = &[".zip", ".tgz", ".gz", ".tar", ".bz2", ".xz", ".7z"];

/// Collects and writes; returns the exit code.
pub(super) fn run(request: &Collect) -> Outcome<u8> {
    if request.output.is_dir() {
        return Err(
            Failure::new(anyhow!("{} is a folder", request.output.display())).hint(format!(
                "name a file, such as {}",
                request.output.join("case.tar.zst").display()
            )),
        );
    }
    let name = request.output.to_string_lossy().to_ascii_lowercase();
    if OTHER_ARCHIVES.iter().any(|end| name.ends_with(end)) {
        return Err(Failure::new(anyhow!(
            "a bundle is a .tar.zst, and {} is not",
            request.output.display()
        ))
        .hint("name the file .tar.zst: what opens archives goes by the name"));
    }
    if request.output.exists() && !request.force {
        return Err(
            Failure::new(anyhow!("{} is there already", request.output.display()))
                .hint("choose another name, or replace it with --force"),
        );
    }
    let progress = Progress::start("connecting");
    let mut source = live(&request.connection, &request.target, true, &progress)?;
    let snapshot = source.gathered.world.snapshot();
    let namespace = source.usual_namespace();
    let scope = scope::resolve(&request.target, &snapshot, namespace.as_deref())?;
    if let Scope::Objects(asked) = &scope {
        source.gathered.asked = asked.iter().cloned().collect();
    }
    // What a diagnosis wants now is what it will want offline.
    let report = rounds::answer(&mut source, &scope, &progress);
    progress.now("writing");
    bundle::write(&source.gathered, &request.output)
        .map_err(|error: CollectError| with_hints(error.hints(), error.into()))?;
    drop(progress);
    let findings = match report.findings.len() {
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    };
    let objects: usize = report.scanned.objects.values().sum();
    eprintln!(
        "wrote {}: {objects} objects, {} lines of logs, {findings}",
        request.output.display(),
        report.scanned.lines
    );
    let missed: Vec<&Gap> = source
        .gathered
        .gaps
        .iter()
        .filter(|gap| !gap.only_if_wanted)
        .collect();
    for Gap { spot, .. } in &missed {
        eprintln!("not collected: {}: {}", spot.what, spot.why);
    }
    Ok(if missed.is_empty() {
        super::NOTHING_FOUND
    } else {
        PARTLY_DONE
    })
}
