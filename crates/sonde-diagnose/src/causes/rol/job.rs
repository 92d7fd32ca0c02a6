//! What the causes of failed Jobs have in common.

use sonde_grammar::Fact;
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

/// States the case from a controller's event alone, where the Job itself is not at hand; false where there is none.
pub(super) fn told(facts: &Facts<'_>, case: &mut Case, fact: &Fact, headline: &str) -> bool {
    if facts.snapshot.get(&facts.episode.subject).is_some() {
        return false;
    }
    // A pod's own deadline reads alike.
    let is_it = |text: &str| text.contains("Job ");
    let mut messages = facts.all_messages();
    let Some(message) = messages.find(|it| it.facts.contains(fact) && is_it(&it.seen.text)) else {
        return false;
    };
    case.generally_proven_by(message.seen());
    case.step("the control plane gave the Job up", [message.seen()]);
    case.headline(headline);
    case.advice(
        "look at the logs of its pods; mend the cause, then delete the Job and create it anew",
        Risk::None,
    );
    true
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

    #[test]
    fn an_event_alone_tells_it() {
        for (line, code) in [
            (
                "Job was active longer than specified deadline",
                "ROL-JOB-DEADLINE",
            ),
            ("Job has reached the specified backoff limit", "ROL-JOB-BACKOFF"),
        ] {
            let outcome = Scene::new().loose(line).diagnose();
            outcome.finds_only(code, Verdict::Proven);
        }
        // A pod's own deadline is no Job's.
        Scene::new()
            .loose("Pod was active on the node longer than the specified deadline")
            .diagnose()
            .lacks("ROL-JOB-DEADLINE");
    }
}
