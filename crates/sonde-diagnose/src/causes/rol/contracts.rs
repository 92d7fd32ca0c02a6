//! Every cause of the family against its contract.

mod single;

use serde_json::{Value, json};
use sonde_model::Verdict;

use super::CAUSES;
use crate::testing::contract::{Contract, keep};
use crate::testing::{Scene, crashed, merge, pod, status};

// Autoscalers.

fn autoscaler(conditions: Value) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-03-01T10:00:00Z"},
        "spec": {"maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
        "status": {"currentReplicas": 3, "conditions": conditions}})
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!([{"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-03-01T11:00:00Z"}])
}

const NO_API: &str = "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";
const NOT_YET: &str = "the HPA was unable to compute the replica count: failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)";
const NO_REQUEST: &str = "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container app of Pod web-1";
const NO_SCALE: &str =
    "the HPA controller was unable to get the target's current scale: deployments.apps \"web\" not found";
const SHARED: &str = "pods by selector app=web are controlled by multiple HPAs: [shop/web shop/web-2]";

fn blind(message: &str) -> Scene {
    Scene::new().object(autoscaler(condition(
        "ScalingActive",
        "False",
        "FailedGetResourceMetric",
        message,
    )))
}

/// An autoscaler that gets no metrics and takes a percentage of what a pod of its target requests.
fn scaled_by(resource: &str, resources: Value) -> Scene {
    let mut it = autoscaler(condition(
        "ScalingActive",
        "False",
        "FailedGetResourceMetric",
        NO_API,
    ));
    merge(&mut it, json!({"spec": {"metrics": [by(resource)]}}));
    Scene::new()
        .object(it)
        .object(deployment("True", "NewReplicaSetAvailable", "m"))
        .object(set("web-1", "1", 1))
        .object(target_pod(resources))
}

fn by(resource: &str) -> Value {
    json!({"type": "Resource", "resource": {"name": resource, "target": {"type": "Utilization", "averageUtilization": 80}}})
}

fn target_pod(resources: Value) -> Value {
    pod(
        json!({"metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "controller": true}]},
        "spec": {"containers": [{"name": "app", "image": "registry.example/app:1", "resources": resources}]}}),
    )
}

fn at_maximum() -> Scene {
    Scene::new().object(autoscaler(condition(
        "ScalingLimited",
        "True",
        "TooManyReplicas",
        "the desired replica count is more than the maximum replica count",
    )))
}

fn without_target() -> Scene {
    Scene::new().object(autoscaler(condition(
        "AbleToScale",
        "False",
        "FailedGetScale",
        NO_SCALE,
    )))
}

fn shared() -> Scene {
    Scene::new().object(autoscaler(condition(
        "ScalingActive",
        "False",
        "AmbiguousSelector",
        SHARED,
    )))
}

/// The autoscaler set 5 pods six times; `back` is what its target was scaled down to as often.
fn undone(own: &[i64], back: i64) -> Scene {
    let mut scene = Scene::new().object(autoscaler(json!([])));
    for size in own {
        scene = counted(
            scene,
            "HorizontalPodAutoscaler",
            "SuccessfulRescale",
            &format!(
                "New size: {size}; reason: cpu resource utilization (percentage of request) above target"
            ),
        );
    }
    counted(
        scene,
        "Deployment",
        "ScalingReplicaSet",
        &format!("Scaled down replica set web-1 from 5 to {back}"),
    )
}

fn counted(scene: Scene, kind: &str, reason: &str, message: &str) -> Scene {
    scene.object(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": message, "namespace": "shop"},
        "involvedObject": {"kind": kind, "namespace": "shop", "name": "web"}, "reason": reason, "message": message,
        "type": "Normal", "firstTimestamp": "2026-03-01T11:10:00Z", "lastTimestamp": "2026-03-01T11:55:00Z", "count": 6,
        "source": {"component": "controller"}}))
}

