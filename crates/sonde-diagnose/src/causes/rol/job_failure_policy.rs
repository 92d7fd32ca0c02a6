//! ROL-JOB-FAILURE-POLICY: a rule of the Job's pod failure policy ended it at once.

use sonde_model::{Code, Kind};

use super::job::{failed, gave_up};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-JOB-FAILURE-POLICY"),
    title: "Job ended by its pod failure policy",
    explains: &[Symptom::JobFailed],
    reads: &[Kind::Pod],
    state,
    page: page!("ROL-JOB-FAILURE-POLICY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(found) = failed(facts, "PodFailurePolicy") else {
        return;
    };
    // The message names pod, container, exit code and rule.
    let why = found.1.message.clone();
    case.headline(format!(
        "{} was ended by its pod failure policy: {why}",
        facts.episode.subject
    ));
    gave_up(
        facts,
        case,
        found,
        (
            "spec.podFailurePolicy",
            why,
            "a rule of the Job says that such a failure ends it without another try".into(),
        ),
    );
}
