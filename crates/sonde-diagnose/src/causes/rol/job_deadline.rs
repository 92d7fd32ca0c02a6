//! ROL-JOB-DEADLINE: a Job took longer than it may.

use sonde_model::{Code, Kind, Risk};
use sonde_world::view::Job;

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
    let subject = &facts.episode.subject;
    let Some(it) = facts.snapshot.view::<Job>(subject).filter(|_| subject.kind == Kind::Job) else { return };
    let failed = it.status.conditions.iter().find(|it| it.kind == "Failed" && it.is_true());
    let Some(failed) = failed.filter(|it| it.reason == "DeadlineExceeded") else { return };
    let seen = facts.field("status.conditions[Failed]", format!("{}: {}", failed.reason, failed.message));
    case.generally_proven_by(seen.clone());
    let limit = it.spec.active_deadline_seconds.unwrap_or(0);
    case.step(format!("the Job may take {limit}s"), [facts.field("spec.activeDeadlineSeconds", limit)]);
    case.step(
        format!("{} of its pods failed, {} succeeded", it.status.failed, it.status.succeeded),
        [facts.field("status.failed", it.status.failed)],
    );
    case.step("the control plane gave it up", [seen]);
    case.headline(format!("{subject} took longer than its deadline of {limit}s"));
    case.look("the logs of its pods, if they are still there", format!("kubectl logs -l job-name={} -n {} --tail=50", subject.name, subject.namespace));
    case.advice("mend the cause, then delete the Job and create it anew: a Job that failed is not tried again", Risk::None);
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
    fn found_from_the_condition() {
        let outcome = Scene::new().object(job("DeadlineExceeded", "Failed")).diagnose();
        assert!(outcome.finds_only("ROL-JOB-DEADLINE", Verdict::Proven).headline.contains('5'));
    }

    #[test]
    fn another_reason_is_another_cause() {
        Scene::new().object(job("PodFailurePolicy", "Failed")).diagnose().lacks("ROL-JOB-DEADLINE");
    }

    #[test]
    fn silent_on_a_job_that_is_done() {
        Scene::new().object(job("CompletionsReached", "Complete")).diagnose().is_calm();
    }
}