/// It scales, or is switched off; old warnings are left.
fn scales() -> Scene {
    Scene::new()
        .object(autoscaler(condition(
            "ScalingActive",
            "True",
            "ValidMetricFound",
            "m",
        )))
        .event(
            "HorizontalPodAutoscaler/shop/web",
            "FailedGetResourceMetric",
            NO_API,
            "2026-03-01T10:00:20Z",
        )
        .event(
            "HorizontalPodAutoscaler/shop/web",
            "FailedGetScale",
            NO_SCALE,
            "2026-03-01T10:00:20Z",
        )
}

// Rollouts.

fn deployment(progressing: &str, reason: &str, message: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-02-01T00:00:00Z"},
        "spec": {"replicas": 1, "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}},
        "status": {"replicas": 2, "readyReplicas": 1, "conditions": [{"type": "Progressing", "status": progressing, "reason": reason,
            "message": message, "lastTransitionTime": "2026-03-01T11:40:00Z"}]}})
}

fn past_deadline() -> Value {
    deployment(
        "False",
        "ProgressDeadlineExceeded",
        "ReplicaSet \"web-2\" has timed out progressing.",
    )
}

fn set(name: &str, revision: &str, ready: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name, "namespace": "shop", "uid": name,
        "annotations": {"deployment.kubernetes.io/revision": revision},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true}]},
        "spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": ready}})
}

/// The new revision's pod, which no node may take.
fn waiting(said: bool) -> Value {
    let mut it = pod(
        json!({"metadata": {"name": "web-2-x", "uid": "w", "ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-2", "controller": true}]},
        "spec": {"nodeName": null}, "status": {"phase": "Pending", "startTime": null, "containerStatuses": null, "conditions": []}}),
    );
    if said {
        merge(
            &mut it,
            json!({"status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": "words of a plugin that nobody knows", "lastTransitionTime": "2026-03-01T11:30:00Z"}]}}),
        );
    }
    it
}

fn rollout(deployment: Value) -> Scene {
    Scene::new()
        .object(deployment)
        .object(set("web-1", "1", 1))
        .object(set("web-2", "2", 0))
}

fn stateful(policy: &str, ready: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "shop", "creationTimestamp": "2026-02-01T00:00:00Z"},
        "spec": {"replicas": 3, "podManagementPolicy": policy}, "status": {"replicas": 3, "readyReplicas": ready}})
}

/// A pod of the set, whose readiness changed at the time.
fn member(ordinal: i64, ready: &str, since: &str) -> Value {
    pod(
        json!({"metadata": {"name": format!("db-{ordinal}"), "uid": format!("u{ordinal}"), "creationTimestamp": since, "ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": true}]},
        "status": {"startTime": since, "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since}],
            "containerStatuses": [status(json!({"ready": ready == "True", "state": {"running": {"startedAt": since}}}))]},
        "spec": {"containers": [{"name": "app", "readinessProbe": {"tcpSocket": {"port": 5432}, "initialDelaySeconds": 3600}}]}}),
    )
}

// Jobs.

fn job(kind: &str, reason: &str, message: &str) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "report", "namespace": "shop", "uid": "u-job"},
        "spec": {"backoffLimit": 5, "activeDeadlineSeconds": 50},
        "status": {"failed": 6, "conditions": [{"type": kind, "status": "True", "reason": reason, "message": message,
            "lastTransitionTime": "2026-03-01T11:00:00Z"}]}})
}

fn failed(reason: &str) -> Scene {
    Scene::new().object(job(
        "Failed",
        reason,
        "Container app for pod shop/report-1 failed with exit code 42 matching FailJob rule at index 0",
    ))
}

/// A Job that goes on after some failures.
fn retrying() -> Scene {
    let mut it = job("Suspended", "x", "m");
    merge(
        &mut it,
        json!({"status": {"active": 1, "failed": 2, "conditions": []}}),
    );
    Scene::new().object(it)
}

/// A Job of a CronJob that failed at 11:00; a later run succeeded at 11:31.
fn made_good(reason: &str) -> Scene {
    let owner = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "uid": "u-cron", "controller": true}]);
    let mut first = job("Failed", reason, "m");
    first["metadata"]["ownerReferences"] = owner.clone();
    let mut second = job("Complete", "CompletionsReached", "m");
    merge(
        &mut second,
        json!({"metadata": {"name": "report-2", "uid": "u2"}, "status": {"completionTime": "2026-03-01T11:31:00Z"}}),
    );
    second["metadata"]["ownerReferences"] = owner;
    Scene::new().object(first).object(second)
}

