//! What holds for every report, whatever part of the evidence is at hand: a sick scene with pieces taken away.

use proptest::prelude::*;
use serde_json::{Value, json};
use sonde_model::{Kind, Verdict};

use crate::testing::{NOW, Outcome, Scene, crashed, merge, pod, status};

/// One thing that can be missing.
#[derive(Clone)]
enum Piece {
    Object(Value),
    /// About, container, reason, message, time.
    Event(
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
    ),
    Log(&'static str, bool, &'static str),
    Kernel(&'static str),
    Kubelet(&'static str),
    Complete(Kind),
    Now,
}

impl Piece {
    fn put(self, scene: Scene) -> Scene {
        match self {
            Piece::Object(object) => scene.object(object),
            Piece::Event(about, container, reason, message, time) => {
                scene.container_event(about, container, reason, message, time)
            }
            Piece::Log(pod, previous, text) => scene.log(pod, "app", previous, text),
            Piece::Kernel(text) => scene.kernel("n1", text),
            Piece::Kubelet(text) => scene.kubelet("n1", text),
            Piece::Complete(kind) => scene.complete(&[kind]),
            Piece::Now => scene.now(NOW),
        }
    }
}

/// A pod of its own ReplicaSet, so that no trouble is joined with another's.
fn of(name: &str, patch: Value) -> Value {
    let mut own = pod(
        json!({"metadata": {"name": format!("{name}-1"), "uid": format!("u-{name}"),
        "labels": {"app": name}, "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": format!("u-rs-{name}"), "controller": true}]}}),
    );
    merge(&mut own, patch);
    own
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"status": {"phase": "Pending", "containerStatuses": [status(json!({"ready": false, "started": false,
        "state": {"running": null, "waiting": {"reason": reason, "message": message}}}))]}})
}

