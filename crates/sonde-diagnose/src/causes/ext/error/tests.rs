use serde_json::{Value, json};
use sonde_model::{Kind, Verdict};

use crate::testing::{Scene, crashed, pod, status};

fn failed(code: i64) -> Value {
    pod(json!({"status": {"containerStatuses": [crashed(code, "Error")]}}))
}

#[test]
fn found_with_the_line_that_decides() {
    for (code, log, words) in [
        (
            1,
            "starting\nFATAL: password authentication failed for user \"orders\"\n",
            "password authentication failed",
        ),
        (1, "Error: connect ECONNREFUSED 10.0.0.7:5432\n", "10.0.0.7:5432"),
        (
            2,
            "panic: runtime error: invalid memory address\n\ngoroutine 1 [running]:\n",
            "invalid memory address",
        ),
        (1, "ModuleNotFoundError: No module named 'flask'\n", "flask"),
        (
            1,
            "java.io.FileNotFoundException: /etc/app/app.yml (No such file or directory)\n",
            "/etc/app/app.yml",
        ),
        (
            255,
            "fatal: could not open configuration file\n",
            "configuration file",
        ),
    ] {
        let outcome = Scene::new()
            .object(failed(code))
            .log("shop/app-1", "app", true, log)
            .diagnose();
        let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
        assert!(finding.headline.contains(words), "{}", finding.headline);
    }
}

#[test]
fn a_dns_server_that_is_silent_is_told_as_such() {
    let log = "nc: timed out\nERROR amqp: dial tcp: lookup rabbitmq.shop.svc.cluster.local: i/o timeout\n";
    let outcome = Scene::new()
        .object(failed(1))
        .log("shop/app-1", "app", true, log)
        .diagnose();
    let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
    assert!(
        finding.headline.contains("no DNS server answers in time")
            && finding.headline.contains("rabbitmq.shop.svc"),
        "{}",
        finding.headline
    );
    assert!(finding.fixes[0].text.contains("DNS"), "{:?}", finding.fixes);
}

#[test]
fn the_line_that_ended_it_is_told_and_not_what_it_survived() {
    let log = "WARN could not connect to redis at cache:6379: connection refused, continuing\nopen /etc/app/optional.yml: permission denied (using defaults)\nINFO ready soon\nERROR config invalid: field server.port is required\nshutting down\n";
    let outcome = Scene::new()
        .object(failed(1))
        .log("shop/app-1", "app", true, log)
        .diagnose();
    let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
    assert!(
        finding.headline.contains("server.port is required"),
        "{}",
        finding.headline
    );
    assert!(
        !finding.fixes.iter().any(|fix| fix.text.contains("fsGroup")),
        "{:?}",
        finding.fixes
    );
    // Nothing louder: its last words, not the trouble that it got over.
    let log = "WARN could not connect to redis at cache:6379: connection refused, continuing\nINFO loading\nINFO loaded 12 plugins\nINFO bye\n";
    let outcome = Scene::new()
        .object(failed(1))
        .log("shop/app-1", "app", true, log)
        .diagnose();
    assert!(
        outcome.finding("EXT-ERROR").headline.contains("INFO bye"),
        "{}",
        outcome.summary()
    );
}

/// Each row: a log whose alarming words tell nothing of the end, and what must be shown in their place.
#[test]
fn what_it_got_over_or_only_recorded_is_no_reason_and_its_last_words_are_shown() {
    for (log, last) in [
        (
            "WARN dial tcp 10.0.0.9:6379: connect: connection refused, retrying\nINFO connected to redis\nINFO server ready\n",
            "INFO server ready",
        ),
        (
            "10.0.0.1 - - [20/Nov/2026:10:00:00 +0000] \"GET /no space left on device HTTP/1.1\" 200 512\nidle for 2s, leaving\n",
            "idle for 2s, leaving",
        ),
        ("GET /errors/OutOfMemoryError 200\nwent home\n", "went home"),
        (
            "Permission denied: /cache (continuing without cache)\nserved 12 requests\ntrial period over, goodbye\n",
            "trial period over, goodbye",
        ),
        (
            "http: TLS handshake error from 10.0.0.7:51234: remote error: tls: bad certificate\nreceived no work for an hour\n",
            "received no work for an hour",
        ),
        (
            "loaded settings: on_oom=restart panic_mode=false\nleader election lost\n",
            "leader election lost",
        ),
    ] {
        let outcome = Scene::new()
            .object(failed(4))
            .log("shop/app-1", "app", true, log)
            .diagnose();
        let finding = outcome.finding("EXT-ERROR");
        assert!(
            finding.headline.contains("its last words are") && finding.headline.contains(last),
            "{log}: {}",
            finding.headline
        );
        assert!(finding.verdict < Verdict::Proven, "{log}: {}", outcome.summary());
        let advice: String = finding.fixes.iter().map(|fix| fix.text.as_str()).collect();
        assert!(
            ["make room", "fsGroup", "is named right", "mend what the log says"]
                .iter()
                .all(|wrong| !advice.contains(wrong)),
            "{log}: {advice}"
        );
    }
}