fn done() -> Scene {
    Scene::new().object(job("Complete", "CompletionsReached", "m"))
}

fn cron(patch: Value) -> Value {
    let mut it = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "backup", "namespace": "shop"},
        "spec": {"schedule": "0 * * * *"}, "status": {"lastScheduleTime": "2026-03-01T10:00:00Z"}});
    merge(&mut it, patch);
    it
}

fn said_of_cron(patch: Value, reason: &str, message: &str) -> Scene {
    Scene::new()
        .object(cron(patch))
        .event("CronJob/shop/backup", reason, message, "2026-03-01T11:01:00Z")
}

const MISSED: &str = "Missed scheduled time to start a job: Sun, 01 Mar 2026 11:00:00 +0000";
const UNREADABLE: &str = "unparseable schedule: \"99 * * * *\" : end of range (99) above maximum (59): 99";
const NO_ZONE: &str = "invalid timeZone: \"Mars/Olympus\": unknown time zone Mars/Olympus";

fn resting(kind: &str, patch: Value) -> Value {
    let mut it = json!({"apiVersion": if matches!(kind, "Job" | "CronJob") { "batch/v1" } else { "apps/v1" }, "kind": kind,
        "metadata": {"name": "it", "namespace": "shop", "uid": "u"}, "spec": {}});
    merge(&mut it, patch);
    it
}

fn named(kind: &str, patch: Value) -> Scene {
    Scene::new()
        .object(resting(kind, patch))
        .named(&[&format!("{kind}/shop/it")])
}

// Budgets.

fn budget(patch: Value) -> Value {
    let mut it = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "app", "namespace": "shop"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "app"}}},
        "status": {"disruptionsAllowed": 0, "expectedPods": 1, "currentHealthy": 1, "desiredHealthy": 1}});
    merge(&mut it, patch);
    it
}

fn node(cordoned: bool) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {"unschedulable": cordoned},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}

fn guarded(cordoned: bool, patch: Value, guarded: Value) -> Scene {
    Scene::new()
        .object(budget(patch))
        .object(node(cordoned))
        .object(pod(guarded))
}

/// A Job whose container `app` ended well at a time, and another runs on beside it.
fn kept(other: &str, ended: &str, job: Value) -> Scene {
    let mut it = json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "report", "namespace": "shop", "creationTimestamp": "2026-03-01T10:00:00Z"},
        "spec": {"completions": 1}, "status": {"active": 1}});
    merge(&mut it, job);
    let done = status(
        json!({"ready": false, "state": {"running": null, "terminated": {"exitCode": 0, "reason": "Completed",
        "finishedAt": format!("2026-03-01T{ended}:00Z")}}}),
    );
    let pod = pod(
        json!({"metadata": {"ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "report", "controller": true}]},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "registry.example/app:1"}, {"name": other, "image": "registry.example/x:1"}]},
        "status": {"conditions": [], "containerStatuses": [done, status(json!({"name": other}))]}}),
    );
    Scene::new().object(it).object(pod)
}

