//! ROL-JOB-BACKOFF: a Job has failed as often as it may.

use crate::wording::count;
use sonde_grammar::Fact;
use sonde_grammar::fact::WorkloadFact;
use sonde_model::{Code, Kind};

use super::job::{failed, gave_up, told};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-JOB-BACKOFF"),
    title: "Job reached its back-off limit",
    explains: &[Symptom::JobFailed],
    reads: &[Kind::Pod],
    state,
    page: page!("ROL-JOB-BACKOFF"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if told(
        facts,
        case,
        &Fact::Workload(WorkloadFact::BackoffLimit),
        "a Job failed as often as it may",
    ) {
        return;
    }
    let Some(found) = failed(facts, "BackoffLimitExceeded") else {
        return;
    };
    let limit = found.0.spec.backoff_limit.unwrap_or(6);
    let failed = found.0.status.failed;
    case.headline(format!(
        "{} failed as often as it may ({failed} failed, backoffLimit {limit}) and is not tried again",
        facts.episode.subject
    ));
    gave_up(
        facts,
        case,
        found,
        (
            "spec.backoffLimit",
            limit.to_string(),
            format!("the Job may fail {}", count(limit, "time")),
        ),
    );
}
