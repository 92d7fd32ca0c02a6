//! Every cause of the family against its contract.

use serde_json::{Value, json};
use sonde_model::{SenderKind, Severity, Verdict};

use super::CAUSES;
use crate::testing::agent::{Agent, agent};
use crate::testing::contract::{Contract, keep};
use crate::testing::{Scene, crashed, merge, pod, recovered, status};

/// It ends so again and again; its last run from 11:50 to 11:58.
fn ended(code: i64) -> Scene {
    with(code, "Error", json!({}))
}

fn with(code: i64, reason: &str, patch: Value) -> Scene {
    let mut it = pod(json!({"status": {"containerStatuses": [crashed(code, reason)]}}));
    merge(&mut it, patch);
    Scene::new().object(it)
}

fn says(code: i64, log: &str) -> Scene {
    ended(code).log("shop/app-1", "app", true, log)
}

/// It has run well for forty minutes since it ended so.
fn over(code: i64, reason: &str) -> Scene {
    Scene::new()
        .object(pod(
            json!({"status": {"containerStatuses": [recovered(code, reason)]}}),
        ))
        .log(
            "shop/app-1",
            "app",
            true,
            "FATAL: password authentication failed for user \"orders\"\n",
        )
}

/// It runs; its log and the cluster's events are noisy.
fn noisy() -> Scene {
    Scene::new()
        .object(pod(json!({})))
        .log("shop/app-1", "app", false, "sh: jq: not found\nERROR: connection refused, retrying\n")
        .event("Node//n1", "Rebooted", "Node n1 has been rebooted, boot id: 6f1c", "2026-03-01T09:59:00Z")
        .kubelet("n1", "time=\"2026-03-01T11:58:10.000000000Z\" level=info msg=\"containerd successfully booted in 0.041213s\"")
}

fn killing(scene: Scene, message: &str, time: &str) -> Scene {
    scene.container_event("Pod/shop/app-1", "app", "Killing", message, time)
}

fn by_liveness(code: i64) -> Scene {
    let probed =
        json!({"spec": {"containers": [{"name": "app", "livenessProbe": {"tcpSocket": {"port": 1}}}]}});
    killing(
        with(code, "Error", probed),
        "Container app failed liveness probe, will be restarted",
        "2026-03-01T11:57:30Z",
    )
}

/// A person's SIGKILL.
fn by_hand(scene: Scene) -> Scene {
    let agent = agent().sent("11:57:59.6", 9, SenderKind::NodeProcess);
    scene.agent(&agent.ended("11:57:59.6", 9))
}

/// The runtime's SIGTERM, which is ignored, and its SIGKILL.
fn stopped() -> Agent {
    agent()
        .ignored("11:57:30.5", 15, SenderKind::Runtime)
        .sent("11:57:59.6", 9, SenderKind::Runtime)
        .ended("11:57:59.6", 9)
}

fn lost() -> Scene {
    with(255, "Unknown", json!({}))
}

fn rebooted() -> Scene {
    lost().event(
        "Node//n1",
        "Rebooted",
        "Node n1 has been rebooted, boot id: 6f1c",
        "2026-03-01T11:59:00Z",
    )
}

fn runtime_back() -> Scene {
    lost().kubelet("n1", "time=\"2026-03-01T11:58:10.000000000Z\" level=info msg=\"containerd successfully booted in 0.041213s\"")
}

const SHUTDOWN: &str = "I0301 11:57:30.000000     812 nodeshutdown_manager_linux.go:265] \"Shutdown manager detected new shutdown event, isNodeShuttingDownNow\" event=true";

/// Both logs of the node were read across the end, and neither tells of a kill.
fn nobody_did_it() -> Scene {
    let lines = "I0301 11:55:00.000000     812 kubelet.go:2500] \"SyncLoop (PLEG)\" pod=\"shop/other\"\nI0301 11:59:30.000000     812 kubelet.go:2500] \"SyncLoop (PLEG)\" pod=\"shop/other\"";
    ended(137)
        .kubelet("n1", lines)
        .kernel("n1", "2026-03-01T11:55:00+00:00 n1 kernel: eth0: link up\n2026-03-01T11:59:30+00:00 n1 kernel: eth0: link up\n")
}

fn deadline(reason: Value) -> Value {
    let end = json!({"exitCode": 143, "reason": "Error", "startedAt": "2026-03-01T11:50:00Z", "finishedAt": "2026-03-01T11:58:00Z"});
    pod(
        json!({"metadata": {"ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u-job", "controller": true}]},
        "spec": {"restartPolicy": "Never", "activeDeadlineSeconds": 480},
        "status": {"phase": "Failed", "reason": reason, "message": "Pod was active on the node longer than the specified deadline",
            "containerStatuses": [status(json!({"ready": false, "state": {"running": null, "terminated": end}}))]}}),
    )
}

