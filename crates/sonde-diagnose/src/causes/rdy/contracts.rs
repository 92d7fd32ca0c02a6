//! Every cause of the family against its contract.

use serde_json::{Value, json};
use sonde_model::Verdict;

use super::CAUSES;
use super::unready::tests::scene;
use crate::testing::contract::{Contract, keep};
use crate::testing::{Scene, merge, pod, status};

const REFUSED: &str = "Readiness probe failed: Get \"http://10.0.0.9:8080/ready\": dial tcp 10.0.0.9:8080: connect: connection refused";
const TIMED_OUT: &str = "Readiness probe failed: Get \"http://10.0.0.9:8080/ready\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
const RESET: &str = "Readiness probe failed: Get \"http://10.0.0.9:8080/ready\": read tcp 10.0.0.1:4->10.0.0.9:8080: read: connection reset by peer";
const STATUS: &str = "Readiness probe failed: HTTP probe failed with statuscode: 503";
const ABSENT: &str = "Readiness probe failed: HTTP probe failed with statuscode: 404";
const SCHEME: &str = "Readiness probe failed: Get \"https://10.0.0.9:8080/ready\": http: server gave HTTP response to HTTPS client";
const BROKEN: &str = "Readiness probe errored: rpc error: code = Unknown desc = failed to exec in container: failed to start exec \"5\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"pg_isready\": executable file not found in $PATH: unknown";
const FAILS: &str = "Readiness probe failed: localhost:5432 - no response\n";
const GRPC: &str = "Readiness probe failed: service unhealthy (responded with \"NOT_SERVING\")";

fn plain() -> Value {
    json!({})
}

fn exec() -> Value {
    json!({"readinessProbe": {"httpGet": null, "exec": {"command": ["pg_isready", "-h", "localhost"]}}})
}

fn https() -> Value {
    json!({"readinessProbe": {"httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTPS"}}})
}

fn grpc() -> Value {
    json!({"readinessProbe": {"httpGet": null, "grpc": {"port": 8080}}})
}

fn limited() -> Value {
    json!({"resources": {"limits": {"cpu": "200m"}}})
}

fn logged(container: Value, said: &str, log: &str) -> Scene {
    scene(container, said).log("shop/app-1", "app", false, log)
}

/// Not ready, and nobody says why.
fn wordless(container: Value) -> Scene {
    scene(container, "")
}

/// It was started a moment ago, and its probe may still fail.
fn young(container: Value, said: &str) -> Scene {
    let mut spec = json!({"name": "app", "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 10, "failureThreshold": 3}});
    merge(&mut spec, container);
    let it = pod(json!({"spec": {"containers": [spec]}, "status": {
        "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": "2026-03-01T11:59:40Z"}],
        "containerStatuses": [status(json!({"ready": false, "state": {"running": {"startedAt": "2026-03-01T11:59:41Z"}}}))]}}));
    Scene::new().object(it).container_event(
        "Pod/shop/app-1",
        "app",
        "Unhealthy",
        said,
        "2026-03-01T11:59:51Z",
    )
}

