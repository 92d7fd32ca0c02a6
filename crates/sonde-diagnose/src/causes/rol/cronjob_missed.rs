//! ROL-CRONJOB-MISSED: a CronJob did not run when it should have.

use jiff::SignedDuration;
use sonde_grammar::Fact;
use sonde_grammar::fact::WorkloadFact;
use sonde_model::{Code, Kind, ObjectRef, Risk, Severity};
use sonde_world::view::CronJob;

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-CRONJOB-MISSED"),
    title: "CronJob missed its schedule",
    explains: &[Symptom::ScheduleMissed],
    reads: &[Kind::CronJob, Kind::Job],
    state,
    page: page!("ROL-CRONJOB-MISSED"),
};

/// A run that outlasts this hangs, or its schedule is too dense; a guess.
const ENDLESS: SignedDuration = SignedDuration::from_hours(1);

/// A run that outlasts so many others and this time hangs more likely than not; guesses.
const MANY: i32 = 10;
const LONG: SignedDuration = SignedDuration::from_mins(10);

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts.snapshot.view::<CronJob>(subject) else {
        return;
    };
    let said = facts.find(|fact| match fact {
        Fact::Workload(WorkloadFact::MissedSchedule { detail }) => Some(detail),
        _ => None,
    });
    let Some((detail, message)) = said else { return };
    case.proven_by(message.seen());
    case.step(
        format!("it should run at {}", it.spec.schedule),
        [facts.field("spec.schedule", &it.spec.schedule)],
    );
    case.step(format!("the control plane says: {detail}"), [message.seen()]);
    let policy = if it.spec.concurrency_policy.is_empty() {
        "Allow"
    } else {
        &it.spec.concurrency_policy
    };
    if policy == "Forbid" && !it.status.active.is_empty() {
        case.step(
            format!(
                "an earlier run ({}) still goes on, and runs may not overlap (concurrencyPolicy: Forbid)",
                it.status
                    .active
                    .iter()
                    .map(|job| job.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            [facts.field("spec.concurrencyPolicy", policy)],
        );
    }
    if let Some(seconds) = it.spec.starting_deadline_seconds {
        case.step(
            format!("a run that starts more than {seconds}s late is left out"),
            [facts.field("spec.startingDeadlineSeconds", seconds)],
        );
    }
    case.headline(format!("{subject} missed its schedule {}", it.spec.schedule));
    // A run that is left out because the one before goes on is what was asked for, unless that one never ends.
    let left_out = policy == "Forbid" && message.reason == "JobAlreadyActive";
    let longest = it
        .status
        .active
        .iter()
        .filter_map(|job| {
            facts
                .snapshot
                .get(&ObjectRef::new(Kind::Job, &subject.namespace, &job.name))?
                .created
        })
        .min();
    let lasts = longest
        .zip(facts.now)
        .map(|(since, now)| now.duration_since(since));
    // How far apart the runs are that it left out.
    let apart = message
        .first
        .zip(message.seen.time)
        .filter(|_| message.count > 1)
        .map(|(first, last)| {
            let between = i32::try_from(message.count.saturating_sub(1)).unwrap_or(i32::MAX);
            last.duration_since(first)
                .checked_div(between)
                .unwrap_or_default()
        });
    let outlasts = lasts
        .zip(apart)
        .is_some_and(|(lasts, apart)| lasts > LONG && lasts > apart.saturating_mul(MANY));
    let endless = outlasts || lasts.is_none_or(|lasts| lasts > ENDLESS);
    if left_out {
        case.headline(format!(
            "{subject} leaves runs out because an earlier one still goes on"
        ));
    }
    case.severity(if left_out && !endless {
        Severity::Info
    } else {
        Severity::Warning
    });
    if let Some(running) = it.status.active.first().filter(|_| policy != "Allow") {
        let running = ObjectRef::new(Kind::Job, &subject.namespace, &running.name);
        case.look(
            format!("what {running} does"),
            format!("kubectl logs {} --all-containers --tail=20", running.kubectl()),
        );
        case.fix(
            format!("where {running} hangs, delete it: the next run may start then"),
            format!("kubectl delete {}", running.kubectl()),
            Risk::DataLoss,
        );
        return;
    }
    case.advice(
        "look at what held it: an earlier run that never ends, a deadline that is too short, a control plane that was down",
        Risk::None,
    );
    case.fix(
        "run it once by hand",
        format!(
            "kubectl create job {}-manual --from=cronjob/{} -n {}",
            subject.name, subject.name, subject.namespace
        ),
        Risk::None,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::Scene;

    const MISSED: &str = "Missed scheduled time to start a job: Sun, 01 Mar 2026 11:00:00 +0000";

    fn job(suspend: bool, ran: &str) -> Value {
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "backup", "namespace": "shop"},
            "spec": {"schedule": "0 * * * *", "suspend": suspend, "startingDeadlineSeconds": 10},
            "status": {"lastScheduleTime": ran}})
    }

    fn scene(job: Value) -> Scene {
        Scene::new().object(job).event(
            "CronJob/shop/backup",
            "MissSchedule",
            MISSED,
            "2026-03-01T11:01:00Z",
        )
    }

    #[test]
    fn found_from_the_event() {
        scene(job(false, "2026-03-01T10:00:00Z"))
            .diagnose()
            .finds_only("ROL-CRONJOB-MISSED", Verdict::Proven);
    }

    /// A run that may not overlap with another is not started by hand beside it.
    #[test]
    fn a_run_that_goes_on_is_named_and_no_other_is_started() {
        let mut forbids = job(false, "2026-03-01T10:00:00Z");
        forbids["spec"]["concurrencyPolicy"] = json!("Forbid");
        forbids["status"]["active"] = json!([{"kind": "Job", "name": "backup-1", "namespace": "shop"}]);
        let outcome = scene(forbids).diagnose();
        let found = outcome.finding("ROL-CRONJOB-MISSED");
        let commands: Vec<_> = found
            .fixes
            .iter()
            .filter_map(|fix| fix.command.as_deref())
            .collect();
        assert_eq!(commands, ["kubectl delete job/backup-1 -n shop"]);
    }

    #[test]
    fn over_when_it_ran_since_and_no_alarm_when_suspended() {
        scene(job(false, "2026-03-01T11:30:00Z")).diagnose().is_calm();
        scene(job(true, "2026-03-01T10:00:00Z")).diagnose().is_calm();
    }
}
