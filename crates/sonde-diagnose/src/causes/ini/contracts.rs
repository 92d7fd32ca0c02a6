//! Every cause of the family against its contract.

use serde_json::{Value, json};
use sonde_model::{Kind, Verdict};

use super::CAUSES;
use crate::testing::contract::{Contract, keep};
use crate::testing::{Scene, crashed, merge, pod, status};

const LOOP: &str = "until nslookup orders-db; do echo waiting for orders-db; sleep 2; done";
const REFUSED: &str = "Startup probe failed: dial tcp 10.1.0.5:15001: connect: connection refused";

fn behind() -> Value {
    status(
        json!({"ready": false, "started": false, "state": {"running": null, "waiting": {"reason": "PodInitializing"}}}),
    )
}

/// An init container with this spec and status, and a container that waits for it.
fn blocked(container: Value, init: Value) -> Value {
    pod(json!({"spec": {"initContainers": [container]},
        "status": {"phase": "Pending", "conditions": [], "initContainerStatuses": [init], "containerStatuses": [behind()]}}))
}

fn runs(name: &str, since: &str) -> Value {
    status(
        json!({"name": name, "ready": false, "started": false, "state": {"running": {"startedAt": since}}}),
    )
}

fn works(since: &str) -> Scene {
    Scene::new().object(blocked(
        json!({"name": "migrate", "image": "b", "command": ["/migrate"]}),
        runs("migrate", since),
    ))
}

fn waits(since: &str) -> Scene {
    Scene::new()
        .object(blocked(
            json!({"name": "wait", "image": "b", "command": ["sh", "-c", LOOP]}),
            runs("wait", since),
        ))
        .log("shop/app-1", "wait", false, "waiting for orders-db\n")
}

fn absent(since: &str) -> Scene {
    waits(since).complete(&[Kind::Service, Kind::EndpointSlice])
}

fn proxy() -> Value {
    json!({"name": "proxy", "image": "p", "restartPolicy": "Always", "startupProbe": {"tcpSocket": {"port": 15001}, "periodSeconds": 1, "failureThreshold": 30}})
}

fn sidecar(since: &str) -> Scene {
    Scene::new().object(blocked(proxy(), runs("proxy", since)))
}

fn failing(scene: Scene, time: &str) -> Scene {
    scene.container_event("Pod/shop/app-1", "proxy", "Unhealthy", REFUSED, time)
}

/// It has ended well, and the container behind it runs.
fn done(container: Value) -> Value {
    let name = container["name"].clone();
    let end = json!({"exitCode": 0, "reason": "Completed", "startedAt": "2026-03-01T09:00:00Z", "finishedAt": "2026-03-01T10:00:00Z"});
    let mut it = blocked(
        container,
        status(json!({"name": name, "state": {"running": null, "terminated": end}})),
    );
    merge(
        &mut it,
        json!({"status": {"phase": "Running", "containerStatuses": [status(json!({}))]}}),
    );
    it
}

const TABLE: &[Contract] = &[
    Contract {
        code: "INI-SLOW",
        verdict: Verdict::Possible,
        found: || works("2026-03-01T11:00:00Z"),
        rival: ("INI-WAITING-FOR", || absent("2026-03-01T11:00:00Z")),
        // Nothing shows that it runs.
        open: || {
            let init = status(
                json!({"name": "migrate", "ready": false, "state": {"running": null, "waiting": {"reason": "PodInitializing"}}}),
            );
            Scene::new().object(blocked(json!({"name": "migrate", "image": "b"}), init))
        },
        healthy: || works("2026-03-01T11:58:00Z"),
        over: || {
            Scene::new().object(done(
                json!({"name": "migrate", "image": "b", "command": ["/migrate"]}),
            ))
        },
    },
    Contract {
        code: "INI-WAITING-FOR",
        verdict: Verdict::Proven,
        found: || absent("2026-03-01T11:00:00Z"),
        rival: ("EXT-ERROR", || {
            let mut failed = crashed(1, "Error");
            failed["name"] = "wait".into();
            Scene::new()
                .object(blocked(
                    json!({"name": "wait", "image": "b", "command": ["sh", "-c", LOOP]}),
                    failed,
                ))
                .log("shop/app-1", "wait", true, "FATAL: no license\n")
        }),
        // Services were not listed.
        open: || waits("2026-03-01T11:00:00Z"),
        // What is started together waits for each other.
        healthy: || {
            let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "orders-db", "namespace": "shop"}, "spec": {"selector": {"app": "app"}}});
            absent("2026-03-01T11:59:30Z").object(service)
        },
        over: || {
            Scene::new()
                .object(done(
                    json!({"name": "wait", "image": "b", "command": ["sh", "-c", LOOP]}),
                ))
                .log("shop/app-1", "wait", false, "waiting for orders-db\n")
        },
    },
    Contract {
        code: "INI-SIDECAR-NOT-STARTED",
        verdict: Verdict::Proven,
        found: || failing(sidecar("2026-03-01T11:50:00Z"), "2026-03-01T11:59:00Z"),
        // It crashes: that is why it does not start.
        rival: ("EXT-ERROR", || {
            let mut failed = crashed(1, "Error");
            failed["name"] = "proxy".into();
            Scene::new().object(blocked(proxy(), failed)).log(
                "shop/app-1",
                "proxy",
                true,
                "FATAL: no license\n",
            )
        }),
        open: || sidecar("2026-03-01T11:50:00Z"),
        healthy: || failing(sidecar("2026-03-01T11:59:50Z"), "2026-03-01T11:59:55Z"),
        over: || {
            let started = status(
                json!({"name": "proxy", "ready": true, "started": true, "state": {"running": {"startedAt": "2026-03-01T10:00:01Z"}}}),
            );
            let mut it = blocked(proxy(), started);
            merge(
                &mut it,
                json!({"status": {"phase": "Running", "containerStatuses": [status(json!({}))]}}),
            );
            failing(Scene::new().object(it), "2026-03-01T10:00:02Z")
        },
    },
];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, TABLE);
}
