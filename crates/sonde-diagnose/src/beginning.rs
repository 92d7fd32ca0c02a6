//! Since when a trouble lasts: statuses show the last of many occurrences.

use jiff::{SignedDuration, Timestamp};
use sonde_grammar::Fact;
use sonde_grammar::fact::ProbeKind;
use sonde_model::{Kind, ObjectRef};
use sonde_world::view::{CronJob, Job};

use crate::{Facts, Origin, Symptom};

/// The kubelet's first wait before it restarts a container.
const FIRST_BACK_OFF: SignedDuration = SignedDuration::from_secs(10);
/// What happens again within this time goes on: the kubelet forgets the back-off of a container that ran this long.
const GOES_ON: SignedDuration = SignedDuration::from_mins(10);

/// Since when, and whether it may have begun earlier. A container that restarts again and again is in trouble since the
/// kubelet first backed off or killed it, not since its last end; a CronJob since the first run that failed.
pub(crate) fn begun(facts: &Facts<'_>) -> (Option<Timestamp>, bool) {
    let told = facts.episode.since;
    let failing = failing_runs(facts);
    if failing.is_some() {
        let since = [told, failing].into_iter().flatten().min();
        // Events and Jobs of the runs before are not kept for long.
        return (since, true);
    }
    let Some(run) = facts.episode.run.as_ref() else {
        return (told, false);
    };
    let first_back_off = facts
        .all_messages()
        .filter(|message| {
            message
                .facts
                .iter()
                .any(|it| matches!(it, Fact::RestartBackOff { .. }))
        })
        .filter_map(|message| message.first)
        .min();
    let derived = if first_back_off.is_none() {
        restarting_since(facts)
    } else {
        None
    };
    let known = [told, first_back_off, derived].into_iter().flatten().min();
    let first_kill = first_kill(facts, known);
    let since = [known, first_kill].into_iter().flatten().min();
    // An event is of the first time; whatever else is known is of the restarts that can be seen.
    let is_first = since.is_some() && (since == first_back_off || since == first_kill);
    // A hook or a start that fails is told by its own events.
    let counts = matches!(facts.episode.symptom, Symptom::Terminated) && facts.episode.ended.is_none();
    (since, counts && run.restarts >= 2 && !is_first)
}

/// When the kubelet first ended the container or met its failed probe in the row of restarts that goes on at `known`.
fn first_kill(facts: &Facts<'_>, known: Option<Timestamp>) -> Option<Timestamp> {
    let known = known.filter(|_| facts.episode.run.as_ref().is_some_and(|run| run.restarts > 0))?;
    let is_kill = |fact: &Fact| match fact {
        Fact::Killing { .. } => true,
        Fact::Probe(it) => it.probe != ProbeKind::Readiness,
        _ => false,
    };
    let rows = facts
        .all_messages()
        .filter(|message| message.facts.iter().any(is_kill))
        .filter_map(|message| {
            let (first, last) = (message.first?, message.seen.time?);
            let gaps = i32::try_from(message.count.saturating_sub(1)).unwrap_or(i32::MAX);
            // One count over a long time may be of two troubles.
            let is_row = last.duration_since(first) <= GOES_ON.saturating_mul(gaps.max(1));
            (is_row && known.duration_since(last) <= GOES_ON).then_some(first)
        });
    rows.min().filter(|first| *first < known)
}

/// Since when a container restarts at least, where no event of the first back-off is left: since its pod was ready the
/// last time, and for as long as the back-offs before the present one took; else since the run before the last ended.
fn restarting_since(facts: &Facts<'_>) -> Option<Timestamp> {
    let run = facts.episode.run.as_ref().filter(|run| run.restarts >= 2)?;
    let pod = facts.pod();
    let not_ready = pod
        .condition("ContainersReady")
        .or_else(|| pod.condition("Ready"))
        .filter(|it| it.status == "False")
        .and_then(|it| it.last_transition_time.0);
    let real = |time: &Timestamp| time.as_second() > 0;
    let end = run.end.finished_at.0.filter(real);
    // The kubelet waits 10 s at first and twice as long each time, so the earlier waits sum up to the present one less
    // the first.
    let said = facts
        .messages()
        .filter(|message| message.origin == Origin::Status)
        .flat_map(|message| &message.facts)
        .find_map(|fact| match fact {
            Fact::RestartBackOff { wait_seconds } => *wait_seconds,
            _ => None,
        });
    let waits = said.and_then(|seconds| {
        let wait = SignedDuration::from_secs(seconds);
        let earlier = wait.saturating_sub(FIRST_BACK_OFF);
        earlier.is_positive().then_some(())?;
        end?.checked_sub(earlier).ok()
    });
    // A run that was short began because the one before it had ended.
    let before = run
        .end
        .started_at
        .0
        .filter(real)
        .filter(|start| end.is_some_and(|end| end.duration_since(*start) < GOES_ON));
    [not_ready, waits].into_iter().flatten().min().or(before)
}

/// When the first run of the subject's CronJob failed after the last one that did not.
fn failing_runs(facts: &Facts<'_>) -> Option<Timestamp> {
    if facts.episode.ended.is_some() {
        return None;
    }
    let workload = facts.workload();
    if workload.kind != Kind::CronJob || facts.episode.subject == workload {
        return None;
    }
    let well = facts
        .snapshot
        .view::<CronJob>(&workload)
        .and_then(|it| it.status.last_successful_time.0);
    let is_after = |time: &Timestamp| well.is_none_or(|well| *time > well);
    // `Saw completed job: nightly-1, condition: Failed` (`status: Failed` up to 1.28).
    let told = facts
        .snapshot
        .events_about(&workload)
        .into_iter()
        .filter_map(|event| event.event())
        .filter(|event| event.reason.as_ref() == "SawCompletedJob" && event.message.ends_with(": Failed"))
        .filter_map(|event| event.first.or(event.last))
        .filter(is_after)
        .min();
    let seen = facts
        .snapshot
        .owned_by(&workload)
        .filter_map(|job| failed_at(facts, &job.reference))
        .filter(is_after)
        .min();
    [told, seen].into_iter().flatten().min()
}

