//! Who ended the process: one table over every sender of SIGKILL and SIGTERM. Each row's evidence gives its cause and
//! no other; without its decisive evidence the cause is not claimed.

use serde_json::{Value, json};
use sonde_model::{SenderKind, Verdict};

use crate::testing::agent::{Agent, agent};
use crate::testing::{Scene, crashed, merge, pod, status};

/// What a row has besides the pod.
#[derive(Clone, Copy)]
enum Proof {
    /// An event about the container.
    Event(&'static str, &'static str, &'static str),
    /// An event about the node.
    NodeEvent(&'static str, &'static str, &'static str),
    /// Kernel lines.
    Kernel(fn() -> String),
    /// Kubelet lines.
    Kubelet(&'static str),
    /// What an agent on the node saw.
    Agent(fn() -> Agent),
    /// A part of the pod's JSON.
    Pod(fn() -> Value),
    /// The run's reason in the status.
    Reason(&'static str),
    /// The application's log.
    Log(&'static str),
}

struct Row {
    name: &'static str,
    exit: i64,
    /// What is common to the row and to the row without its proof.
    spec: fn() -> Value,
    proof: Proof,
    code: &'static str,
    verdict: Verdict,
}

const ID: &str = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
const POD_SLICE: &str = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice";

fn kernel_kill(constraint: &str, limit: &str) -> String {
    format!(
        "2026-03-01T11:57:59+00:00 n1 kernel: oom-kill:constraint={constraint},nodemask=(null),cpuset=x,mems_allowed=0,{limit},task_memcg={POD_SLICE}/cri-containerd-{ID}.scope,task=app,pid=4711,uid=0\n"
    )
}

fn bare() -> Value {
    json!({})
}

fn limited() -> Value {
    json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]}})
}

fn probed() -> Value {
    json!({"spec": {"containers": [{"name": "app",
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
        "startupProbe": {"httpGet": {"path": "/healthz", "port": 8080}}}]}})
}

fn hooked() -> Value {
    json!({"spec": {"containers": [{"name": "app", "lifecycle": {"preStop": {"exec": {"command": ["/bin/drain"]}}}}]}})
}

fn once() -> Value {
    json!({"spec": {"restartPolicy": "Never"}, "status": {"phase": "Failed"}})
}

const SENDERS: &[Row] = &[
    Row {
        name: "container limit, kernel",
        exit: 137,
        spec: limited,
        proof: Proof::Kernel(|| {
            kernel_kill(
                "CONSTRAINT_MEMCG",
                &format!("oom_memcg={POD_SLICE}/cri-containerd-{ID}.scope"),
            )
        }),
        code: "OOM-CONTAINER-LIMIT",
        verdict: Verdict::Proven,
    },
    Row {
        name: "container limit, status",
        exit: 137,
        spec: limited,
        proof: Proof::Reason("OOMKilled"),
        code: "OOM-CONTAINER-LIMIT",
        verdict: Verdict::Likely,
    },
    Row {
        name: "child, main ends with 1",
        exit: 1,
        spec: limited,
        proof: Proof::Reason("OOMKilled"),
        code: "OOM-CHILD-PROCESS",
        verdict: Verdict::Likely,
    },
    Row {
        name: "pod limit",
        exit: 137,
        spec: bare,
        proof: Proof::Kernel(|| kernel_kill("CONSTRAINT_MEMCG", &format!("oom_memcg={POD_SLICE}"))),
        code: "OOM-POD-LIMIT",
        verdict: Verdict::Proven,
    },
    Row {
        name: "node, global",
        exit: 137,
        spec: bare,
        proof: Proof::Kernel(|| kernel_kill("CONSTRAINT_NONE", "global_oom")),
        code: "OOM-NODE",
        verdict: Verdict::Proven,
    },
    Row {
        name: "node, all pods",
        exit: 137,
        spec: limited,
        proof: Proof::Kernel(|| kernel_kill("CONSTRAINT_MEMCG", "oom_memcg=/kubepods.slice")),
        code: "OOM-NODE",
        verdict: Verdict::Proven,
    },
    Row {
        name: "liveness",
        exit: 137,
        spec: probed,
        proof: Proof::Event(
            "Killing",
            "Container app failed liveness probe, will be restarted",
            "2026-03-01T11:57:30Z",
        ),
        code: "LIV-LIVENESS-KILL",
        verdict: Verdict::Proven,
    },
    Row {
        name: "liveness, 143",
        exit: 143,
        spec: probed,
        proof: Proof::Event(
            "Killing",
            "Container app failed liveness probe, will be restarted",
            "2026-03-01T11:57:58Z",
        ),
        code: "LIV-LIVENESS-KILL",
        verdict: Verdict::Proven,
    },
    Row {
        name: "liveness, takes TERM well",
        exit: 0,
        spec: probed,
        proof: Proof::Event(
            "Killing",
            "Container app failed liveness probe, will be restarted",
            "2026-03-01T11:57:58Z",
        ),
        code: "LIV-LIVENESS-KILL",
        verdict: Verdict::Proven,
    },
    Row {
        name: "startup probe",
        exit: 137,
        spec: probed,
        proof: Proof::Event(
            "Killing",
            "Container app failed startup probe, will be restarted",
            "2026-03-01T11:57:30Z",
        ),
        code: "LIV-STARTUP-KILL",
        verdict: Verdict::Proven,
    },
    Row {
        name: "grace period",
        exit: 137,
        spec: bare,
        proof: Proof::Event("Killing", "Stopping container app", "2026-03-01T11:57:30Z"),
        code: "EXT-GRACE-EXCEEDED",
        verdict: Verdict::Proven,
    },
    Row {
        name: "preStop overrun",
        exit: 137,
        spec: hooked,
        proof: Proof::Kubelet(
            "I0301 11:58:00.000000    812 kuberuntime_container.go:642] \"PreStop hook not completed in grace period\" pod=\"shop/app-1\" podUID=\"0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60\" containerName=\"app\" containerID=\"containerd://cc\" gracePeriod=30",
        ),
        code: "HOK-PRESTOP-OVERRUN",
        verdict: Verdict::Proven,
    },
    Row {
        name: "eviction by the kubelet",
        exit: 137,
        spec: once,
        proof: Proof::Pod(
            || json!({"status": {"reason": "Evicted", "message": "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. Container app was using 300Mi, request is 100Mi, has larger consumption of memory. "}}),
        ),
        code: "EVI-MEMORY",
        verdict: Verdict::Proven,
    },
    Row {
        name: "preemption by the scheduler",
        exit: 137,
        spec: once,
        proof: Proof::Pod(
            || json!({"status": {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "default-scheduler: preempting to accommodate a higher priority pod"}]}}),
        ),
        code: "EVI-PREEMPTED",
        verdict: Verdict::Proven,
    },
    Row {
        name: "preemption for a critical pod",
        exit: 137,
        spec: once,
        proof: Proof::Pod(
            || json!({"status": {"reason": "Preempting", "message": "Preempted in order to admit critical pod"}}),
        ),
        code: "EVI-PREEMPTED-CRITICAL",
        verdict: Verdict::Proven,
    },
    Row {
        name: "node shutdown, pod status",
        exit: 137,
        spec: once,
        proof: Proof::Pod(
            || json!({"status": {"reason": "Terminated", "message": "Pod was terminated in response to imminent node shutdown."}}),
        ),
        code: "EVI-NODE-SHUTDOWN",
        verdict: Verdict::Proven,
    },
    Row {
        name: "node shutdown, kubelet",
        exit: 137,
        spec: bare,
        proof: Proof::Kubelet(
            "I0301 11:57:30.000000    812 nodeshutdown_manager_linux.go:265] \"Shutdown manager detected new shutdown event, isNodeShuttingDownNow\" event=true",
        ),
        code: "EXT-NODE-SHUTDOWN",
        verdict: Verdict::Proven,
    },
    Row {
        name: "runtime restart",
        exit: 255,
        spec: || json!({"status": {"containerStatuses": [crashed(255, "Unknown")]}}),
        proof: Proof::Kubelet(
            "time=\"2026-03-01T11:58:10.000000000Z\" level=info msg=\"containerd successfully booted in 0.041213s\"",
        ),
        code: "EXT-RUNTIME-RESTART",
        verdict: Verdict::Proven,
    },
    Row {
        name: "node restart",
        exit: 255,
        spec: || json!({"status": {"containerStatuses": [crashed(255, "Unknown")]}}),
        proof: Proof::NodeEvent(
            "Rebooted",
            "Node n1 has been rebooted, boot id: 6f1c",
            "2026-03-01T11:59:00Z",
        ),
        code: "EXT-NODE-RESTART",
        verdict: Verdict::Proven,
    },
    Row {
        name: "drain of a Job's pod",
        exit: 143,
        spec: once,
        proof: Proof::Pod(
            || json!({"status": {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}]}}),
        ),
        code: "EVI-API",
        verdict: Verdict::Proven,
    },
    Row {
        name: "taint",
        exit: 143,
        spec: once,
        proof: Proof::Pod(
            || json!({"status": {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager", "message": "Taint manager: deleting due to NoExecute taint"}]}}),
        ),
        code: "EVI-TAINT",
        verdict: Verdict::Proven,
    },
    Row {
        name: "the pod was to end",
        exit: 143,
        spec: bare,
        proof: Proof::Event("Killing", "Stopping container app", "2026-03-01T11:57:58Z"),
        code: "EXT-TERMINATED",
        verdict: Verdict::Proven,
    },
    Row {
        name: "its definition changed",
        exit: 143,
        spec: bare,
        proof: Proof::Event(
            "Killing",
            "Container app definition changed, will be restarted",
            "2026-03-01T11:57:58Z",
        ),
        code: "EXT-TERMINATED",
        verdict: Verdict::Proven,
    },
    Row {
        name: "postStart hook",
        exit: 137,
        spec: || json!({"spec": {"containers": [{"name": "app", "lifecycle": {"postStart": {"exec": {"command": ["/bin/register"]}}}}]}}),
        proof: Proof::Event(
            "FailedPostStartHook",
            "PostStartHook failed",
            "2026-03-01T11:57:50Z",
        ),
        code: "HOK-POSTSTART-FAILED",
        verdict: Verdict::Proven,
    },
    Row {
        name: "pod deadline",
        exit: 143,
        spec: once,
        proof: Proof::Pod(
            || json!({"status": {"reason": "DeadlineExceeded", "message": "Pod was active on the node longer than the specified deadline"}}),
        ),
        code: "EXT-DEADLINE",
        verdict: Verdict::Proven,
    },
    Row {
        name: "full Java heap",
        exit: 3,
        spec: bare,
        proof: Proof::Log("java.lang.OutOfMemoryError: Java heap space\n"),
        code: "OOM-JVM-HEAP",
        verdict: Verdict::Proven,
    },
    Row {
        name: "kill -9 on the node",
        exit: 137,
        spec: bare,
        proof: Proof::Agent(|| killed_by(SenderKind::NodeProcess)),
        code: "EXT-KILLED",
        verdict: Verdict::Proven,
    },
    Row {
        name: "kill -9 from another container",
        exit: 137,
        spec: bare,
        proof: Proof::Agent(|| killed_by(SenderKind::OtherContainer)),
        code: "EXT-KILLED",
        verdict: Verdict::Proven,
    },
    Row {
        name: "kill -9 from the same container",
        exit: 137,
        spec: bare,
        proof: Proof::Agent(|| killed_by(SenderKind::SameContainer)),
        code: "EXT-KILLED",
        verdict: Verdict::Proven,
    },
    Row {
        name: "kill -9 by the service manager",
        exit: 137,
        spec: bare,
        proof: Proof::Agent(|| killed_by(SenderKind::ServiceManager)),
        code: "EXT-KILLED",
        verdict: Verdict::Proven,
    },
    Row {
        name: "kill -9 of a child, whose shell passes it on",
        exit: 137,
        spec: bare,
        proof: Proof::Agent(|| {
            agent()
                .killed_child("11:57:59.9", SenderKind::NodeProcess)
                .left("11:57:59.95", 137)
        }),
        code: "EXT-KILLED",
        verdict: Verdict::Proven,
    },
    Row {
        name: "the runtime asks and kills",
        exit: 137,
        spec: bare,
        proof: Proof::Agent(|| {
            agent()
                .ignored("11:57:29.9", 15, SenderKind::Runtime)
                .sent("11:57:59.9", 9, SenderKind::Runtime)
                .ended("11:57:59.9", 9)
        }),
        code: "EXT-GRACE-EXCEEDED",
        verdict: Verdict::Proven,
    },
    Row {
        name: "container limit, agent",
        exit: 137,
        spec: limited,
        proof: Proof::Agent(|| out_of_memory([(64, Some(64)), (64, Some(64)), (900, Some(7000))])),
        code: "OOM-CONTAINER-LIMIT",
        verdict: Verdict::Proven,
    },
    Row {
        name: "child at the container limit, whose shell passes its code on",
        exit: 137,
        spec: limited,
        proof: Proof::Agent(|| {
            agent()
                .memory(
                    "11:57:59.8",
                    false,
                    [(64, Some(64)), (64, Some(64)), (900, Some(7000))],
                )
                .killed_child("11:57:59.8", SenderKind::OutOfMemory)
                .left("11:57:59.9", 137)
        }),
        code: "OOM-CHILD-PROCESS",
        verdict: Verdict::Proven,
    },
    Row {
        name: "pod limit, agent",
        exit: 137,
        spec: bare,
        proof: Proof::Agent(|| out_of_memory([(50, None), (128, Some(128)), (900, Some(7000))])),
        code: "OOM-POD-LIMIT",
        verdict: Verdict::Proven,
    },
    Row {
        name: "all pods together, agent",
        exit: 137,
        spec: limited,
        proof: Proof::Agent(|| out_of_memory([(50, Some(64)), (50, None), (7000, Some(7000))])),
        code: "OOM-NODE",
        verdict: Verdict::Proven,
    },
    Row {
        name: "the whole node, agent",
        exit: 137,
        spec: bare,
        proof: Proof::Agent(|| out_of_memory([(50, None), (50, None), (900, None)])),
        code: "OOM-NODE",
        verdict: Verdict::Proven,
    },
    Row {
        name: "TERM by hand",
        exit: 143,
        spec: bare,
        proof: Proof::Agent(|| {
            agent()
                .sent("11:57:59.9", 15, SenderKind::NodeProcess)
                .ended("11:57:59.9", 15)
        }),
        code: "EXT-TERMINATED",
        verdict: Verdict::Proven,
    },
];

fn killed_by(kind: SenderKind) -> Agent {
    agent().sent("11:57:59.9", 9, kind).ended("11:57:59.9", 9)
}

fn out_of_memory(groups: [(u64, Option<u64>); 3]) -> Agent {
    agent()
        .memory("11:57:59.9", true, groups)
        .sent("11:57:59.9", 9, SenderKind::OutOfMemory)
        .ended("11:57:59.9", 9)
}

fn scene(row: &Row, with_proof: bool) -> Scene {
    let reason = match row.proof {
        Proof::Reason(reason) if with_proof => reason,
        _ => "Error",
    };
    let mut it = pod(json!({"status": {"containerStatuses": [crashed(row.exit, reason)]}}));
    let spec = (row.spec)();
    if spec["spec"]["restartPolicy"] == "Never" {
        let end = json!({"exitCode": row.exit, "reason": "Error", "startedAt": "2026-03-01T11:50:00Z", "finishedAt": "2026-03-01T11:58:00Z"});
        let ended = status(json!({"ready": false, "state": {"running": null, "terminated": end}}));
        merge(&mut it, json!({"status": {"containerStatuses": [ended]}}));
    }
    merge(&mut it, spec);
    if let (Proof::Pod(patch), true) = (row.proof, with_proof) {
        merge(&mut it, patch());
    }
    let scene = Scene::new().object(it);
    match row.proof {
        _ if !with_proof => scene,
        Proof::Event(reason, message, time) => {
            scene.container_event("Pod/shop/app-1", "app", reason, message, time)
        }
        Proof::NodeEvent(reason, message, time) => scene.event("Node//n1", reason, message, time),
        Proof::Kernel(text) => scene.kernel("n1", &text()),
        Proof::Kubelet(text) => scene.kubelet("n1", text),
        Proof::Agent(agent) => scene.agent(&agent()),
        Proof::Log(text) => scene.log("shop/app-1", "app", true, text),
        Proof::Pod(_) | Proof::Reason(_) => scene,
    }
}

#[test]
fn each_sender_is_concluded_from_its_own_evidence() {
    let mut wrong = Vec::new();
    for row in SENDERS {
        let outcome = scene(row, true).diagnose();
        if !outcome.says_only(row.code, row.verdict) {
            wrong.push(format!(
                "{}: wanted {} {:?}, found {}",
                row.name,
                row.code,
                row.verdict,
                outcome.summary()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn without_its_decisive_evidence_no_sender_is_claimed() {
    let mut wrong = Vec::new();
    for row in SENDERS {
        let outcome = scene(row, false).diagnose();
        // That there was a sender may be told; who it was may not.
        let open = outcome.summary().contains("nothing at hand says by whom");
        if outcome.claims(row.code) && !open {
            wrong.push(format!(
                "{}: claims {}, found {}",
                row.name,
                row.code,
                outcome.summary()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// 137 with nothing else: no sender is named, and the finding says where to look.
#[test]
fn a_bare_137_is_told_as_open() {
    let outcome = Scene::new()
        .object(pod(
            json!({"status": {"containerStatuses": [crashed(137, "Error")]}}),
        ))
        .diagnose();
    let finding = outcome.finds_only("EXT-KILLED", Verdict::Possible);
    let looks: Vec<_> = finding
        .next
        .iter()
        .filter_map(|look| look.command.as_deref())
        .collect();
    assert!(
        looks.iter().any(|it| it.contains("dmesg")) && looks.iter().any(|it| it.contains("kubelet")),
        "{looks:?}"
    );
}

/// Evidence of an earlier run decides nothing about this one.
#[test]
fn an_earlier_runs_kill_is_not_this_ones() {
    let mut it = pod(json!({"status": {"containerStatuses": [crashed(137, "Error")]}}));
    merge(&mut it, probed());
    let outcome = Scene::new()
        .object(it)
        .container_event(
            "Pod/shop/app-1",
            "app",
            "Killing",
            "Container app failed liveness probe, will be restarted",
            "2026-03-01T11:49:58Z",
        )
        .diagnose();
    assert!(!outcome.claims("LIV-LIVENESS-KILL"), "{}", outcome.summary());
}

/// A container that has run well for half an hour since: nothing is an alarm any more, whoever ended its last run.
#[test]
fn an_end_that_is_over_is_no_alarm() {
    let mut wrong = Vec::new();
    for row in SENDERS
        .iter()
        .filter(|row| (row.spec)()["spec"]["restartPolicy"] != "Never")
    {
        let reason = if row.exit == 255 { "Unknown" } else { "Error" };
        let recovered = status(json!({
            "restartCount": 1, "state": {"running": {"startedAt": "2026-03-01T11:20:00Z"}},
            "lastState": {"terminated": {"exitCode": row.exit, "reason": reason,
                "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T11:19:58Z"}}
        }));
        let mut it = pod(json!({}));
        merge(&mut it, (row.spec)());
        merge(&mut it, json!({"status": {"containerStatuses": [recovered]}}));
        let mut scene = Scene::new().object(it);
        if let Proof::Event(event, message, _) = row.proof {
            scene = scene.container_event("Pod/shop/app-1", "app", event, message, "2026-03-01T11:19:50Z");
        }
        let outcome = scene.diagnose();
        if outcome.alarms() > 0 {
            wrong.push(format!("{}: {}", row.name, outcome.summary()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A container that was never restarted: what is left of events and node logs about others, or about an attempt of the
/// kubelet, is no alarm.
#[test]
fn leftover_words_about_a_healthy_container_are_no_alarm() {
    let mut wrong = Vec::new();
    for row in SENDERS {
        let mut it = pod(json!({}));
        let mut spec = (row.spec)();
        if let Some(parts) = spec.as_object_mut() {
            parts.remove("status");
        }
        merge(&mut it, spec);
        let mut scene = Scene::new().object(it);
        scene = match row.proof {
            Proof::Event(reason, message, time) => {
                scene.container_event("Pod/shop/app-1", "app", reason, message, time)
            }
            Proof::NodeEvent(reason, message, time) => scene.event("Node//n1", reason, message, time),
            Proof::Kubelet(text) => scene.kubelet("n1", text),
            Proof::Log(text) => scene.log("shop/app-1", "app", false, text),
            Proof::Kernel(_) | Proof::Agent(_) | Proof::Pod(_) | Proof::Reason(_) => scene,
        };
        let outcome = scene.diagnose();
        if outcome.alarms() > 0 {
            wrong.push(format!("{}: {}", row.name, outcome.summary()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A pod within its grace period ends as planned, whatever its containers did.
#[test]
fn a_planned_end_within_its_grace_is_no_alarm() {
    for code in [0, 1, 137, 143] {
        let mut it = pod(json!({"status": {"containerStatuses": [crashed(code, "Error")]}}));
        merge(
            &mut it,
            json!({"metadata": {"deletionTimestamp": "2026-03-01T12:00:10Z", "deletionGracePeriodSeconds": 30}}),
        );
        let scene = Scene::new().object(it);
        scene
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                "Stopping container app",
                "2026-03-01T11:59:40Z",
            )
            .diagnose()
            .is_calm();
    }
}
