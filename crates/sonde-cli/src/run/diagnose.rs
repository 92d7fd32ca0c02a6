//! `sonde diagnose`: reads, asks, fetches what is wanted, asks again, renders.

use sonde_diagnose::{Gap, Scope};
use sonde_model::{Report, Severity};

use super::gather::gather;
use super::progress::Progress;
use super::{print, rounds, scope};
use crate::failure::Outcome;
use crate::render::{self, View};
use crate::request::Diagnose;

/// Findings at or above `--fail-on`.
const FOUND: u8 = 1;

/// Makes the diagnosis and writes the report; returns the exit code.
pub(super) fn run(request: &Diagnose) -> Outcome<u8> {
    let progress = Progress::start("reading");
    let mut source = gather(request, &progress)?;
    let snapshot = source.gathered.world.snapshot();
    let namespace = source.usual_namespace();
    let asked = &source.gathered.asked;
    let scope = if request.target.is_everything() && !asked.is_empty() {
        // A bundle about a few objects has others only for what they tell of these.
        Scope::Objects(asked.iter().cloned().collect())
    } else {
        scope::resolve(&request.target, &snapshot, namespace.as_deref())?
    };
    drop(snapshot);
    source
        .gathered
        .gaps
        .extend(scope::unexamined(&request.target).into_iter().map(Gap::from));
    let report = rounds::answer(&mut source, &scope, &progress);
    drop(progress);
    let partly =
        !report.blind_spots.is_empty() || !report.problems.is_empty() || render::strange_text(&report);
    let view = View {
        asked: request.target.words(namespace.as_deref()),
        ..request.view.clone()
    };
    print(&render::render(&report, request.format, &view)?)?;
    Ok(code(&report, request.fail_on, partly))
}

/// Findings take precedence: who asks whether something is wrong has the answer, whatever else was not seen.
fn code(report: &Report, fail_on: Severity, partly: bool) -> u8 {
    if report.findings.iter().any(|finding| finding.severity >= fail_on) {
        FOUND
    } else if partly {
        super::PARTLY_DONE
    } else {
        super::NOTHING_FOUND
    }
}
