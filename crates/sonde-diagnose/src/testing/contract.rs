//! What every cause must show, as one row of its family's table.

use sonde_model::{Severity, Verdict};

use super::{Outcome, Scene};
use crate::Cause;

/// One cause: the scenes that try it.
#[derive(Clone, Copy)]
pub(crate) struct Contract {
    pub(crate) code: &'static str,
    /// What is concluded when everything that decides is at hand.
    pub(crate) verdict: Verdict,
    /// It is true, and nothing else is wrong.
    pub(crate) found: fn() -> Scene,
    /// The same symptom with another cause, which is named.
    pub(crate) rival: (&'static str, fn() -> Scene),
    /// It may be true; what would decide is missing.
    pub(crate) open: fn() -> Scene,
    /// Nothing is wrong, though something looks like it.
    pub(crate) healthy: fn() -> Scene,
    /// It was true and is over.
    pub(crate) over: fn() -> Scene,
}

/// Tries every row, and that every cause of the family has one. Fails once, with everything that is wrong.
pub(crate) fn keep(causes: &[&Cause], contracts: &[Contract]) {
    let mut wrong = Vec::new();
    for cause in causes {
        if !contracts.iter().any(|it| it.code == cause.code.as_str()) {
            wrong.push(format!("{} has no row", cause.code));
        }
    }
    for contract in contracts {
        let mut fails = |what: &str, outcome: &Outcome| {
            wrong.push(format!("{} {what}: {}", contract.code, outcome.summary()));
        };
        let outcome = (contract.found)().diagnose();
        // What is as it was asked for is told without an alarm.
        let info = outcome.alarms() == 0 && told(&outcome, contract.code) == Some(contract.verdict);
        if !outcome.says_only(contract.code, contract.verdict) && !info {
            fails("is not found alone", &outcome);
        }
        let (rival, scene) = contract.rival;
        let outcome = scene().diagnose();
        if told(&outcome, contract.code).is_some() {
            fails("is found although its rival is true", &outcome);
        }
        if told(&outcome, rival).is_none_or(|verdict| verdict < Verdict::Likely) {
            fails(&format!("should leave the field to {rival}"), &outcome);
        }
        let outcome = (contract.open)().diagnose();
        if told(&outcome, contract.code).is_some_and(|verdict| verdict >= contract.verdict) {
            fails("is claimed although what decides is missing", &outcome);
        }
        let silent = outcome
            .report
            .findings
            .iter()
            .any(|it| it.severity > Severity::Info && it.verdict < Verdict::Likely && it.next.is_empty());
        if silent {
            fails("is open, and nothing says where to look", &outcome);
        }
        let outcome = (contract.healthy)().diagnose();
        if outcome.alarms() > 0 {
            fails("raises an alarm on what is healthy", &outcome);
        }
        let outcome = (contract.over)().diagnose();
        if outcome.alarms() > 0 {
            fails("raises an alarm on what is over", &outcome);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The verdict with which the code is concluded about the present.
fn told(outcome: &Outcome, code: &str) -> Option<Verdict> {
    outcome
        .report
        .findings
        .iter()
        .find(|it| it.code.as_str() == code && it.ended.is_none())
        .map(|it| it.verdict)
}
