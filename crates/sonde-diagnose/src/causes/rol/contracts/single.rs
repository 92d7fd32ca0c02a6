//! Single cases beyond the table.

use serde_json::{Value, json};
use sonde_model::{Kind, Severity, Verdict};

use super::*;

#[test]
fn an_autoscaler_whose_pods_do_not_come_up_is_their_trouble() {
    let sick = pod(
        json!({"metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "controller": true}]},
        "status": {"containerStatuses": [crashed(1, "Error")]}}),
    );
    let outcome = blind(NOT_YET)
        .object(deployment("True", "NewReplicaSetAvailable", "m"))
        .object(set("web-1", "1", 0))
        .object(sick)
        .diagnose();
    outcome.finds_only("EXT-ERROR", Verdict::Likely);
    // Without any such trouble it is its own.
    blind(NOT_YET)
        .diagnose()
        .finds_only("ROL-AUTOSCALER-NO-METRICS", Verdict::Proven);
}

/// The controller says nothing of requests while it gets no metrics; its pods show it.
#[test]
fn pods_without_the_request_that_is_scaled_by_are_told_beside_missing_metrics() {
    for (resources, also) in [
        (json!({}), true),
        (json!({"requests": {"memory": "1Gi"}}), true),
        (json!({"requests": {"cpu": "1"}}), false),
        // The API server takes a limit for a request.
        (json!({"limits": {"cpu": "1"}}), false),
    ] {
        let outcome = scaled_by("cpu", resources.clone()).diagnose();
        assert!(outcome.claims("ROL-AUTOSCALER-NO-METRICS"), "{resources}");
        let told = outcome.claims("ROL-AUTOSCALER-NO-REQUEST");
        assert_eq!(told, also, "{resources}: {}", outcome.summary());
        assert_eq!(outcome.alarms(), 1 + usize::from(also), "{}", outcome.summary());
    }
    let pod_level = json!({"spec": {"resources": {"requests": {"cpu": "1"}}}});
    let mut it = target_pod(json!({}));
    merge(&mut it, pod_level);
    scaled_by("cpu", json!({}))
        .object(it)
        .diagnose()
        .lacks("ROL-AUTOSCALER-NO-REQUEST");
}

#[test]
fn two_autoscalers_of_one_workload_are_proven_by_the_control_planes_word() {
    let mut other = autoscaler(json!([]));
    other["metadata"]["name"] = "web-2".into();
    let outcome = shared().object(other).diagnose();
    let finding = outcome.finds_only("ROL-AUTOSCALER-FIGHT", Verdict::Proven);
    assert!(finding.headline.contains("hpa/web-2"), "{}", finding.headline);
}

/// `autoscaling/v1`, the form that old kubectls print, keeps the conditions in an annotation.
#[test]
fn conditions_in_an_annotation_count() {
    let mut it = autoscaler(json!([]));
    let kept = condition("ScalingActive", "False", "FailedGetResourceMetric", NO_API).to_string();
    merge(
        &mut it,
        json!({"apiVersion": "autoscaling/v1", "metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/conditions": kept}}}),
    );
    Scene::new()
        .object(it.clone())
        .diagnose()
        .finds_only("ROL-AUTOSCALER-NO-METRICS", Verdict::Proven);
    merge(
        &mut it,
        json!({"metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/conditions": "{ not json"}}}),
    );
    Scene::new().object(it).diagnose().is_calm();
}

#[test]
fn an_absent_target_is_named() {
    let outcome = without_target().complete(&[Kind::Deployment]).diagnose();
    let finding = outcome.finds_only("ROL-AUTOSCALER-TARGET", Verdict::Proven);
    assert!(
        finding
            .chain
            .iter()
            .any(|step| step.text.contains("there is no Deployment/web")),
        "{:?}",
        finding.chain
    );
}

