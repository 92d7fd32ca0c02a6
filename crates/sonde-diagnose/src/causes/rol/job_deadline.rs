//! ROL-JOB-DEADLINE: a Job took longer than it may.

use sonde_grammar::Fact;
use sonde_grammar::fact::WorkloadFact;
use sonde_model::{Code, Kind};

use super::job::{failed, gave_up, told};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-JOB-DEADLINE"),
    title: "Job reached its deadline",
    explains: &[Symptom::JobFailed],
    reads: &[Kind::Pod],
    state,
    page: page!("ROL-JOB-DEADLINE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if told(
        facts,
        case,
        &Fact::Workload(WorkloadFact::JobDeadline),
        "a Job took longer than its deadline",
    ) {
        return;
    }
    let Some(found) = failed(facts, "DeadlineExceeded") else {
        return;
    };
    let limit = found.0.spec.active_deadline_seconds.unwrap_or(0);
    case.headline(format!(
        "{} took longer than its deadline of {limit}s",
        facts.episode.subject
    ));
    gave_up(
        facts,
        case,
        found,
        (
            "spec.activeDeadlineSeconds",
            limit.to_string(),
            format!("the Job may take {limit}s"),
        ),
    );
}
