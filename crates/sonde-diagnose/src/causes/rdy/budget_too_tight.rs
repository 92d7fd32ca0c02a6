//! RDY-BUDGET-TOO-TIGHT: the application is up, and needed longer than its probe gives it.

use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-BUDGET-TOO-TIGHT"),
    title: "the start takes longer than the probe allows",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-BUDGET-TOO-TIGHT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else {
        return;
    };
    let Why::TooSlow {
        sure: true,
        seconds: Some(seconds),
        seen,
    } = why
    else {
        return;
    };
    let budget = failing
        .spec
        .as_ref()
        .map_or(0, |(_, probe, _)| probe.budget_seconds());
    let told = Told {
        what: format!(
            "needed {seconds} s to start, and its {} probe counts failures after {budget} s",
            crate::probing::kind_word(failing.kind)
        ),
        fault: "the configuration: the probe's delay and threshold are too tight for the start",
        reason: Some((
            format!("by its log it is up {seconds} s after its start"),
            Some(seen),
        )),
        sure: true,
        advice: "use a startup probe, or raise initialDelaySeconds and failureThreshold above the start-up time",
    };
    unready_state(facts, case, &failing, told);
    case.severity(sonde_model::Severity::Warning);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::unready::tests::scene;

    const REFUSED: &str = "Readiness probe failed: dial tcp 10.0.0.9:8080: connect: connection refused";

    #[test]
    fn found_when_the_log_shows_that_it_came_up_later() {
        let log = "2026-03-01T11:59:10Z Server listening on port 8080\n";
        let outcome = scene(json!({}), REFUSED)
            .log("shop/app-1", "app", false, log)
            .diagnose();
        outcome.finds_only("RDY-BUDGET-TOO-TIGHT", Verdict::Proven);
    }

    #[test]
    fn not_found_when_it_was_up_before_the_failure() {
        let log = "2026-03-01T11:00:20Z Server listening on port 8080\n";
        let outcome = scene(json!({}), REFUSED)
            .log("shop/app-1", "app", false, log)
            .diagnose();
        outcome
            .lacks("RDY-BUDGET-TOO-TIGHT")
            .finds_only("RDY-NOTHING-LISTENS", Verdict::Proven);
    }
}