/// A log that was read and is empty: there is nothing to mend in it, and nothing to fetch.
#[test]
fn a_container_that_says_nothing_is_told_so() {
    let outcome = Scene::new()
        .object(failed(1))
        .log("shop/app-1", "app", true, "")
        .diagnose();
    let finding = outcome.finds_only("EXT-ERROR", Verdict::Likely);
    assert!(
        finding
            .headline
            .ends_with("ends itself with exit code 1 and says nothing"),
        "{}",
        finding.headline
    );
    let advice: String = finding.fixes.iter().map(|fix| fix.text.as_str()).collect();
    assert!(
        advice.contains("let it log more") && !advice.contains("mend what the log says"),
        "{advice}"
    );
    assert!(
        !outcome
            .wants
            .iter()
            .any(|want| matches!(want, crate::Want::ContainerLog(_))),
        "{:?}",
        outcome.wants
    );
}

#[test]
fn a_fatal_line_that_says_why_stands_before_errors_that_were_survived() {
    for (log, said) in [
        (
            "ERROR could not connect to jaeger:6831 connection refused (tracing disabled)\nINFO started\nFATAL schema version 41 is older than required 42, run migrations first\n",
            "schema version 41",
        ),
        (
            "[ERROR] plugin/errors: 2 example.org. A: read udp 10.1.0.2:40000->8.8.8.8:53: i/o timeout\n[FATAL] plugin/loop: Loop (127.0.0.1:4000 -> :53) detected for zone \".\"\n",
            "its own queries come back to it",
        ),
        (
            "E0301 11:57:58.000000 1 reflector.go:150] failed to list *v1.Endpoints: endpoints is forbidden: User \"system:serviceaccount:shop:default\" cannot list resource \"endpoints\" in API group \"\" at the cluster scope\nE0301 11:57:59.000000 1 main.go:9] timed out waiting for caches to sync\n",
            "may not list endpoints",
        ),
        // A farewell says nothing: the error before it is why.
        (
            "ERROR could not connect to db:5432: connection refused\nFATAL application startup failed, exiting now\n",
            "db:5432 refuses",
        ),
    ] {
        let outcome = Scene::new()
            .object(failed(1))
            .log("shop/app-1", "app", true, log)
            .diagnose();
        let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
        assert!(finding.headline.contains(said), "{}", finding.headline);
        if log.contains("forbidden") {
            let commands: Vec<_> = finding
                .next
                .iter()
                .filter_map(|look| look.command.as_deref())
                .collect();
            assert!(
                commands
                    .contains(&"kubectl auth can-i list endpoints --as=system:serviceaccount:shop:default"),
                "{commands:?}"
            );
        }
    }
}

#[test]
fn the_advice_fits_the_permission() {
    for (log, said, advised, not) in [
        (
            "listen tcp :80: bind: permission denied\n",
            ":80",
            "NET_BIND_SERVICE",
            "fsGroup",
        ),
        (
            "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)\n",
            "0.0.0.0:80",
            "ip_unprivileged_port_start",
            "fsGroup",
        ),
        (
            "open /data/x: permission denied\n",
            "/data/x",
            "fsGroup",
            "NET_BIND",
        ),
        (
            "mkdir: can't create directory '/var/cache/app': Permission denied\n",
            "no permission to make the folder /var/cache/app",
            "fsGroup",
            "NET_BIND",
        ),
        (
            "mkdir: can't create directory '/var/cache/app': No such file or directory\n",
            "parent does not exist",
            "image",
            "NET_BIND",
        ),
        (
            "ERROR upload failed: PUT https://files.example/x: 403 Forbidden\n",
            "403 Forbidden",
            "allows",
            "Secret that holds",
        ),
    ] {
        let outcome = Scene::new()
            .object(failed(1))
            .log("shop/app-1", "app", true, log)
            .diagnose();
        let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
        assert!(finding.headline.contains(said), "{}", finding.headline);
        let fixes: String = finding.fixes.iter().map(|fix| fix.text.as_str()).collect();
        assert!(fixes.contains(advised) && !fixes.contains(not), "{log}: {fixes}");
    }
}

