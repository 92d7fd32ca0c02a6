//! What holds for every scene, however mad its numbers and times are: there is a report, and it is honest.

use proptest::prelude::*;
use serde_json::{Value, json};
use sonde_model::{Kind, Timestamp};

use crate::testing::{NOW, Scene, crashed, pod, status};

/// Of everything that triage and causes reckon with, one.
fn objects() -> Vec<Value> {
    let meta = |name: &str| {
        json!({"name": name, "namespace": "shop", "uid": format!("u-{name}"), "generation": 3,
        "creationTimestamp": "2026-03-01T09:00:00Z"})
    };
    let owned = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": format!("u-{name}"), "controller": true}]);
    let probe = json!({"httpGet": {"path": "/", "port": 8080}, "initialDelaySeconds": 5, "periodSeconds": 10,
        "timeoutSeconds": 2, "failureThreshold": 3, "successThreshold": 1, "terminationGracePeriodSeconds": 30});
    let mut crashing = pod(json!({"metadata": {"name": "crash-1", "uid": "u-crash"},
        "spec": {"terminationGracePeriodSeconds": 30, "activeDeadlineSeconds": 600,
            "containers": [{"name": "app", "image": "registry.example/app:1", "livenessProbe": probe, "startupProbe": probe,
                "resources": {"limits": {"memory": "64Mi", "cpu": "500m"}, "requests": {"memory": "64Mi"}},
                "env": [{"name": "JAVA_TOOL_OPTIONS", "value": "-Xmx1g -XX:MaxRAMPercentage=900"}]}]},
        "status": {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-03-01T11:20:00Z"},
            {"type": "ContainersReady", "status": "False", "lastTransitionTime": "2026-03-01T11:20:00Z"}],
            "containerStatuses": [crashed(137, "Error")]}}));
    crashing["status"]["containerStatuses"][0]["restartCount"] = json!(7);
    crashing["status"]["containerStatuses"][0]["state"]["waiting"]["message"] =
        json!("back-off 1m20s restarting failed container=app pod=crash-1_shop(u-crash)");
    let unready = pod(
        json!({"metadata": {"name": "set-0", "uid": "u-set-0", "ownerReferences": owned("StatefulSet", "set")},
        "spec": {"containers": [{"name": "app", "image": "registry.example/app:1", "readinessProbe": probe}]},
        "status": {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-03-01T10:20:00Z"}],
            "containerStatuses": [status(json!({"ready": false, "started": true,
                "state": {"running": {"startedAt": "2026-03-01T10:20:00Z"}}}))]}}),
    );
    let starting = pod(
        json!({"metadata": {"name": "init-1", "uid": "u-init"}, "spec": {"initContainers": [{"name": "wait", "image": "x"}]},
        "status": {"phase": "Pending", "startTime": "2026-03-01T10:00:00Z", "initContainerStatuses": [{"name": "wait", "ready": false,
            "restartCount": 0, "state": {"running": {"startedAt": "2026-03-01T10:00:05Z"}}}], "containerStatuses": []}}),
    );
    let mut deleted = pod(
        json!({"metadata": {"name": "deleted-1", "uid": "u-deleted", "deletionTimestamp": "2026-03-01T11:00:00Z",
        "deletionGracePeriodSeconds": 30}, "spec": {"terminationGracePeriodSeconds": 30}}),
    );
    deleted["metadata"]["finalizers"] = json!(["example.com/own"]);
    let evicted = |number: i64| {
        pod(
            json!({"metadata": {"name": format!("evicted-{number}"), "uid": format!("u-evicted-{number}"),
            "creationTimestamp": format!("2026-03-01T11:3{number}:00Z"), "ownerReferences": owned("ReplicaSet", "evicted")},
            "status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. Container app was using 300Mi, request is 100Mi, has larger consumption of memory. ",
                "containerStatuses": []}}),
        )
    };
    let pending = pod(
        json!({"metadata": {"name": "large-1", "uid": "u-large"}, "spec": {"nodeName": null, "priority": 1000,
        "containers": [{"name": "app", "image": "x", "ports": [{"containerPort": 80, "hostPort": 80}],
            "resources": {"requests": {"cpu": "12", "memory": "900Gi", "ephemeral-storage": "9Gi"}}}],
        "topologySpreadConstraints": [{"maxSkew": 1, "minDomains": 3, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "app"}}}]},
        "status": {"phase": "Pending", "startTime": null, "containerStatuses": null, "conditions": [{"type": "PodScheduled",
            "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu.",
            "lastTransitionTime": "2026-03-01T11:50:00Z"}]}}),
    );
    vec![
        crashing,
        unready,
        starting,
        deleted,
        evicted(1),
        evicted(3),
        evicted(5),
        pending,
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {"zone": "a"}, "creationTimestamp": "2026-02-01T00:00:00Z"},
            "spec": {}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "90Gi"},
                "images": [{"names": ["x"], "sizeBytes": 1000}], "conditions": [
                {"type": "Ready", "status": "Unknown", "lastTransitionTime": "2026-03-01T11:30:00Z", "lastHeartbeatTime": "2026-03-01T11:29:30Z"},
                {"type": "MemoryPressure", "status": "True", "lastTransitionTime": "2026-03-01T11:30:00Z"}]}}),
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "n1", "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": "n1", "leaseDurationSeconds": 40, "renewTime": "2026-03-01T11:59:50.000000Z"}}),
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "kube-scheduler", "namespace": "kube-system"},
            "spec": {"holderIdentity": "s", "leaseDurationSeconds": 15, "renewTime": "2026-03-01T11:00:00.000000Z"}}),
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta("set"), "spec": {"replicas": 3, "ordinals": {"start": 0},
            "selector": {"matchLabels": {"app": "set"}}}, "status": {"replicas": 1, "readyReplicas": 0, "observedGeneration": 3}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("web"), "spec": {"replicas": 4, "progressDeadlineSeconds": 600,
            "minReadySeconds": 5, "selector": {"matchLabels": {"app": "web"}}, "strategy": {"type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}}}, "status": {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 0,
            "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
            "message": "ReplicaSet \"web-1\" has timed out progressing.", "lastTransitionTime": "2026-03-01T11:00:00Z", "lastUpdateTime": "2026-03-01T11:00:00Z"}]}}),
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta("job"), "spec": {"parallelism": 3, "completions": 5, "backoffLimit": 6,
            "activeDeadlineSeconds": 100}, "status": {"active": 0, "succeeded": 1, "failed": 2, "startTime": "2026-03-01T10:00:00Z"}}),
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta("cron"), "spec": {"schedule": "0 0 30 2 *",
            "startingDeadlineSeconds": 10}, "status": {"lastScheduleTime": "2026-02-01T10:00:00Z"}}),
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta("web"), "spec": {"minReplicas": 1, "maxReplicas": 4,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}, "status": {"currentReplicas": 4, "desiredReplicas": 4,
            "conditions": [{"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "message": "the desired replica count is more than the maximum replica count",
            "lastTransitionTime": "2026-03-01T11:00:00Z"}]}}),
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta("web"), "spec": {"minAvailable": "100%", "selector": {"matchLabels": {"app": "app"}}},
            "status": {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 2, "expectedPods": 2}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("web"), "spec": {"selector": {"app": "nothing"}, "ports": [{"port": 80, "targetPort": 8080}]}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta("data"), "spec": {"resources": {"requests": {"storage": "1Gi"}}},
            "status": {"phase": "Pending"}}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old", "creationTimestamp": "2026-02-01T00:00:00Z",
            "deletionTimestamp": "2026-03-01T10:00:00Z"}, "status": {"phase": "Terminating"}}),
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta("quota"), "spec": {"hard": {"pods": "5", "requests.cpu": "4"}},
            "status": {"hard": {"pods": "5", "requests.cpu": "4"}, "used": {"pods": "5", "requests.cpu": "4"}}}),
        event(
            "crash-1",
            "Unhealthy",
            "Liveness probe failed: HTTP probe failed with statuscode: 503",
        ),
        event(
            "crash-1",
            "Killing",
            "Container app failed liveness probe, will be restarted",
        ),
        event(
            "set-0",
            "Unhealthy",
            "Readiness probe failed: dial tcp 10.0.0.1:8080: connect: connection refused",
        ),
    ]
}