const TABLE: &[Contract] = &[
    Contract {
        code: "EXT-ABORT",
        verdict: Verdict::Proven,
        found: || says(134, "server: main.c:12: serve: Assertion `fd >= 0' failed.\n"),
        rival: ("EXT-SEGFAULT", || says(139, "Segmentation fault (core dumped)\n")),
        open: lost,
        healthy: noisy,
        over: || over(134, "Error"),
    },
    Contract {
        code: "EXT-SEGFAULT",
        verdict: Verdict::Proven,
        found: || says(139, "Segmentation fault (core dumped)\n"),
        rival: ("EXT-SIGNAL", || ended(135)),
        open: lost,
        healthy: noisy,
        over: || over(139, "Error"),
    },
    Contract {
        code: "EXT-SIGNAL",
        verdict: Verdict::Likely,
        found: || ended(130),
        rival: ("EXT-TERMINATED", || {
            killing(
                ended(131),
                "Container app definition changed, will be restarted",
                "2026-03-01T11:57:58Z",
            )
        }),
        open: lost,
        healthy: noisy,
        over: || over(130, "Error"),
    },
    Contract {
        code: "EXT-COMMAND-NOT-FOUND",
        verdict: Verdict::Proven,
        found: || says(127, "/entrypoint.sh: line 3: jq: command not found\n"),
        rival: ("EXT-NOT-EXECUTABLE", || {
            says(126, "sh: /app/run: Permission denied\n")
        }),
        open: || ended(127),
        healthy: noisy,
        over: || over(127, "Error"),
    },
    Contract {
        code: "EXT-NOT-EXECUTABLE",
        verdict: Verdict::Proven,
        found: || says(126, "sh: /app/run: Permission denied\n"),
        rival: ("EXT-COMMAND-NOT-FOUND", || says(127, "sh: java: not found\n")),
        open: || ended(126),
        healthy: noisy,
        over: || over(126, "Error"),
    },
    Contract {
        code: "EXT-COMPLETED",
        verdict: Verdict::Proven,
        found: || {
            with(
                0,
                "Completed",
                json!({"spec": {"containers": [{"name": "app", "command": ["sh", "-c", "httpd &"]}]}}),
            )
        },
        rival: ("LIV-LIVENESS-KILL", || by_liveness(0)),
        open: || {
            with(0, "Completed", json!({})).log(
                "shop/app-1",
                "app",
                true,
                "received SIGTERM, shutting down\n",
            )
        },
        healthy: || {
            let done = json!({"exitCode": 0, "reason": "Completed", "finishedAt": "2026-03-01T11:58:00Z"});
            Scene::new().object(pod(json!({"spec": {"restartPolicy": "OnFailure"}, "status": {"phase": "Succeeded",
                "containerStatuses": [status(json!({"ready": false, "state": {"running": null, "terminated": done}}))]}})))
        },
        over: || over(0, "Completed"),
    },
    Contract {
        code: "EXT-ERROR",
        verdict: Verdict::Proven,
        found: || says(1, "FATAL: password authentication failed for user \"orders\"\n"),
        rival: ("LIV-LIVENESS-KILL", || by_liveness(1)),
        open: || ended(1),
        healthy: noisy,
        over: || over(1, "Error"),
    },
    Contract {
        code: "EXT-DEADLINE",
        verdict: Verdict::Proven,
        found: || Scene::new().object(deadline(json!("DeadlineExceeded"))),
        rival: ("EVI-API", || {
            let mut it = deadline(Value::Null);
            merge(
                &mut it,
                json!({"status": {"message": null, "conditions": [
                {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}]}}),
            );
            Scene::new().object(it)
        }),
        open: || {
            let mut it = deadline(Value::Null);
            merge(&mut it, json!({"status": {"message": null}}));
            Scene::new().object(it)
        },
        healthy: || Scene::new().object(pod(json!({"spec": {"activeDeadlineSeconds": 99999}}))),
        over: || {
            Scene::new().object(deadline(json!("DeadlineExceeded"))).object(json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "j", "namespace": "shop", "uid": "u-job"}, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}))
        },
    },
    Contract {
        code: "EXT-GRACE-EXCEEDED",
        verdict: Verdict::Proven,
        found: || killing(ended(137), "Stopping container app", "2026-03-01T11:57:30Z"),
        rival: ("LIV-LIVENESS-KILL", || by_liveness(137)),
        open: || ended(137),
        healthy: || killing(noisy(), "Stopping container app", "2026-03-01T09:59:30Z"),
        over: || {
            killing(
                over(137, "Error"),
                "Stopping container app",
                "2026-03-01T11:19:20Z",
            )
        },
    },
    Contract {
        code: "EXT-KILLED",
        verdict: Verdict::Likely,
        found: nobody_did_it,
        rival: ("EXT-GRACE-EXCEEDED", || {
            killing(nobody_did_it(), "Stopping container app", "2026-03-01T11:57:30Z")
        }),
        open: || ended(137),
        healthy: noisy,
        over: || over(137, "Error"),
    },
    // An agent saw who it was.
    Contract {
        code: "EXT-KILLED",
        verdict: Verdict::Proven,
        found: || by_hand(ended(137)),
        rival: ("EXT-GRACE-EXCEEDED", || ended(137).agent(&stopped())),
        open: nobody_did_it,
        healthy: || noisy().agent(&agent().killed_child("11:57:59.6", SenderKind::NodeProcess)),
        over: || by_hand(over(137, "Error")),
    },
    Contract {
        code: "EXT-GRACE-EXCEEDED",
        verdict: Verdict::Proven,
        found: || ended(137).agent(&stopped()),
        rival: ("EXT-KILLED", || {
            by_hand(killing(
                ended(137),
                "Stopping container app",
                "2026-03-01T11:57:30Z",
            ))
        }),
        open: || ended(137).agent(&agent().sent("11:57:59.6", 9, SenderKind::Runtime)),
        healthy: || noisy().agent(&agent().ignored("11:57:30.5", 15, SenderKind::Runtime)),
        over: || over(137, "Error").agent(&stopped()),
    },
    Contract {
        code: "EXT-TERMINATED",
        verdict: Verdict::Proven,
        found: || killing(ended(143), "Stopping container app", "2026-03-01T11:57:58Z"),
        rival: ("LIV-LIVENESS-KILL", || by_liveness(143)),
        open: || ended(143),
        healthy: || killing(noisy(), "Stopping container app", "2026-03-01T09:59:30Z"),
        over: || {
            killing(
                over(143, "Error"),
                "Stopping container app",
                "2026-03-01T11:19:57Z",
            )
        },
    },
    Contract {
        code: "EXT-NODE-RESTART",
        verdict: Verdict::Proven,
        found: rebooted,
        rival: ("EXT-RUNTIME-RESTART", runtime_back),
        open: lost,
        healthy: noisy,
        over: || {
            over(255, "Unknown").event(
                "Node//n1",
                "Rebooted",
                "Node n1 has been rebooted, boot id: 6f1c",
                "2026-03-01T11:19:30Z",
            )
        },
    },
    Contract {
        code: "EXT-RUNTIME-RESTART",
        verdict: Verdict::Proven,
        found: runtime_back,
        rival: ("EXT-NODE-RESTART", rebooted),
        open: lost,
        healthy: noisy,
        over: || over(255, "Unknown"),
    },
    Contract {
        code: "EXT-NODE-SHUTDOWN",
        verdict: Verdict::Proven,
        found: || ended(143).kubelet("n1", SHUTDOWN),
        // A shutdown of yesterday, and an application that fails today.
        rival: ("EXT-ERROR", || {
            says(1, "FATAL: no license\n").kubelet("n1", &SHUTDOWN.replace("11:57:30", "09:57:30"))
        }),
        open: || ended(143),
        healthy: || noisy().kubelet("n1", SHUTDOWN),
        over: || over(143, "Error").kubelet("n1", &SHUTDOWN.replace("11:57:30", "11:19:30")),
    },
];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, TABLE);
}

