//! Every cause of the family against its contract.

use serde_json::{Value, json};
use sonde_model::Verdict;

use super::CAUSES;
use super::killed::tests::{REFUSED, TIMED_OUT, http, scene};
use crate::testing::contract::{Contract, keep};
use crate::testing::{Scene, crashed, merge, pod, recovered};

const KILLED: &str = "Container app failed liveness probe, will be restarted";
const MISSING: &str = "Liveness probe errored: rpc error: code = Unknown desc = failed to exec in container: failed to start exec \"5\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"redis-cli\": executable file not found in $PATH: unknown";
const FAILS: &str = "Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory\n";
const EXEC_TIMEOUT: &str =
    "Liveness probe failed: command timed out: \"cat /tmp/healthy\" timed out after 1s";
const STATUS: &str = "Liveness probe failed: HTTP probe failed with statuscode: 500";
const RESET: &str = "Liveness probe failed: Get \"http://10.0.0.9:8080/healthz\": read tcp 10.0.0.1:4000->10.0.0.9:8080: read: connection reset by peer";
const STARTUP_REFUSED: &str = "Startup probe failed: dial tcp 10.0.0.9:8080: connect: connection refused";

fn exec() -> Value {
    json!({"livenessProbe": {"exec": {"command": ["cat", "/tmp/healthy"]}}})
}