fn failed_at(facts: &Facts<'_>, job: &ObjectRef) -> Option<Timestamp> {
    let job = facts.snapshot.view::<Job>(job)?;
    let failed = job
        .status
        .conditions
        .iter()
        .find(|it| it.kind == "Failed" && it.is_true())?;
    failed.last_transition_time.0
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Scene, crashed, pod};

    /// Since when a container that restarts is told to be in trouble.
    fn since(conditions: Value, restarts: i64, wait: &str, event: Option<&str>) -> String {
        let mut status = crashed(1, "Error");
        status["restartCount"] = restarts.into();
        status["state"]["waiting"]["message"] =
            format!("back-off {wait} restarting failed container=app").into();
        let mut it = pod(json!({"status": {"containerStatuses": [status]}}));
        it["status"]["conditions"] = conditions;
        let mut scene = Scene::new().object(it);
        if let Some(time) = event {
            let said = "Back-off restarting failed container app in pod app-1";
            scene = scene.container_event("Pod/shop/app-1", "app", "BackOff", said, time);
        }
        let outcome = scene.diagnose();
        let since = outcome.finding("EXT-ERROR").since;
        since.map(|it| it.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_container_that_restarts_is_in_trouble_for_longer_than_since_its_last_end() {
        let ready = |status: &str| json!([{"type": "ContainersReady", "status": status, "lastTransitionTime": "2026-03-01T11:20:00Z"}]);
        for (conditions, restarts, wait, event, expected) in [
            // Not ready since then.
            (ready("False"), 4, "1m20s", None, "2026-03-01T11:20:00Z"),
            // The waits before this one: 10, 20 and 40 seconds.
            (json!([]), 4, "1m20s", None, "2026-03-01T11:56:50Z"),
            (ready("True"), 4, "1m20s", None, "2026-03-01T11:56:50Z"),
            // The first restart, and one that the kubelet told of.
            (ready("False"), 1, "10s", None, "2026-03-01T11:58:00Z"),
            (
                ready("False"),
                4,
                "1m20s",
                Some("2026-03-01T11:30:00Z"),
                "2026-03-01T11:30:00Z",
            ),
        ] {
            assert_eq!(
                since(conditions.clone(), restarts, wait, event),
                expected,
                "{conditions} {wait} {event:?}"
            );
        }
    }

    #[test]
    fn kills_of_the_same_row_count_and_those_of_another_trouble_do_not() {
        for (first, count, expected, at_least) in [
            ("2026-03-01T11:30:00Z", 6, "2026-03-01T11:30:00Z", false),
            // Two kills, an hour from each other.
            ("2026-03-01T10:58:00Z", 2, "2026-03-01T11:56:50Z", true),
        ] {
            let mut it = pod(json!({"status": {"containerStatuses": [crashed(137, "Error")]}}));
            it["spec"]["containers"][0]["livenessProbe"] = json!({"httpGet": {"path": "/", "port": 80}});
            let outcome = Scene::new()
                .object(it)
                .object(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "k", "namespace": "shop"},
                    "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "app-1", "fieldPath": "spec.containers{app}"},
                    "reason": "Killing", "message": "Container app failed liveness probe, will be restarted", "type": "Normal",
                    "firstTimestamp": first, "lastTimestamp": "2026-03-01T11:57:55Z", "count": count, "source": {"component": "kubelet"}}))
                .diagnose();
            let finding = &outcome.report.findings[0];
            let since = finding.since.map(|it| it.to_string()).unwrap_or_default();
            assert_eq!(
                (since.as_str(), finding.since_at_least),
                (expected, at_least),
                "{}",
                outcome.summary()
            );
        }
    }

    #[test]
    fn a_cron_job_is_in_trouble_since_its_first_failed_run() {
        let of = |kind: &str, name: &str| json!([{"apiVersion": "batch/v1", "kind": kind, "name": name, "uid": name, "controller": true}]);
        let cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly", "namespace": "shop", "uid": "nightly"},
            "spec": {"schedule": "* * * * *"}, "status": {"lastSuccessfulTime": "2026-03-01T11:40:00Z"}});
        let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "nightly-9", "namespace": "shop", "uid": "nightly-9",
            "ownerReferences": of("CronJob", "nightly")}, "spec": {"backoffLimit": 0},
            "status": {"failed": 1, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m",
                "lastTransitionTime": "2026-03-01T11:59:00Z"}]}});
        let mut scene = Scene::new().object(cron).object(job);
        for (name, how, time) in [
            ("nightly-1", "Failed", "2026-03-01T11:30:00Z"),
            ("nightly-2", "Complete", "2026-03-01T11:40:00Z"),
            ("nightly-3", "Failed", "2026-03-01T11:41:00Z"),
            ("nightly-9", "Failed", "2026-03-01T11:59:00Z"),
        ] {
            let said = format!("Saw completed job: {name}, condition: {how}");
            scene = scene.event("CronJob/shop/nightly", "SawCompletedJob", &said, time);
        }
        let outcome = scene.diagnose();
        let finding = outcome.finding("ROL-JOB-BACKOFF");
        assert_eq!(
            finding.since.map(|it| it.to_string()).as_deref(),
            Some("2026-03-01T11:41:00Z")
        );
        assert!(finding.since_at_least);
    }
}
