//! Asks, fetches what the engine wants, and asks again.

use std::collections::BTreeSet;

use sonde_diagnose::{Gap, Scope, Want, diagnose};
use sonde_model::{BlindSpot, Report};

use super::gather::Source;
use super::progress::Progress;

/// Rounds of fetching: what the symptoms want, then what those answers raise, each with room for as many logs as one
/// round fetches.
const ROUNDS_MAX: usize = 4;

/// Answers a question; a want is asked for once.
pub(super) fn answer(source: &mut Source, scope: &Scope, progress: &Progress) -> Report {
    let mut asked: BTreeSet<Want> = BTreeSet::new();
    let mut round = 0;
    loop {
        round += 1;
        progress.now("diagnosing");
        let answer = diagnose(&source.gathered.question(scope.clone()));
        let new: Vec<Want> = answer
            .wants
            .into_iter()
            .filter(|want| !asked.contains(want))
            .collect();
        if new.is_empty() || round > ROUNDS_MAX {
            return answer.report;
        }
        progress.now("fetching what would decide");
        let fetched = source.fetch(&new, progress);
        if !fetched.tried {
            return answer.report;
        }
        asked.extend(new.into_iter().filter(|want| !fetched.left_out.contains(want)));
        if round == ROUNDS_MAX {
            source.gathered.gaps.extend(fetched.left_out.iter().map(too_many));
        }
    }
}

fn too_many(want: &Want) -> Gap {
    let spot = BlindSpot {
        what: want.describe(),
        why: "too many logs are wanted at once; ask about fewer objects".to_owned(),
        forbids: Vec::new(),
    };
    Gap::new(spot, [want.clone()])
}