#[test]
fn a_try_of_a_job_that_goes_on_is_a_warning_with_its_count() {
    let tried = |failed: i64, conditions: Value| {
        let mut it = self::failed(1);
        crate::testing::merge(
            &mut it,
            json!({
                "metadata": {"ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "app", "uid": "u-job", "controller": true}]},
                "spec": {"restartPolicy": "Never"}, "status": {"phase": "Failed"}
            }),
        );
        let end = json!({"exitCode": 1, "reason": "Error", "startedAt": "2026-03-01T11:57:00Z", "finishedAt": "2026-03-01T11:58:00Z"});
        it["status"]["containerStatuses"][0]["state"] = json!({"terminated": end});
        Scene::new()
            .object(it)
            .object(json!({"apiVersion": "batch/v1", "kind": "Job",
                "metadata": {"name": "app", "namespace": "shop", "uid": "u-job", "creationTimestamp": "2026-03-01T11:56:00Z"},
                "spec": {"backoffLimit": 6}, "status": {"failed": failed, "active": 1, "conditions": conditions}}))
            .log("shop/app-1", "app", false, "no luck\n")
            .diagnose()
    };
    let outcome = tried(1, json!([]));
    let finding = outcome.finding("EXT-ERROR");
    assert_eq!(finding.severity, sonde_model::Severity::Warning);
    assert!(
        finding
            .chain
            .iter()
            .any(|step| step.text.contains("failed 1 of 6 times and tries again")),
        "{:?}",
        finding.chain
    );
    let given_up = tried(
        7,
        json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]),
    );
    assert!(
        !given_up
            .report
            .findings
            .iter()
            .flat_map(|it| &it.chain)
            .any(|step| step.text.contains("tries again")),
        "{}",
        given_up.summary()
    );
}

#[test]
fn what_the_spec_says_of_the_place_is_told() {
    let token = "open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory\n";
    let read_only = "touch: /cfg/x: Read-only file system\n";
    for (spec, container, log, advised) in [
        (
            json!({"automountServiceAccountToken": false}),
            json!({}),
            token,
            "automountServiceAccountToken: true",
        ),
        (
            json!({"volumes": [{"name": "d", "configMap": {"name": "c"}}]}),
            json!({"volumeMounts": [{"name": "d", "mountPath": "/cfg"}]}),
            read_only,
            "emptyDir",
        ),
        (
            json!({}),
            json!({"securityContext": {"readOnlyRootFilesystem": true}}),
            read_only,
            "mount an emptyDir at /cfg",
        ),
        (
            json!({"securityContext": {"runAsUser": 1000}}),
            json!({}),
            "open /data/x: permission denied\n",
            "give user 1000 the right to /data/x",
        ),
    ] {
        let mut it = failed(1);
        crate::testing::merge(&mut it, json!({"spec": spec}));
        crate::testing::merge(&mut it["spec"]["containers"][0], container);
        let outcome = Scene::new()
            .object(it)
            .log("shop/app-1", "app", true, log)
            .diagnose();
        let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
        assert!(
            finding.fixes[0].text.contains(advised),
            "{log}: {:?}",
            finding.fixes
        );
    }
}

#[test]
fn names_the_service_that_does_not_exist() {
    let outcome = Scene::new()
        .object(failed(1))
        .object(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "postgres", "namespace": "shop"}}))
        .complete(&[Kind::Service])
        .log("shop/app-1", "app", true, "dial tcp: lookup postgre on 10.96.0.10:53: no such host\n")
        .diagnose();
    let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
    assert!(
        finding
            .chain
            .iter()
            .any(|step| step.text.contains("no service postgre exists")),
        "{:?}",
        finding.chain
    );
}

