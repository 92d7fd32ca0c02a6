//! What the causes of failed Jobs have in common.

use sonde_model::{Kind, Risk};
use sonde_world::view::{Condition, Job};

use crate::{Case, Facts};

/// The Job, where it failed with this reason, and the condition that says so.
pub(super) fn failed(facts: &Facts<'_>, reason: &str) -> Option<(Job, Condition)> {
    let subject = &facts.episode.subject;
    let job = facts
        .snapshot
        .view::<Job>(subject)
        .filter(|_| subject.kind == Kind::Job)?;
    let failed = job
        .status
        .conditions
        .iter()
        .find(|it| it.kind == "Failed" && it.is_true())?
        .clone();
    (failed.reason == reason).then_some((job, failed))
}

/// States the case: the bound in `field` with what it means, how often it failed, and that it was given up.
pub(super) fn gave_up(
    facts: &Facts<'_>,
    case: &mut Case,
    (job, failed): (Job, Condition),
    rule: (&str, String, String),
) {
    let (field, bound, meaning) = rule;
    let subject = &facts.episode.subject;
    let seen = facts.field(
        "status.conditions[Failed]",
        format!("{}: {}", failed.reason, failed.message),
    );
    // Its pods, where they are still there, say more.
    case.generally_proven_by(seen.clone());
    case.step(meaning, [facts.field(field, bound)]);
    case.step(
        format!(
            "{} of its pods failed, {} succeeded",
            job.status.failed, job.status.succeeded
        ),
        [facts.field("status.failed", job.status.failed)],
    );
    case.step("the control plane gave it up", [seen]);
    case.look(
        "the logs of its pods, if they are still there",
        format!(
            "kubectl logs -l job-name={} -n {} --tail=50",
            subject.name, subject.namespace
        ),
    );
    case.advice(
        "mend the cause, then delete the Job and create it anew: a Job that failed is not tried again",
        Risk::None,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::Scene;

    fn job(reason: &str, kind: &str) -> Value {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "report", "namespace": "shop"},
            "spec": {"backoffLimit": 5, "activeDeadlineSeconds": 5},
            "status": {"failed": 6, "conditions": [{"type": kind, "status": "True", "reason": reason, "message": "m"}]}})
    }

    #[test]
    fn each_reason_is_its_own_cause() {
        for (reason, code) in [
            ("BackoffLimitExceeded", "ROL-JOB-BACKOFF"),
            ("DeadlineExceeded", "ROL-JOB-DEADLINE"),
        ] {
            let outcome = Scene::new().object(job(reason, "Failed")).diagnose();
            assert!(outcome.finds_only(code, Verdict::Proven).headline.contains('5'));
        }
    }

    #[test]
    fn another_reason_is_unknown_and_not_guessed() {
        let outcome = Scene::new().object(job("SomethingNew", "Failed")).diagnose();
        outcome
            .lacks("ROL-JOB-BACKOFF")
            .lacks("ROL-JOB-DEADLINE")
            .finding("ROL-JOB-UNKNOWN");
    }

    #[test]
    fn silent_on_a_job_that_is_done() {
        Scene::new()
            .object(job("CompletionsReached", "Complete"))
            .diagnose()
            .is_calm();
    }
}