const TABLE: &[Contract] = &[
    Contract {
        code: "ROL-AUTOSCALER-AT-MAXIMUM",
        verdict: Verdict::Proven,
        found: at_maximum,
        rival: ("ROL-AUTOSCALER-NO-METRICS", || blind(NO_API)),
        open: || Scene::new().object(autoscaler(condition("ScalingLimited", "Unknown", "", ""))),
        healthy: || {
            Scene::new().object(autoscaler(condition(
                "ScalingLimited",
                "True",
                "TooFewReplicas",
                "m",
            )))
        },
        over: || {
            Scene::new().object(autoscaler(condition(
                "ScalingLimited",
                "False",
                "DesiredWithinRange",
                "m",
            )))
        },
    },
    Contract {
        code: "ROL-AUTOSCALER-NO-METRICS",
        verdict: Verdict::Proven,
        found: || blind(NO_API),
        rival: ("ROL-AUTOSCALER-FIGHT", shared),
        open: || Scene::new().object(autoscaler(condition("ScalingActive", "Unknown", "", ""))),
        // Its pods were started a moment ago.
        healthy: || blind(NOT_YET).now("2026-03-01T11:00:30Z"),
        over: scales,
    },
    Contract {
        code: "ROL-AUTOSCALER-NO-REQUEST",
        verdict: Verdict::Proven,
        found: || blind(NO_REQUEST),
        rival: ("ROL-AUTOSCALER-NO-METRICS", || {
            scaled_by("cpu", json!({"requests": {"cpu": "1"}}))
        }),
        // By memory, of which nobody says whether the pods request it.
        open: || blind(NO_API),
        // A limit counts as a request.
        healthy: || {
            let mut it = autoscaler(condition("ScalingActive", "True", "ValidMetricFound", "m"));
            merge(&mut it, json!({"spec": {"metrics": [by("cpu")]}}));
            Scene::new().object(it).object(target_pod(json!({})))
        },
        over: scales,
    },
    Contract {
        code: "ROL-AUTOSCALER-TARGET",
        verdict: Verdict::Proven,
        found: without_target,
        rival: ("ROL-AUTOSCALER-NO-METRICS", || blind(NO_API)),
        open: || Scene::new().object(autoscaler(condition("AbleToScale", "Unknown", "", ""))),
        // So said autoscalers up to 1.11 between two steps.
        healthy: || {
            Scene::new().object(autoscaler(condition(
                "AbleToScale",
                "False",
                "BackoffBoth",
                "the time since the previous scale is still within both the downscale and upscale forbidden windows",
            )))
        },
        over: scales,
    },
    Contract {
        code: "ROL-AUTOSCALER-FIGHT",
        verdict: Verdict::Likely,
        found: || undone(&[5], 2),
        rival: ("ROL-AUTOSCALER-AT-MAXIMUM", at_maximum),
        // Set again and again, and nobody shows who sets it back.
        open: || {
            let scene = Scene::new().object(autoscaler(json!([])));
            counted(
                scene,
                "HorizontalPodAutoscaler",
                "SuccessfulRescale",
                "New size: 5; reason: cpu resource utilization (percentage of request) above target",
            )
        },
        // A load that swings: the autoscaler itself sets both sizes.
        healthy: || undone(&[5, 2], 2),
        over: scales,
    },
    Contract {
        code: "ROL-BUDGET-BLOCKS",
        verdict: Verdict::Proven,
        found: || guarded(true, json!({}), json!({})),
        rival: ("OOM-CONTAINER-LIMIT", || {
            // Three pods wanted, one of them crashes: bring that back, and the drain goes on.
            let sick = pod(
                json!({"metadata": {"name": "app-2", "uid": "2"}, "spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]},
                "status": {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-03-01T11:00:00Z"}],
                    "containerStatuses": [crashed(137, "OOMKilled")]}}),
            );
            guarded(
                true,
                json!({"status": {"expectedPods": 3, "currentHealthy": 1, "desiredHealthy": 2}}),
                json!({}),
            )
            .object(sick)
        }),
        // Which pods it guards is not known: nothing was read of them.
        open: || Scene::new().object(budget(json!({}))).object(node(true)),
        healthy: || guarded(false, json!({}), json!({})),
        // The drain goes on: its pods come back elsewhere one after the other.
        over: || {
            let young = pod(
                json!({"metadata": {"name": "app-2", "uid": "2", "creationTimestamp": "2026-03-01T11:59:30Z"},
                "spec": {"nodeName": "n2"},
                "status": {"startTime": "2026-03-01T11:59:30Z", "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-03-01T11:59:30Z"}],
                    "containerStatuses": [status(json!({"ready": false, "state": {"running": {"startedAt": "2026-03-01T11:59:55Z"}}}))]}}),
            );
            guarded(
                true,
                json!({"status": {"expectedPods": 2, "currentHealthy": 1, "desiredHealthy": 1}}),
                json!({}),
            )
            .object(young)
        },
    },
    Contract {
        code: "ROL-CANNOT-MOVE",
        verdict: Verdict::Proven,
        // 25 % of one pod are none to take away, and one to add.
        found: || rollout(past_deadline()).object(waiting(true)),
        // The new pod runs and is not ready: room is not what it lacks.
        rival: ("ROL-PROGRESS-DEADLINE", || rollout(past_deadline())),
        open: || rollout(past_deadline()).object(waiting(false)),
        healthy: || rollout(deployment("True", "ReplicaSetUpdated", "m")),
        over: || rollout(deployment("True", "NewReplicaSetAvailable", "m")),
    },
    Contract {
        code: "ROL-PROGRESS-DEADLINE",
        verdict: Verdict::Proven,
        found: || rollout(past_deadline()),
        rival: ("ADM-QUOTA-EXCEEDED", || {
            rollout(deployment(
                "False",
                "ReplicaSetCreateError",
                "Failed to create new replica set \"web-3\": replicasets.apps is forbidden: exceeded quota: q, requested: count/replicasets.apps=1, used: count/replicasets.apps=5, limited: count/replicasets.apps=5",
            ))
        }),
        open: || rollout(deployment("Unknown", "DeploymentPaused", "Deployment is paused")),
        healthy: || {
            rollout(deployment(
                "True",
                "ReplicaSetUpdated",
                "ReplicaSet \"web-2\" is progressing.",
            ))
        },
        over: || {
            rollout(deployment(
                "True",
                "NewReplicaSetAvailable",
                "ReplicaSet \"web-2\" has successfully progressed.",
            ))
        },
    },
    Contract {
        code: "ROL-STATEFULSET-ORDINAL",
        verdict: Verdict::Proven,
        found: || {
            Scene::new().object(stateful("OrderedReady", 2)).object(member(
                1,
                "False",
                "2026-03-01T11:10:00Z",
            ))
        },
        rival: ("OOM-CONTAINER-LIMIT", || {
            let mut sick = member(1, "False", "2026-03-01T11:10:00Z");
            merge(
                &mut sick,
                json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]}, "status": {"containerStatuses": [crashed(137, "OOMKilled")]}}),
            );
            Scene::new().object(stateful("OrderedReady", 2)).object(sick)
        }),
        // Its pods were not read.
        open: || Scene::new().object(stateful("OrderedReady", 2)),
        // A rollout restarts its pods one after the other.
        healthy: || {
            Scene::new().object(stateful("OrderedReady", 2)).object(member(
                2,
                "False",
                "2026-03-01T11:59:40Z",
            ))
        },
        over: || {
            Scene::new()
                .object(stateful("OrderedReady", 3))
                .object(member(1, "True", "2026-03-01T11:58:00Z"))
        },
    },
    Contract {
        code: "ROL-JOB-BACKOFF",
        verdict: Verdict::Proven,
        found: || failed("BackoffLimitExceeded"),
        rival: ("ROL-JOB-DEADLINE", || failed("DeadlineExceeded")),
        open: || failed("SomethingNew"),
        healthy: retrying,
        over: || made_good("BackoffLimitExceeded"),
    },
    Contract {
        code: "ROL-JOB-DEADLINE",
        verdict: Verdict::Proven,
        found: || failed("DeadlineExceeded"),
        rival: ("ROL-JOB-FAILURE-POLICY", || failed("PodFailurePolicy")),
        open: || failed("SomethingNew"),
        healthy: done,
        over: || made_good("DeadlineExceeded"),
    },
    Contract {
        code: "ROL-JOB-KEPT-RUNNING",
        verdict: Verdict::Likely,
        found: || kept("cloudsql-proxy", "11:00", json!({})),
        rival: ("ROL-JOB-BACKOFF", || failed("BackoffLimitExceeded")),
        // It may have work of its own.
        open: || kept("second-half", "11:00", json!({})),
        healthy: || kept("cloudsql-proxy", "11:58", json!({})),
        over: || {
            kept(
                "cloudsql-proxy",
                "11:00",
                json!({"status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}}),
            )
        },
    },
    Contract {
        code: "ROL-JOB-FAILURE-POLICY",
        verdict: Verdict::Proven,
        found: || failed("PodFailurePolicy"),
        rival: ("ROL-JOB-BACKOFF", || failed("BackoffLimitExceeded")),
        open: || failed("SomethingNew"),
        healthy: done,
        over: || made_good("PodFailurePolicy"),
    },
    Contract {
        code: "ROL-JOB-FAILED-INDEXES",
        verdict: Verdict::Proven,
        found: || failed("MaxFailedIndexesExceeded"),
        rival: ("ROL-JOB-BACKOFF", || failed("BackoffLimitExceeded")),
        open: || failed("SomethingNew"),
        healthy: done,
        over: || made_good("FailedIndexes"),
    },
    Contract {
        code: "ROL-CRONJOB-MISSED",
        verdict: Verdict::Proven,
        found: || said_of_cron(json!({}), "MissSchedule", MISSED),
        rival: ("ROL-CRONJOB-INVALID", || {
            said_of_cron(
                json!({"spec": {"schedule": "99 * * * *"}}),
                "UnparseableSchedule",
                UNREADABLE,
            )
        }),
        // Without the control plane's word a schedule alone shows nothing.
        open: || {
            Scene::new().object(cron(
                json!({"status": {"lastScheduleTime": "2026-02-01T10:00:00Z"}}),
            ))
        },
        // The run before goes on for a quarter of an hour, and runs may not overlap: as asked for.
        healthy: || {
            let patch = json!({"spec": {"concurrencyPolicy": "Forbid"}, "status": {"active": [{"kind": "Job", "name": "report", "namespace": "shop"}]}});
            let mut running = resting(
                "Job",
                json!({"metadata": {"name": "report", "creationTimestamp": "2026-03-01T11:45:00Z"}}),
            );
            merge(&mut running, json!({"status": {"active": 1}}));
            said_of_cron(
                patch,
                "JobAlreadyActive",
                "Not starting job because prior execution is running and concurrency policy is Forbid",
            )
            .object(running)
        },
        over: || {
            said_of_cron(
                json!({"status": {"lastScheduleTime": "2026-03-01T11:30:00Z"}}),
                "MissSchedule",
                MISSED,
            )
        },
    },
    Contract {
        code: "ROL-CRONJOB-INVALID",
        verdict: Verdict::Proven,
        found: || {
            said_of_cron(
                json!({"spec": {"schedule": "99 * * * *"}}),
                "UnparseableSchedule",
                UNREADABLE,
            )
        },
        rival: ("ROL-CRONJOB-MISSED", || {
            said_of_cron(json!({}), "MissSchedule", MISSED)
        }),
        open: || Scene::new().object(cron(json!({"spec": {"schedule": "99 * * * *"}}))),
        healthy: || Scene::new().object(cron(json!({}))),
        // It was corrected; its first run is to come.
        over: || said_of_cron(json!({"status": null}), "UnparseableSchedule", UNREADABLE),
    },
    Contract {
        code: "ROL-JOB-SUSPENDED",
        verdict: Verdict::Proven,
        found: || named("Job", json!({"spec": {"suspend": true}})),
        rival: ("ROL-PAUSED", || {
            named("Deployment", json!({"spec": {"replicas": 0}}))
        }),
        // Nobody asked about it.
        open: || Scene::new().object(resting("Job", json!({"spec": {"suspend": true}}))),
        healthy: || {
            named(
                "Job",
                json!({"spec": {"suspend": false}, "status": {"active": 1}}),
            )
        },
        over: || {
            named(
                "CronJob",
                json!({"spec": {"suspend": false, "schedule": "0 * * * *"}}),
            )
        },
    },
    Contract {
        code: "ROL-PAUSED",
        verdict: Verdict::Proven,
        found: || named("Deployment", json!({"spec": {"paused": true, "replicas": 2}})),
        rival: ("ROL-JOB-SUSPENDED", || {
            named("CronJob", json!({"spec": {"suspend": true}}))
        }),
        open: || Scene::new().object(resting("StatefulSet", json!({"spec": {"replicas": 0}}))),
        healthy: || {
            named(
                "Deployment",
                json!({"spec": {"replicas": 2}, "status": {"replicas": 2}}),
            )
        },
        over: || {
            named(
                "StatefulSet",
                json!({"spec": {"replicas": 2}, "status": {"replicas": 2, "readyReplicas": 2}}),
            )
        },
    },
];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, TABLE);
}