/// Each row: the container's settings and its last words; the name that is told, none where it is defined, meant, or
/// a shell's own.
#[test]
fn a_reference_that_kubernetes_left_as_it_is_is_the_cause() {
    let lookup = "dial tcp: lookup $(DB_HOST): no such host\n";
    for (container, log, told) in [
        (
            json!({"env": [{"name": "DB", "value": "$(DB_HOST)"}]}),
            lookup,
            Some("env DB"),
        ),
        (json!({"args": ["--db=$(DB_HOST)"]}), lookup, Some("args")),
        (
            // An entry does not see those behind it.
            json!({"env": [{"name": "DB", "value": "$(DB_HOST)"}, {"name": "DB_HOST", "value": "db"}]}),
            lookup,
            Some("env DB"),
        ),
        (
            json!({"env": [{"name": "DB_HOST", "value": "db"}], "args": ["--db=$(DB_HOST)"]}),
            lookup,
            None,
        ),
        (json!({}), lookup, None),
        (
            json!({"args": ["$$(DB_HOST)"]}),
            "error: open /data/$$(DB_HOST): no such file or directory\n",
            None,
        ),
        (
            json!({"args": ["--db=$(DB_HOST)"]}),
            "dial tcp: lookup db: no such host\n",
            None,
        ),
    ] {
        let mut it = failed(1);
        crate::testing::merge(&mut it["spec"]["containers"][0], container.clone());
        let outcome = Scene::new()
            .object(it)
            .log("shop/app-1", "app", true, log)
            .diagnose();
        let finding = outcome.finding("EXT-ERROR");
        let says = finding.headline.contains("it is given $(DB_HOST) as it stands");
        assert_eq!(says, told.is_some(), "{container}: {}", finding.headline);
        if let Some(place) = told {
            assert!(
                finding.fixes[0]
                    .text
                    .contains(&format!("before {place} refers to it")),
                "{:?}",
                finding.fixes
            );
        }
    }
}

#[test]
fn names_of_a_sets_pods_need_its_service() {
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "zk", "namespace": "shop"},
        "spec": {"replicas": 3, "serviceName": "zk", "podManagementPolicy": "Parallel"}, "status": {"replicas": 3}});
    let service =
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "zk", "namespace": "shop"}});
    for exists in [false, true] {
        let mut scene = Scene::new()
            .object(failed(1))
            .object(set.clone())
            .complete(&[Kind::Service])
            .log(
                "shop/app-1",
                "app",
                true,
                "java.net.UnknownHostException: zk-1.zk.shop.svc.cluster.local\n",
            );
        if exists {
            scene = scene.object(service.clone());
        }
        let outcome = scene.diagnose();
        let finding = outcome.finding("EXT-ERROR");
        let told = finding
            .fixes
            .iter()
            .any(|fix| fix.text.contains("headless service zk"));
        assert_eq!(told, !exists, "{:?}", finding.fixes);
    }
}

#[test]
fn only_likely_without_the_log_which_is_wanted() {
    let outcome = Scene::new().object(failed(1)).diagnose();
    outcome.finds_only("EXT-ERROR", Verdict::Likely);
    assert!(!outcome.wants.is_empty());
}

#[test]
fn refuted_when_the_kubelet_ended_it() {
    let mut it = failed(1);
    crate::testing::merge(
        &mut it,
        json!({"spec": {"containers": [{"name": "app", "livenessProbe": {"tcpSocket": {"port": 1}}}]}}),
    );
    Scene::new()
        .object(it)
        .container_event(
            "Pod/shop/app-1",
            "app",
            "Killing",
            "Container app failed liveness probe, will be restarted",
            "2026-03-01T11:57:58Z",
        )
        .diagnose()
        .lacks("EXT-ERROR")
        .rules_out("EXT-ERROR");
}

#[test]
fn over_when_it_has_run_well_since_and_calm_when_healthy() {
    let recovered = pod(json!({"status": {"containerStatuses": [status(json!({
        "restartCount": 1, "state": {"running": {"startedAt": "2026-03-01T11:20:00Z"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error",
            "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T11:19:58Z"}}
    }))]}}));
    let outcome = Scene::new().object(recovered).diagnose();
    assert!(outcome.is_calm().finding("EXT-ERROR").ended.is_some());
    let noisy = Scene::new()
        .object(pod(json!({})))
        .log("shop/app-1", "app", false, "ERROR: retrying\n");
    noisy.diagnose().is_calm();
}

#[test]
fn a_dropped_capability_is_named() {
    let advice = |capabilities: Value| {
        let it = pod(
            json!({"spec": {"containers": [{"name": "app", "securityContext": {"capabilities": capabilities}}]},
            "status": {"containerStatuses": [crashed(1, "Error")]}}),
        );
        let outcome = Scene::new()
            .object(it)
            .log(
                "shop/app-1",
                "app",
                true,
                "chown: /tmp: Operation not permitted\n",
            )
            .diagnose();
        outcome.finding("EXT-ERROR").fixes[0].text.contains("CHOWN")
    };
    assert!(advice(json!({"drop": ["ALL"]})));
    assert!(!advice(json!({"drop": ["ALL"], "add": ["CHOWN"]})));
    assert!(!advice(json!({"drop": ["NET_RAW"]})));
}