fn event(name: &str, reason: &str, message: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{name}-{reason}"), "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": name, "fieldPath": "spec.containers{app}"},
        "reason": reason, "message": message, "type": "Warning", "count": 12, "source": {"component": "kubelet"},
        "firstTimestamp": "2026-03-01T11:21:00Z", "lastTimestamp": "2026-03-01T11:58:00Z"})
}

/// What a hostile or broken source may write instead of a number, of a time, or of a number in a text.
const NUMBERS: &[i64] = &[
    i64::MIN,
    i64::MIN + 1,
    -1,
    0,
    2_147_483_647,
    377_705_116_800,
    1 << 62,
    i64::MAX - 1,
    i64::MAX,
];
const TIMES: &[&str] = &[
    "-009999-01-02T01:59:59Z",
    "0001-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00Z",
    "2261-12-31T23:59:59Z",
    "9999-12-30T22:00:00Z",
    "9999-12-30T22:00:00.999999999Z",
];

/// Puts something extreme in the place of every leaf that the choices name.
fn spoil(value: &mut Value, choices: &mut dyn FnMut() -> Option<usize>) {
    match value {
        Value::Object(map) => map.values_mut().for_each(|it| spoil(it, choices)),
        Value::Array(items) => items.iter_mut().for_each(|it| spoil(it, choices)),
        Value::Number(_) => {
            if let Some(at) = choices() {
                *value = json!(NUMBERS[at % NUMBERS.len()]);
            }
        }
        Value::String(text) if text.parse::<Timestamp>().is_ok() => {
            if let Some(at) = choices() {
                *text = TIMES[at % TIMES.len()].to_owned();
            }
        }
        // Amounts, percentages and what messages count: the first number in them.
        Value::String(text) if text.bytes().any(|byte| byte.is_ascii_digit()) => {
            let number = text.find(|c: char| c.is_ascii_digit()).zip(choices());
            if let Some((at, choice)) = number {
                let rest = text[at..].trim_start_matches(|c: char| c.is_ascii_digit());
                *text = format!("{}{}{rest}", &text[..at], NUMBERS[choice % NUMBERS.len()]);
            }
        }
        _ => {}
    }
}

