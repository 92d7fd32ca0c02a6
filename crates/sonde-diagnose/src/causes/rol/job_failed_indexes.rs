//! ROL-JOB-FAILED-INDEXES: some indexes of an indexed Job failed as often as each may.

use sonde_model::{Code, Kind};

use super::job::{failed, gave_up};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-JOB-FAILED-INDEXES"),
    title: "indexed Job with failed indexes",
    explains: &[Symptom::JobFailed],
    reads: &[Kind::Pod],
    state,
    page: page!("ROL-JOB-FAILED-INDEXES"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = failed(facts, "FailedIndexes").or_else(|| failed(facts, "MaxFailedIndexesExceeded"));
    let Some(found) = found else { return };
    let too_many = found.1.reason == "MaxFailedIndexesExceeded";
    let subject = &facts.episode.subject;
    case.headline(if too_many {
        format!("{subject} was ended because too many of its indexes failed")
    } else {
        format!("{subject} is done, and some of its indexes failed")
    });
    let text = found.1.message.clone();
    let rule = if too_many {
        "more than maxFailedIndexes of its indexes failed"
    } else {
        "each index may fail backoffLimitPerIndex times, and some did"
    };
    gave_up(facts, case, found, ("status.failedIndexes", text, rule.into()));
    case.look(
        "which indexes failed",
        format!(
            "kubectl get {} -o jsonpath={{.status.failedIndexes}}",
            subject.kubectl()
        ),
    );
}