/// It is ready since long, and was not at first.
fn over(container: Value, said: &str) -> Scene {
    let mut spec = json!({"name": "app", "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}}});
    merge(&mut spec, container);
    Scene::new()
        .object(pod(json!({"spec": {"containers": [spec]}})))
        .container_event("Pod/shop/app-1", "app", "Unhealthy", said, "2026-03-01T11:58:00Z")
}

/// Probes of three other workloads of the node (or of another) time out in the same minutes as one that passed before.
fn neighbours(node: &str) -> Scene {
    let mut it = Scene::new().object(pod(json!({
        "spec": {"containers": [{"name": "app", "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}}}]},
        "status": {
            "conditions": [{"type": "ContainersReady", "status": "False", "lastTransitionTime": "2026-03-01T11:57:00Z"}],
            "containerStatuses": [status(json!({"ready": false}))]
        }})));
    it = it.event("Pod/shop/app-1", "Unhealthy", TIMED_OUT, "2026-03-01T11:59:00Z");
    for name in ["db", "web", "mail"] {
        let other = pod(
            json!({"metadata": {"name": name, "uid": name, "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": name, "controller": true}]},
            "spec": {"nodeName": node}}),
        );
        it = it.object(other).event(
            &format!("Pod/shop/{name}"),
            "Unhealthy",
            TIMED_OUT,
            "2026-03-01T11:58:30Z",
        );
    }
    it
}

fn gated(status: &str, since: &str) -> Scene {
    let reason = if status == "True" {
        ""
    } else {
        "ReadinessGatesNotReady"
    };
    Scene::new().object(pod(json!({"spec": {"readinessGates": [{"conditionType": "example.com/attached"}]}, "status": {"conditions": [
        {"type": "PodScheduled", "status": "True"}, {"type": "ContainersReady", "status": "True"},
        {"type": "example.com/attached", "status": status},
        {"type": "Ready", "status": status, "reason": reason, "message": "the status of pod readiness gate \"example.com/attached\" is not \"True\", but False", "lastTransitionTime": since}]}})))
}

const TABLE: &[Contract] = &[
    Contract {
        code: "RDY-NOTHING-LISTENS",
        verdict: Verdict::Proven,
        found: || logged(plain(), REFUSED, "hello\n"),
        rival: ("RDY-WRONG-PORT", || {
            logged(plain(), REFUSED, "Server listening on port 9090\n")
        }),
        open: || wordless(plain()),
        healthy: || young(plain(), REFUSED),
        over: || over(plain(), REFUSED),
    },
    Contract {
        code: "RDY-WRONG-PORT",
        verdict: Verdict::Proven,
        found: || logged(plain(), REFUSED, "Server listening on port 9090\n"),
        rival: ("RDY-STATUS-CODE", || {
            logged(
                plain(),
                STATUS,
                "Server listening on port 8080\nadmin listening on port 9090\n",
            )
        }),
        open: || wordless(plain()),
        healthy: || {
            young(plain(), REFUSED).log("shop/app-1", "app", false, "Server listening on port 9090\n")
        },
        over: || over(plain(), REFUSED).log("shop/app-1", "app", false, "Server listening on port 8080\n"),
    },
    Contract {
        code: "RDY-BUDGET-TOO-TIGHT",
        verdict: Verdict::Proven,
        found: || {
            logged(
                plain(),
                REFUSED,
                "2026-03-01T11:59:10Z Server listening on port 8080\n",
            )
        },
        rival: ("RDY-NOTHING-LISTENS", || {
            logged(
                plain(),
                REFUSED,
                "2026-03-01T11:00:20Z Server listening on port 8080\n",
            )
        }),
        open: || scene(plain(), REFUSED),
        healthy: || {
            young(plain(), REFUSED).log(
                "shop/app-1",
                "app",
                false,
                "2026-03-01T11:59:55Z Server listening on port 8080\n",
            )
        },
        over: || {
            over(plain(), REFUSED).log(
                "shop/app-1",
                "app",
                false,
                "2026-03-01T10:05:00Z Server listening on port 8080\n",
            )
        },
    },
    Contract {
        code: "RDY-WRONG-PATH",
        verdict: Verdict::Proven,
        found: || scene(plain(), ABSENT),
        rival: ("RDY-STATUS-CODE", || scene(plain(), STATUS)),
        open: || wordless(plain()),
        healthy: || young(plain(), ABSENT),
        over: || over(plain(), ABSENT),
    },
    Contract {
        code: "RDY-WRONG-SCHEME",
        verdict: Verdict::Proven,
        found: || scene(https(), SCHEME),
        rival: ("RDY-WRONG-PATH", || scene(https(), ABSENT)),
        open: || wordless(https()),
        healthy: || young(https(), SCHEME),
        over: || over(https(), SCHEME),
    },
    Contract {
        code: "RDY-STATUS-CODE",
        verdict: Verdict::Proven,
        found: || scene(plain(), STATUS),
        rival: ("RDY-WRONG-PATH", || scene(plain(), ABSENT)),
        open: || wordless(plain()),
        healthy: || young(plain(), STATUS),
        over: || over(plain(), STATUS),
    },
    Contract {
        code: "RDY-TIMEOUT",
        verdict: Verdict::Proven,
        found: || scene(plain(), TIMED_OUT),
        rival: ("RDY-TIMEOUT-CPU-LIMIT", || {
            scene(limited(), TIMED_OUT).throttled("app-1", "app", 1000, 812)
        }),
        // Whether its CPU limit holds it back nobody counted.
        open: || scene(limited(), TIMED_OUT),
        healthy: || young(plain(), TIMED_OUT),
        over: || over(plain(), TIMED_OUT),
    },
    Contract {
        code: "RDY-TIMEOUT-CPU-LIMIT",
        verdict: Verdict::Proven,
        found: || scene(limited(), TIMED_OUT).throttled("app-1", "app", 1000, 812),
        rival: ("RDY-TIMEOUT", || {
            scene(limited(), TIMED_OUT).throttled("app-1", "app", 1000, 120)
        }),
        open: || scene(limited(), TIMED_OUT),
        healthy: || young(limited(), TIMED_OUT).throttled("app-1", "app", 1000, 812),
        over: || over(limited(), TIMED_OUT).throttled("app-1", "app", 1000, 812),
    },
    Contract {
        code: "RDY-TIMEOUT-NODE-LOAD",
        verdict: Verdict::Likely,
        found: || neighbours("n1"),
        rival: ("RDY-TIMEOUT", || neighbours("n2")),
        open: || scene(limited(), TIMED_OUT),
        healthy: || young(plain(), TIMED_OUT),
        over: || over(plain(), TIMED_OUT),
    },
    Contract {
        code: "RDY-EXEC-PROBE-BROKEN",
        verdict: Verdict::Proven,
        found: || scene(exec(), BROKEN),
        rival: ("RDY-EXEC-PROBE-FAILS", || scene(exec(), FAILS)),
        open: || wordless(exec()),
        healthy: || young(exec(), FAILS),
        over: || over(exec(), BROKEN),
    },
    Contract {
        code: "RDY-EXEC-PROBE-FAILS",
        verdict: Verdict::Proven,
        found: || scene(exec(), FAILS),
        rival: ("RDY-EXEC-PROBE-BROKEN", || scene(exec(), BROKEN)),
        open: || wordless(exec()),
        healthy: || young(exec(), FAILS),
        over: || over(exec(), FAILS),
    },
    Contract {
        code: "RDY-GRPC-NOT-SERVING",
        verdict: Verdict::Proven,
        found: || scene(grpc(), GRPC),
        rival: ("RDY-PROBE-FAILS", || scene(plain(), RESET)),
        open: || wordless(grpc()),
        healthy: || young(grpc(), GRPC),
        over: || over(grpc(), GRPC),
    },
    Contract {
        code: "RDY-PROBE-FAILS",
        verdict: Verdict::Proven,
        found: || scene(plain(), RESET),
        rival: ("RDY-NOTHING-LISTENS", || logged(plain(), REFUSED, "hello\n")),
        open: || wordless(plain()),
        healthy: || young(plain(), RESET),
        over: || over(plain(), RESET),
    },
    Contract {
        code: "RDY-READINESS-GATE",
        verdict: Verdict::Proven,
        found: || gated("False", "2026-03-01T11:00:00Z"),
        rival: ("RDY-STATUS-CODE", || scene(plain(), STATUS)),
        open: || wordless(plain()),
        // The load balancer's controller is about to set it.
        healthy: || gated("False", "2026-03-01T11:59:15Z"),
        over: || gated("True", "2026-03-01T11:59:15Z"),
    },
];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, TABLE);
}