/// What is wrong, and everything that shows it.
fn pieces() -> Vec<Piece> {
    use Piece::{Complete, Event, Kernel, Kubelet, Log, Now, Object};
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {"kubernetes.io/hostname": "n1"}},
        "spec": {}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}, "conditions": [{"type": "Ready",
            "status": "True", "lastTransitionTime": "2026-02-01T00:00:00Z", "lastHeartbeatTime": "2026-03-01T11:59:30Z"}]}});
    let limited = json!({"spec": {"containers": [{"name": "app", "image": "registry.example/app:1",
        "resources": {"limits": {"memory": "64Mi"}}}]}, "status": {"containerStatuses": [crashed(137, "OOMKilled")]}});
    let probed = json!({"spec": {"containers": [{"name": "app", "image": "registry.example/app:1",
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}}}]},
        "status": {"containerStatuses": [crashed(137, "Error")]}});
    let unscheduled = json!({"spec": {"nodeName": null, "containers": [{"name": "app", "image": "registry.example/app:1",
        "resources": {"requests": {"cpu": "12"}}}]}, "status": {"phase": "Pending", "startTime": null,
        "containerStatuses": null, "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/1 nodes are available: 1 Insufficient cpu.", "lastTransitionTime": "2026-03-01T11:50:00Z"}]}});
    let keyed = json!({"spec": {"containers": [{"name": "app", "image": "registry.example/app:1", "env": [{"name": "A",
        "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "color"}}}]}]}});
    let mut config = of("config", keyed);
    merge(
        &mut config,
        json!({"status": waiting("CreateContainerConfigError", "couldn't find key color in ConfigMap shop/settings")["status"]}),
    );
    if let Some(container) = config.pointer_mut("/status/containerStatuses/0/image") {
        *container = json!("registry.example/app:1");
    }
    vec![
        Object(of("memory", limited)),
        Object(of("probe", probed)),
        Object(of(
            "exit",
            json!({"status": {"containerStatuses": [crashed(1, "Error")]}}),
        )),
        Object(of(
            "signal",
            json!({"status": {"containerStatuses": [crashed(137, "Error")]}}),
        )),
        Object(of(
            "image",
            waiting(
                "ImagePullBackOff",
                "Back-off pulling image \"registry.example/app:1\"",
            ),
        )),
        Object(config),
        Object(of("large", unscheduled)),
        Object(of("well", json!({}))),
        Object(node),
        Object(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}, "data": {"colour": "red"}}),
        ),
        Object(
            json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "exit", "namespace": "shop", "uid": "u-rs-exit"},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "exit"}}}, "status": {"replicas": 1, "conditions": [{"type": "ReplicaFailure",
            "status": "True", "reason": "FailedCreate", "message": "pods \"exit-2\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5",
            "lastTransitionTime": "2026-03-01T11:40:00Z"}]}}),
        ),
        Event(
            "Pod/shop/probe-1",
            "app",
            "Killing",
            "Container app failed liveness probe, will be restarted",
            "2026-03-01T11:57:30Z",
        ),
        Event(
            "Pod/shop/probe-1",
            "app",
            "Unhealthy",
            "Liveness probe failed: HTTP probe failed with statuscode: 503",
            "2026-03-01T11:57:30Z",
        ),
        Event(
            "Pod/shop/image-1",
            "app",
            "Failed",
            "Failed to pull image \"registry.example/app:1\": rpc error: code = NotFound desc = failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": registry.example/app:1: not found",
            "2026-03-01T11:58:00Z",
        ),
        Event(
            "Pod/shop/image-1",
            "app",
            "BackOff",
            "Back-off pulling image \"registry.example/app:1\"",
            "2026-03-01T11:58:00Z",
        ),
        Event(
            "Pod/shop/large-1",
            "",
            "FailedScheduling",
            "0/1 nodes are available: 1 Insufficient cpu.",
            "2026-03-01T11:59:00Z",
        ),
        Event(
            "Pod/shop/exit-1",
            "app",
            "BackOff",
            "Back-off restarting failed container app in pod exit-1_shop(u-exit)",
            "2026-03-01T11:58:30Z",
        ),
        Event(
            "Node//n1",
            "",
            "SystemOOM",
            "System OOM encountered, victim process: java, pid: 4711",
            "2026-03-01T11:57:59Z",
        ),
        Log(
            "shop/exit-1",
            true,
            "starting\nFATAL: could not connect to db.shop:5432: connection refused\n",
        ),
        Log(
            "shop/memory-1",
            true,
            "loading\njava.lang.OutOfMemoryError: Java heap space\n",
        ),
        Log("shop/signal-1", false, "ready\n"),
        Kernel(
            "[ 7200.1] app invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=985\n[ 7200.2] Memory cgroup out of memory: Killed process 4711 (app) total-vm:200000kB, anon-rss:65536kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:200kB oom_score_adj:985\n",
        ),
        Kubelet(
            "I0301 11:57:30.000000     812 kuberuntime_container.go:808] \"Killing container with a grace period\" pod=\"shop/probe-1\" podUID=\"u-probe\" containerName=\"app\" gracePeriod=30\n",
        ),
        Complete(Kind::Event),
        Now,
    ]
}

fn look(kept: &[bool]) -> Outcome {
    let mut scene = Scene::new();
    for (piece, kept) in pieces().into_iter().zip(kept) {
        if *kept {
            scene = piece.put(scene);
        }
    }
    // Every report of a scene is checked for honesty.
    scene.diagnose()
}

fn text(outcome: &Outcome) -> String {
    serde_json::to_string(&outcome.report).unwrap() + &format!("{:?}", outcome.wants)
}

#[test]
fn the_whole_scene_is_sick_in_many_ways() {
    let outcome = look(&vec![true; pieces().len()]);
    let proven = outcome
        .report
        .findings
        .iter()
        .filter(|it| it.verdict == Verdict::Proven)
        .count();
    assert!(proven >= 5, "{}", outcome.summary());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn less_evidence_never_proves_something_else(kept in prop::collection::vec(prop::bool::weighted(0.7), pieces().len())) {
        let whole = look(&vec![true; kept.len()]);
        let part = look(&kept);
        prop_assert_eq!(text(&part), text(&look(&kept)), "the same question, another answer");
        for finding in part.report.findings.iter().filter(|it| it.verdict == Verdict::Proven) {
            // With less evidence a general cause may stand where a more specific one of its family did.
            let known = whole.report.findings.iter().any(|it| {
                it.code == finding.code || (it.family == finding.family && it.subject == finding.subject)
            });
            prop_assert!(known, "only the part proves {}: {}\nthe whole: {}", finding.code, part.summary(), whole.summary());
        }
    }
}