fn look(now: &str, mut choices: impl FnMut() -> Option<usize>) {
    let mut scene = Scene::new()
        .complete(&[Kind::Event, Kind::Pod, Kind::Node, Kind::Service])
        .log("shop/crash-1", "app", true, "starting\njava.lang.OutOfMemoryError: Java heap space\n")
        .kubelet("n1", "I0301 11:57:30.000000     812 kuberuntime_container.go:808] \"Killing container with a grace period\" pod=\"shop/crash-1\" podUID=\"u-crash\" containerName=\"app\" gracePeriod=9223372036854775807\n")
        .kernel("n1", "[9223372036854775807.1] Memory cgroup out of memory: Killed process 4711 (app) total-vm:18446744073709551615kB, anon-rss:18446744073709551615kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:200kB oom_score_adj:985\n")
        .now(now);
    for mut object in objects() {
        // What something is called, and which of them it is, is no number.
        let name = object["metadata"]["name"].clone();
        let labels = object["metadata"]["labels"].clone();
        let about = object["involvedObject"].clone();
        spoil(&mut object, &mut choices);
        object["metadata"]["name"] = name;
        object["metadata"]["labels"] = labels;
        if !about.is_null() {
            object["involvedObject"] = about;
        }
        scene = scene.object(object);
    }
    // Every report of a scene is checked for honesty.
    scene.diagnose();
}

#[test]
fn the_scene_is_sick_in_many_ways() {
    look(NOW, || None);
}

#[test]
fn everything_may_be_equally_extreme() {
    for now in [NOW, TIMES[6]] {
        for at in 0..NUMBERS.len() * TIMES.len() {
            look(now, || Some(at));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_number_and_no_time_ends_a_diagnosis(
        choices in prop::collection::vec(prop::option::weighted(0.3, 0..64_usize), 400),
        now in 0..TIMES.len() + 4,
    ) {
        let mut choices = choices.into_iter().cycle();
        look(TIMES.get(now).unwrap_or(&NOW), || choices.next().flatten());
    }
}