/// After a reboot its pods are back within a minute: a warning about the node, no error of theirs.
#[test]
fn pods_that_are_back_after_a_reboot_are_a_warning_about_the_node() {
    let back = status(
        json!({"restartCount": 1, "containerID": format!("containerd://{}", "e".repeat(64)),
        "state": {"running": {"startedAt": "2026-03-01T11:58:40Z"}},
        "lastState": {"terminated": {"exitCode": 255, "reason": "Unknown", "startedAt": "2026-02-20T10:00:00Z", "finishedAt": "2026-03-01T11:58:00Z"}}}),
    );
    let scene = Scene::new().object(pod(json!({"status": {"containerStatuses": [back]}})));
    let outcome = scene
        .event(
            "Node//n1",
            "Rebooted",
            "Node n1 has been rebooted, boot id: 6f1c",
            "2026-03-01T11:58:10Z",
        )
        .diagnose();
    assert_eq!(
        outcome.finds_only("EXT-NODE-RESTART", Verdict::Proven).severity,
        Severity::Warning
    );
}

/// A drained pod of a Job that did not end in its grace: who asked for the end is the cause, not that it was slow.
#[test]
fn who_asked_for_the_end_comes_before_how_it_ended() {
    let mut it = deadline(Value::Null);
    merge(
        &mut it,
        json!({"status": {"message": null, "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}]}}),
    );
    it["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] = 137.into();
    let slow = killing(
        Scene::new().object(it),
        "Stopping container app",
        "2026-03-01T11:57:30Z",
    );
    slow.diagnose().finds_only("EVI-API", Verdict::Proven);
}
