//! What texts show that tell less than a cluster does: rows of tables, lines of a kubelet.

use serde_json::{Value, json};
use sonde_model::Severity;

use crate::testing::{Scene, merge, pod, status};

/// `CODE severity` of everything that is told, worst first.
fn told(text: &str) -> Vec<String> {
    let outcome = Scene::new().pasted(text).diagnose();
    let findings = outcome.report.findings.iter();
    findings
        .map(|it| format!("{} {:?}", it.code, it.severity))
        .collect()
}

#[test]
fn rows_that_show_trouble_are_told_and_others_are_not() {
    const PODS: &str = "NAME          READY   STATUS    RESTARTS       AGE\n";
    const DEPLOYMENTS: &str = "NAME       READY   UP-TO-DATE   AVAILABLE   AGE\n";
    const SETS: &str = "NAME     DESIRED   CURRENT   READY   UP-TO-DATE   AVAILABLE   NODE SELECTOR   AGE\n";
    const SCALERS: &str = "NAME   REFERENCE        TARGETS              MINPODS   MAXPODS   REPLICAS   AGE\n";
    let rows: &[(&str, &str, &[&str])] = &[
        (
            PODS,
            "api-5d9-aaa   1/1     Running   214 (3m ago)   2d",
            &["EXT-UNKNOWN Warning"],
        ),
        (
            PODS,
            "api-5d9-aaa   1/1     Running   214            2d",
            &["EXT-UNKNOWN Warning"],
        ),
        // Long over, or as often as a machine is restarted.
        (PODS, "api-5d9-aaa   1/1     Running   214 (40d ago)  41d", &[]),
        (PODS, "api-5d9-aaa   1/1     Running   7 (3h ago)     300d", &[]),
        (PODS, "api-5d9-aaa   1/1     Running   1 (3m ago)     2h", &[]),
        (
            "NAME     STATUS        AGE\n",
            "old-ns   Terminating   14d",
            &["TRM-UNKNOWN Warning"],
        ),
        ("NAME     STATUS        AGE\n", "old-ns   Active        14d", &[]),
        (
            DEPLOYMENTS,
            "checkout   2/3     3            2           41d",
            &["ROL-UNKNOWN Warning"],
        ),
        // It changes its pods, as far as the row shows.
        (
            DEPLOYMENTS,
            "checkout   2/3     1            2           41d",
            &["ROL-UNKNOWN Info"],
        ),
        (
            DEPLOYMENTS,
            "checkout   3/3     3            3           41d",
            &[],
        ),
        (
            DEPLOYMENTS,
            "checkout   2/3     3            2           41s",
            &[],
        ),
        (
            DEPLOYMENTS,
            "checkout   0/0     0            0           41d",
            &[],
        ),
        (
            SETS,
            "fluent   6         6         4       6            4           <none>          90d",
            &["ROL-UNKNOWN Error"],
        ),
        (
            SETS,
            "fluent   6         6         6       6            6           <none>          90d",
            &[],
        ),
        (
            SCALERS,
            "api    Deployment/api   cpu: <unknown>/80%   2         10        2          5d",
            &["ROL-AUTOSCALER-NO-METRICS Warning"],
        ),
        (
            SCALERS,
            "api    Deployment/api   <unknown>/80%        2         10        2          5d",
            &["ROL-AUTOSCALER-NO-METRICS Warning"],
        ),
        (
            SCALERS,
            "api    Deployment/api   cpu: 20%/80%         2         10        2          5d",
            &[],
        ),
        (
            SCALERS,
            "api    Deployment/api   cpu: <unknown>/80%   2         10        2          5s",
            &[],
        ),
    ];
    for (head, row, expected) in rows {
        assert_eq!(told(&format!("{head}{row}\n")), *expected, "{row}");
    }
}

/// A kubelet says itself when its node is no longer ready.
#[test]
fn lines_of_a_kubelet_tell_of_its_node() {
    let line = |words: &str| {
        format!(
            "I1121 03:00:00.000000    1234 setters.go:580] \"Node became not ready\" node=\"worker-2\" condition={{\"type\":\"Ready\",\"status\":\"False\",\"reason\":\"KubeletNotReady\",\"message\":\"{words}\"}}"
        )
    };
    let starts = "[container runtime status check may not have completed yet, PLEG is not healthy: pleg has yet to be successful]";
    for (words, code) in [
        (
            "PLEG is not healthy: pleg was last seen active 3m12.3s ago; threshold is 3m0s",
            Some("LOS-PLEG"),
        ),
        ("container runtime is down", Some("LOS-RUNTIME-DOWN")),
        (starts, None),
    ] {
        let outcome = Scene::new().kubelet("", &line(words)).diagnose();
        let alarms: Vec<&str> = outcome
            .report
            .findings
            .iter()
            .filter(|it| it.severity > Severity::Info)
            .map(|it| it.code.as_str())
            .collect();
        assert_eq!(alarms, code.into_iter().collect::<Vec<_>>(), "{words}");
    }
}