/// A pod that is not ready may be evicted when the rest is enough, or when its budget says so.
#[test]
fn a_budget_does_not_hold_what_is_sick() {
    let sick = || json!({"status": {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-03-01T11:00:00Z"}]}});
    let held = |patch: Value| guarded(true, patch, sick()).diagnose();
    held(json!({"status": {"currentHealthy": 2, "desiredHealthy": 2, "expectedPods": 3}}))
        .lacks("ROL-BUDGET-BLOCKS");
    held(json!({"spec": {"unhealthyPodEvictionPolicy": "AlwaysAllow"}, "status": {"currentHealthy": 0}}))
        .lacks("ROL-BUDGET-BLOCKS");
    held(json!({"status": {"currentHealthy": 0}})).finding("ROL-BUDGET-BLOCKS");
    let ended = json!({"status": {"phase": "Succeeded"}});
    guarded(true, json!({}), ended).diagnose().is_calm();
}

#[test]
fn a_rollout_that_may_shrink_can_move() {
    for (surge, unavailable) in [(json!("25%"), json!(1)), (json!(0), json!("25%"))] {
        let mut it = past_deadline();
        merge(
            &mut it,
            json!({"spec": {"strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}}),
        );
        rollout(it)
            .object(waiting(true))
            .diagnose()
            .lacks("ROL-CANNOT-MOVE");
    }
}

/// The pod's own finding explains the rollout, and says what follows for it: the step, and the last good revision.
#[test]
fn the_pods_finding_tells_of_the_rollout_that_it_holds() {
    let mut sick =
        pod(json!({"metadata": {"name": "web-2-x"}, "status": {"containerStatuses": [crashed(1, "Error")]}}));
    sick["metadata"]["ownerReferences"][0]["name"] = "web-2".into();
    let outcome = rollout(past_deadline())
        .object(sick)
        .log("shop/web-2-x", "app", true, "FATAL: no license\n")
        .diagnose();
    let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
    assert!(
        finding
            .chain
            .last()
            .is_some_and(|step| step.text.contains("rollout of deploy/web is stuck")),
        "{:?}",
        finding.chain
    );
    assert!(
        finding.fixes.iter().any(|fix| fix
            .command
            .as_deref()
            .is_some_and(|it| it.contains("--to-revision=1"))),
        "{:?}",
        finding.fixes
    );
}

#[test]
fn a_rollout_without_a_living_revision_names_the_one_before() {
    let outcome = Scene::new()
        .object(past_deadline())
        .object(set("web-1", "1", 0))
        .object(set("web-2", "2", 0))
        .diagnose();
    let finding = outcome.finds_only("ROL-PROGRESS-DEADLINE", Verdict::Proven);
    assert!(
        finding.fixes.iter().any(|fix| fix
            .command
            .as_deref()
            .is_some_and(|it| it.contains("--to-revision=1"))),
        "{:?}",
        finding.fixes
    );
}

#[test]
fn a_run_that_never_ends_and_keeps_others_out_is_an_alarm() {
    let patch = json!({"spec": {"concurrencyPolicy": "Forbid"}, "status": {"active": [{"kind": "Job", "name": "report", "namespace": "shop"}]}});
    let running = resting(
        "Job",
        json!({"metadata": {"name": "report", "creationTimestamp": "2026-03-01T02:00:00Z"}, "status": {"active": 1}}),
    );
    let text = "Not starting job because prior execution is running and concurrency policy is Forbid";
    let outcome = said_of_cron(patch, "JobAlreadyActive", text)
        .object(running)
        .diagnose();
    let finding = outcome.finds_only("ROL-CRONJOB-MISSED", Verdict::Proven);
    assert!(finding.headline.contains("earlier one"), "{}", finding.headline);
}

#[test]
fn an_unknown_time_zone_is_an_invalid_schedule() {
    let patch = || json!({"spec": {"timeZone": "Mars/Olympus"}});
    said_of_cron(patch(), "UnknownTimeZone", NO_ZONE)
        .diagnose()
        .finds_only("ROL-CRONJOB-INVALID", Verdict::Proven);
    said_of_cron(
        json!({"spec": {"timeZone": "Europe/Paris"}}),
        "UnknownTimeZone",
        NO_ZONE,
    )
    .diagnose()
    .is_calm();
}

/// A Job's own pods say more than the Job.
#[test]
fn the_pods_of_a_failed_job_speak_for_it() {
    let end = json!({"exitCode": 42, "reason": "Error", "startedAt": "2026-03-01T10:58:00Z", "finishedAt": "2026-03-01T10:59:00Z"});
    let ended = pod(
        json!({"metadata": {"ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "report", "uid": "u-job", "controller": true}]},
        "spec": {"restartPolicy": "Never"},
        "status": {"phase": "Failed", "containerStatuses": [status(json!({"ready": false, "state": {"running": null, "terminated": end}}))]}}),
    );
    for reason in ["BackoffLimitExceeded", "PodFailurePolicy"] {
        let outcome = failed(reason)
            .object(ended.clone())
            .log("shop/app-1", "app", false, "FATAL: no license\n")
            .diagnose();
        outcome.finds_only("EXT-ERROR", Verdict::Proven);
    }
}

#[test]
fn what_rests_by_order_is_told_to_who_names_it_and_never_an_alarm() {
    for (kind, patch, words) in [
        ("Job", json!({"spec": {"suspend": true}}), "suspended"),
        (
            "Job",
            json!({"metadata": {"labels": {"kueue.x-k8s.io/queue-name": "gpu"}}, "spec": {"suspend": true}}),
            "queue gpu",
        ),
        ("CronJob", json!({"spec": {"suspend": true}}), "suspended"),
        ("Deployment", json!({"spec": {"paused": true}}), "paused"),
        ("Deployment", json!({"spec": {"replicas": 0}}), "scaled to zero"),
        ("StatefulSet", json!({"spec": {"replicas": 0}}), "scaled to zero"),
    ] {
        let outcome = named(kind, patch.clone()).diagnose();
        let told = outcome
            .report
            .findings
            .iter()
            .find(|it| it.headline.contains(words));
        assert!(
            told.is_some_and(|it| it.severity == Severity::Info),
            "{kind}: {}",
            outcome.summary()
        );
        let asked_of_all = Scene::new().object(resting(kind, patch)).diagnose();
        assert!(
            asked_of_all.report.findings.is_empty(),
            "{kind}: {}",
            asked_of_all.summary()
        );
    }
}

/// Each row: since when the run goes on, how often others were left out since 11:00; whether that is an alarm.
#[test]
fn a_run_that_outlasts_many_others_is_an_alarm() {
    for (since, count, alarm) in [
        ("2026-03-01T11:00:00Z", 60, true),
        // Runs of an hour each, one of which was left out.
        ("2026-03-01T11:20:00Z", 1, false),
        // It has just begun; the others were left out for those before it.
        ("2026-03-01T11:55:00Z", 60, false),
    ] {
        let patch = json!({"spec": {"concurrencyPolicy": "Forbid"}, "status": {"active": [{"kind": "Job", "name": "report", "namespace": "shop"}]}});
        let running = resting(
            "Job",
            json!({"metadata": {"name": "report", "creationTimestamp": since}, "status": {"active": 1}}),
        );
        let mut event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "left-out", "namespace": "shop"},
            "involvedObject": {"kind": "CronJob", "namespace": "shop", "name": "backup"},
            "reason": "JobAlreadyActive", "type": "Normal", "count": count,
            "message": "Not starting job because prior execution is running and concurrency policy is Forbid",
            "firstTimestamp": "2026-03-01T11:00:00Z", "lastTimestamp": "2026-03-01T11:59:00Z"});
        if count == 1 {
            event["firstTimestamp"] = event["lastTimestamp"].clone();
        }
        let outcome = Scene::new()
            .object(cron(patch))
            .object(running)
            .object(event)
            .diagnose();
        assert_eq!(
            outcome.alarms(),
            usize::from(alarm),
            "{since} x{count}: {}",
            outcome.summary()
        );
    }
}
