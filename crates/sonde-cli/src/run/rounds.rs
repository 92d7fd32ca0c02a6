//! Asks, fetches what the engine wants, and asks again.

use std::collections::BTreeSet;

use sonde_diagnose::{Question, Want, diagnose};
use sonde_model::Report;

/// Rounds of fetching. The first answers what triage wants; the second what those answers raise.
const ROUNDS_MAX: usize = 3;

/// Answers a question. `fetch` adds to the question what it can of the wants, and says whether it added anything; a want
/// is asked for once.
pub(super) fn answer(
    question: &mut Question,
    mut fetch: impl FnMut(&[Want], &mut Question) -> bool,
) -> Report {
    let mut asked: BTreeSet<Want> = BTreeSet::new();
    let mut answer = diagnose(question);
    for _ in 0..ROUNDS_MAX {
        let new: Vec<Want> = answer
            .wants
            .iter()
            .filter(|want| !asked.contains(want))
            .cloned()
            .collect();
        if new.is_empty() {
            break;
        }
        let added = fetch(&new, question);
        asked.extend(new);
        if !added {
            break;
        }
        answer = diagnose(question);
    }
    answer.report
}