/// A table of events tells how long ago each was; what came after tells what is over.
#[test]
fn ages_of_events_tell_what_is_over() {
    const HEAD: &str = "LAST SEEN   TYPE      REASON    OBJECT         MESSAGE\n";
    const KILL: &str =
        "Warning   Unhealthy   pod/web   Liveness probe failed: HTTP probe failed with statuscode: 500";
    const SLOW: &str = "Warning   Unhealthy   pod/web   Liveness probe failed: command timed out";
    const STOP: &str =
        "Normal    Killing     pod/web   Container app failed liveness probe, will be restarted";
    const EVICTED: &str = "Warning   Evicted   pod/web-6fcd8dbb75-ln742   Usage of EmptyDir volume \"c\" exceeds the limit \"10Mi\".";
    const STARTED: &str = "Normal   Started   pod/web-6fcd8dbb75-j28cl   Started container app";
    const FAILED: &str =
        "Warning   BackoffLimitExceeded   job/cj-1   Job has reached the specified backoff limit";
    const DONE: &str = "Normal   Completed   job/cj-2   Job completed";
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let rows: &[Row<'_>] = &[
        (&[("15m", KILL), ("15m", STOP)], &[]),
        // A later failure that killed nobody.
        (&[("15m", KILL), ("15m", STOP), ("5m", SLOW)], &[]),
        (&[("40s", KILL), ("40s", STOP)], &["LIV-STATUS-CODE Error"]),
        (&[("14m", EVICTED)], &["EVI-EMPTY-DIR-LIMIT Error"]),
        (&[("14m", EVICTED), ("13m", STARTED)], &[]),
        (&[("15m", FAILED)], &["ROL-JOB-BACKOFF Error"]),
        (&[("15m", FAILED), ("14m", DONE)], &[]),
    ];
    for (events, expected) in rows {
        let text: String = events
            .iter()
            .map(|(age, event)| format!("{age}   {event}\n"))
            .collect();
        assert_eq!(told(&format!("{HEAD}{text}")), *expected, "{text}");
    }
}

/// YAML of one object has no clock: how long it has been so is not known, which is neither an alarm nor health.
#[test]
fn what_has_no_clock_is_neither_an_alarm_nor_well() {
    const AT: &str = "2026-03-01T10:00:05Z";
    let unready = |patch: Value| {
        let waiting = json!({"ready": false, "state": {"running": {"startedAt": "2026-03-01T10:00:02Z"}}});
        let mut it = pod(
            json!({"spec": {"containers": [{"name": "app", "readinessProbe": {"httpGet": {"path": "/", "port": 80}}}]},
            "status": {"conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False", "lastTransitionTime": AT}],
                "containerStatuses": [status(waiting)]}}),
        );
        merge(&mut it, patch);
        it
    };
    let starting = unready(json!({"status": {"phase": "Pending", "containerStatuses": [
        {"name": "app", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}}]}}));
    let nobody = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app-1", "namespace": "shop", "creationTimestamp": AT},
        "spec": {"containers": [{"name": "app"}]}, "status": {"phase": "Pending"}});
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "n1", "namespace": "kube-node-lease"}, "spec": {"renewTime": AT}});
    let rows = [
        ("not ready", unready(json!({})), AT, true),
        ("not started", starting, AT, true),
        ("not scheduled", nobody, AT, true),
        // Then it is known how long, and that is long enough, or not.
        ("for an hour", unready(json!({})), "2026-03-01T11:00:05Z", false),
        ("for seconds", unready(json!({})), "2026-03-01T10:00:09Z", false),
        ("well", pod(json!({})), "2026-03-01T10:00:05Z", false),
    ];
    for (what, object, now, timeless) in rows {
        let outcome = Scene::new().object(object.clone()).now(now).diagnose();
        assert_eq!(
            outcome.alarms() > 0,
            what == "for an hour",
            "{what}: {}",
            outcome.summary()
        );
        let blind = &outcome.report.blind_spots;
        let told = blind
            .iter()
            .any(|it| it.what.starts_with("how long pod/app-1 is "));
        assert_eq!(told, timeless, "{what}: {blind:?}");
        // Another object's time is a clock.
        let outcome = Scene::new()
            .object(object)
            .object(lease.clone())
            .now(now)
            .diagnose();
        assert!(
            !outcome
                .report
                .blind_spots
                .iter()
                .any(|it| it.what.starts_with("how long")),
            "{what}"
        );
    }
}