fn startup() -> Value {
    json!({"startupProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 3}})
}

/// The kubelet killed it for this.
fn killed(probe: Value, said: &str) -> Scene {
    scene(probe, said, true)
}

/// It was killed, and no word is left of whom.
fn wordless(probe: Value) -> Scene {
    scene(probe, "", false)
}

/// It runs, and its probe failed once a moment ago.
fn healthy(probe: Value, said: &str) -> Scene {
    let mut it = pod(json!({"spec": {"containers": [{"name": "app"}]}}));
    merge(&mut it["spec"]["containers"][0], probe);
    Scene::new().object(it).container_event(
        "Pod/shop/app-1",
        "app",
        "Unhealthy",
        said,
        "2026-03-01T11:59:00Z",
    )
}

/// It was killed at 11:19, and has run well since.
fn over(probe: Value, said: &str) -> Scene {
    let kind = if probe.get("startupProbe").is_some() {
        "startup"
    } else {
        "liveness"
    };
    let mut it = pod(
        json!({"spec": {"containers": [{"name": "app"}]}, "status": {"containerStatuses": [recovered(137, "Error")]}}),
    );
    merge(&mut it["spec"]["containers"][0], probe);
    Scene::new()
        .object(it)
        .container_event("Pod/shop/app-1", "app", "Unhealthy", said, "2026-03-01T11:19:30Z")
        .container_event(
            "Pod/shop/app-1",
            "app",
            "Killing",
            &KILLED.replace("liveness", kind),
            "2026-03-01T11:19:30Z",
        )
}

/// A run of one minute, in which the application was up only after 40 seconds.
fn short(log: &str, reason: &str) -> Scene {
    let mut it = pod(
        json!({"spec": {"containers": [{"name": "app", "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "initialDelaySeconds": 5, "periodSeconds": 10}}]},
        "status": {"containerStatuses": [crashed(137, reason)]}}),
    );
    it["status"]["containerStatuses"][0]["lastState"]["terminated"]["startedAt"] =
        "2026-03-01T11:57:00Z".into();
    Scene::new()
        .object(it)
        .container_event(
            "Pod/shop/app-1",
            "app",
            "Unhealthy",
            REFUSED,
            "2026-03-01T11:57:35Z",
        )
        .container_event("Pod/shop/app-1", "app", "Killing", KILLED, "2026-03-01T11:57:35Z")
        .log("shop/app-1", "app", true, log)
}

fn replica(name: &str, state: Value) -> Value {
    pod(json!({"metadata": {"name": name, "uid": name},
        "spec": {"containers": [{"name": "app", "resources": {"limits": {"cpu": "200m"}}, "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}}}]},
        "status": {"containerStatuses": [state]}}))
}

/// Replicas of one workload; those that are sick were killed for answers that came too late.
fn replicas(sick: &[&str], well: &[&str], time: &str) -> Scene {
    let mut scene = Scene::new();
    for name in well {
        scene = scene.object(replica(name, crate::testing::status(json!({}))));
    }
    for name in sick {
        let about = format!("Pod/shop/{name}");
        let state = if time.starts_with("11:57") {
            crashed(137, "Error")
        } else {
            recovered(137, "Error")
        };
        let at = format!("2026-03-01T{time}Z");
        scene = scene
            .object(replica(name, state))
            .container_event(&about, "app", "Unhealthy", TIMED_OUT, &at)
            .container_event(&about, "app", "Killing", KILLED, &at);
    }
    scene
}

const TABLE: &[Contract] = &[
    Contract {
        code: "LIV-EXEC-PROBE-BROKEN",
        verdict: Verdict::Proven,
        found: || killed(exec(), MISSING),
        rival: ("LIV-EXEC-PROBE-FAILS", || killed(exec(), FAILS)),
        open: || wordless(exec()),
        healthy: || healthy(exec(), FAILS),
        over: || over(exec(), MISSING),
    },
    Contract {
        code: "LIV-EXEC-PROBE-FAILS",
        verdict: Verdict::Proven,
        found: || killed(exec(), FAILS),
        rival: ("LIV-EXEC-PROBE-TIMEOUT", || killed(exec(), EXEC_TIMEOUT)),
        open: || wordless(exec()),
        healthy: || healthy(exec(), FAILS),
        over: || over(exec(), FAILS),
    },
    Contract {
        code: "LIV-EXEC-PROBE-TIMEOUT",
        verdict: Verdict::Proven,
        found: || killed(exec(), EXEC_TIMEOUT),
        rival: ("LIV-EXEC-PROBE-FAILS", || killed(exec(), FAILS)),
        open: || wordless(exec()),
        healthy: || healthy(exec(), EXEC_TIMEOUT),
        over: || over(exec(), EXEC_TIMEOUT),
    },
    Contract {
        code: "LIV-LIVENESS-KILL",
        verdict: Verdict::Proven,
        found: || killed(http(8080), RESET),
        rival: ("LIV-STATUS-CODE", || killed(http(8080), STATUS)),
        open: || wordless(http(8080)),
        healthy: || healthy(http(8080), RESET),
        over: || over(http(8080), RESET),
    },
    Contract {
        code: "LIV-OSCILLATION",
        verdict: Verdict::Likely,
        found: || replicas(&["app-1", "app-2"], &["app-3"], "11:57:30"),
        rival: ("LIV-TIMEOUT", || {
            replicas(&["app-1"], &["app-2", "app-3"], "11:57:30")
        }),
        // The other replica's events are gone.
        open: || replicas(&["app-1"], &["app-3"], "11:57:30").object(replica("app-2", crashed(137, "Error"))),
        healthy: || replicas(&[], &["app-1", "app-2", "app-3"], "11:57:30"),
        over: || replicas(&["app-1", "app-2"], &["app-3"], "11:19:30"),
    },
    Contract {
        code: "LIV-PORT-CLOSED",
        verdict: Verdict::Proven,
        found: || killed(http(8080), REFUSED),
        rival: ("LIV-TIMEOUT", || killed(http(8080), TIMED_OUT)),
        // The kubelet's word that it was the probe is missing.
        open: || scene(http(8080), REFUSED, false),
        healthy: || healthy(http(8080), REFUSED),
        over: || over(http(8080), REFUSED),
    },
    Contract {
        code: "LIV-STARTED-TOO-SLOWLY",
        verdict: Verdict::Proven,
        found: || {
            short(
                "2026-03-01T11:57:01Z loading\n2026-03-01T11:57:40Z Server listening on port 8080\n",
                "Error",
            )
        },
        rival: ("LIV-PORT-CLOSED", || {
            killed(http(8080), REFUSED).log("shop/app-1", "app", true, "2026-03-01T11:50:02Z serving\n")
        }),
        // Its last words only sound like a start.
        open: || short("loading caches\n", "Error"),
        healthy: || healthy(http(8080), REFUSED),
        over: || over(http(8080), REFUSED).log("shop/app-1", "app", true, "loading\n"),
    },
    Contract {
        code: "LIV-STARTUP-KILL",
        verdict: Verdict::Proven,
        found: || killed(startup(), STARTUP_REFUSED),
        rival: ("LIV-PORT-CLOSED", || killed(http(8080), REFUSED)),
        open: || wordless(startup()),
        healthy: || healthy(startup(), STARTUP_REFUSED),
        over: || over(startup(), STARTUP_REFUSED),
    },
    Contract {
        code: "LIV-STATUS-CODE",
        verdict: Verdict::Proven,
        found: || killed(http(8080), STATUS),
        rival: ("LIV-PORT-CLOSED", || killed(http(8080), REFUSED)),
        open: || wordless(http(8080)),
        healthy: || healthy(http(8080), STATUS),
        over: || over(http(8080), STATUS),
    },
    Contract {
        code: "LIV-TIMEOUT",
        verdict: Verdict::Proven,
        found: || killed(http(8080), TIMED_OUT),
        rival: ("LIV-STATUS-CODE", || killed(http(8080), STATUS)),
        open: || wordless(http(8080)),
        healthy: || healthy(http(8080), TIMED_OUT),
        over: || over(http(8080), TIMED_OUT),
    },
];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, TABLE);
}

/// The kernel killed the run; a probe that failed shortly before is not who did it.
#[test]
fn a_failing_probe_does_not_explain_a_kill_for_memory() {
    for said in [REFUSED, TIMED_OUT, STATUS, FAILS] {
        let mut it = pod(
            json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}, "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}}}]},
            "status": {"containerStatuses": [crashed(137, "OOMKilled")]}}),
        );
        it["spec"]["containers"][0]["image"] = "registry.example/app:1".into();
        let scene = Scene::new().object(it).container_event(
            "Pod/shop/app-1",
            "app",
            "Unhealthy",
            said,
            "2026-03-01T11:57:50Z",
        );
        scene
            .diagnose()
            .finds_only("OOM-CONTAINER-LIMIT", Verdict::Likely);
    }
}
