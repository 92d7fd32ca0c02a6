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
    let owner = facts.snapshot.get(subject).and_then(|it| it.owner.as_ref());
    match owner.filter(|it| it.reference.kind == Kind::CronJob) {
        Some(cron) => case.fix(
            format!(
                "mend the cause in {}: its next run is made from it; to run it now",
                cron.reference
            ),
            format!(
                "kubectl create job {}-retry --from=cronjob/{} -n {}",
                cron.reference.name, cron.reference.name, subject.namespace
            ),
            Risk::Restart,
        ),
        None => case.fix(
            "mend the cause, then delete the Job and create it anew: a Job that failed is not tried again",
            format!("kubectl delete {}", subject.kubectl()),
            Risk::DataLoss,
        ),
    };
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

    use crate::testing::{Scene, pod, status};

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
    fn a_run_of_a_cron_job_is_not_made_anew_by_hand() {
        let mut run = job("BackoffLimitExceeded", "Failed");
        run["metadata"]["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "uid": "u", "controller": true}]);
        let outcome = Scene::new().object(run).diagnose();
        let commands: Vec<_> = outcome
            .finding("ROL-JOB-BACKOFF")
            .fixes
            .iter()
            .filter_map(|fix| fix.command.as_deref())
            .collect();
        assert_eq!(
            commands,
            ["kubectl create job nightly-retry --from=cronjob/nightly -n shop"]
        );
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

    /// The pod tells the cause, the Job that it was given up.
    #[test]
    fn the_pods_finding_tells_that_the_job_has_given_up() {
        let owner = json!({"ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "report", "uid": "u", "controller": true}]});
        let end = json!({"exitCode": 1, "reason": "Error", "startedAt": "2026-03-01T11:50:00Z", "finishedAt": "2026-03-01T11:58:00Z"});
        let pod = pod(
            json!({"metadata": owner, "spec": {"restartPolicy": "Never"}, "status": {"phase": "Failed",
            "containerStatuses": [status(json!({"ready": false, "state": {"running": null, "terminated": end}}))]}}),
        );
        let outcome = Scene::new()
            .object(job("BackoffLimitExceeded", "Failed"))
            .object(pod)
            .diagnose();
        let found = outcome.finds_only("EXT-ERROR", Verdict::Likely);
        assert!(
            found
                .chain
                .last()
                .is_some_and(|step| step.text.contains("6 failed")),
            "{:?}",
            found.chain
        );
        assert!(
            found
                .fixes
                .iter()
                .any(|fix| fix.command.as_deref() == Some("kubectl delete job/report -n shop")),
            "{:?}",
            found.fixes
        );
    }

    /// A later run of the CronJob succeeded: the failed pod of the older one is over, and so is its Job.
    #[test]
    fn an_older_run_is_over_when_a_later_one_succeeded() {
        let of = |kind: &str, name: &str| json!([{"apiVersion": "batch/v1", "kind": kind, "name": name, "uid": name, "controller": true}]);
        let cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly", "namespace": "shop", "uid": "nightly"},
            "spec": {"schedule": "*/5 * * * *"}, "status": {"lastSuccessfulTime": "2026-03-01T11:59:00Z"}});
        for done in [true, false] {
            let mut run = job("BackoffLimitExceeded", if done { "Failed" } else { "Other" });
            run["metadata"]["ownerReferences"] = of("CronJob", "nightly");
            run["status"]["conditions"][0]["lastTransitionTime"] = json!("2026-03-01T11:58:10Z");
            let end = json!({"exitCode": 1, "reason": "Error", "startedAt": "2026-03-01T11:50:00Z", "finishedAt": "2026-03-01T11:58:00Z"});
            let pod = pod(
                json!({"metadata": {"ownerReferences": of("Job", "report")}, "spec": {"restartPolicy": "Never"}, "status": {"phase": "Failed",
                "containerStatuses": [status(json!({"ready": false, "state": {"running": null, "terminated": end}}))]}}),
            );
            let outcome = Scene::new()
                .object(cron.clone())
                .object(run)
                .object(pod)
                .diagnose();
            outcome.is_calm();
        }
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
