//! Asks, fetches what the engine wants, and asks again.

use std::collections::BTreeSet;

use sonde_diagnose::{Scope, Want, diagnose};
use sonde_model::Report;

use super::gather::Source;
use super::progress::Progress;

/// Rounds of fetching: the first brings what the symptoms want, the second what those answers raise.
const ROUNDS_MAX: usize = 3;

/// Answers a question; a want is asked for once.
pub(super) fn answer(source: &mut Source, scope: &Scope, progress: &Progress) -> Report {
    let mut asked: BTreeSet<Want> = BTreeSet::new();
    let mut round = 0;
    loop {
        progress.now("diagnosing");
        let answer = diagnose(&source.gathered.question(scope.clone()));
        let new: Vec<Want> = answer
            .wants
            .into_iter()
            .filter(|want| !asked.contains(want))
            .collect();
        if new.is_empty() || round == ROUNDS_MAX {
            return answer.report;
        }
        progress.now("fetching what would decide");
        if !source.fetch(&new, progress) {
            return answer.report;
        }
        asked.extend(new);
        round += 1;
    }
}
