//! Two independent faults at once are two findings; one fault behind two symptoms is one.

use serde_json::{Value, json};
use sonde_model::{Kind, Severity};

use crate::testing::{Scene, crashed, merge, pod, status};

/// The alarms as `code subject`, then what is told without one in brackets.
fn told(scene: Scene) -> Vec<String> {
    let outcome = scene.diagnose();
    let mut told: Vec<String> = outcome
        .report
        .findings
        .iter()
        .map(|it| {
            let text = format!("{} {}", it.code, it.subject);
            if it.severity > Severity::Info {
                text
            } else {
                format!("[{text}]")
            }
        })
        .collect();
    told.sort();
    told
}

/// Everything is completely listed.
fn listed() -> Scene {
    Scene::new().complete(Kind::KNOWN).object(node(json!({})))
}

fn node(patch: Value) -> Value {
    let mut node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {"disktype": "hdd"}}, "spec": {},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-03-01T11:59:30Z"}]}
    });
    merge(&mut node, patch);
    node
}

fn pending(said: &str, patch: Value) -> Value {
    let mut it = pod(json!({
        "spec": {"nodeName": null},
        "status": {"phase": "Pending", "startTime": null, "containerStatuses": null, "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said, "lastTransitionTime": "2026-03-01T11:50:00Z"}]}
    }));
    merge(&mut it, patch);
    it
}

fn volumes(claims: &[&str]) -> Value {
    let volumes: Vec<Value> = claims
        .iter()
        .map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}}))
        .collect();
    json!({"spec": {"volumes": volumes}})
}

fn claim(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": "2026-03-01T09:00:00Z"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}},
        "status": {"phase": "Pending"}
    })
}

fn with(mut base: Value, patch: Value) -> Value {
    merge(&mut base, patch);
    base
}

const UNBOUND: &str = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";

/// A container that waits before its process ever ran.
fn waits(name: &str, reason: &str, message: &str) -> Value {
    status(
        json!({"name": name, "ready": false, "started": false, "containerID": "",
        "state": {"running": null, "waiting": {"reason": reason, "message": message}}}),
    )
}

fn two_containers(first: Value, second: Value) -> Value {
    let second = with(second, json!({"name": "side"}));
    pod(json!({
        "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}, {"name": "side", "image": "registry.example/side:2"}]},
        "status": {"containerStatuses": [first, second], "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": "False", "lastTransitionTime": "2026-03-01T10:00:05Z"}]}
    }))
}

fn config_pod(patch: Value) -> Value {
    let mut it = pod(json!({"spec": {"containers": [{"name": "app", "image": "a"}]},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]}}));
    merge(&mut it, patch);
    it
}

fn autoscaler(message: &str) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-03-01T10:00:00Z"},
        "spec": {"maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]},
        "status": {"currentReplicas": 1, "conditions": [{"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric",
            "message": message, "lastTransitionTime": "2026-03-01T10:00:30Z"}]}})
}

const NO_API: &str = "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";

fn deployment() -> [Value; 2] {
    [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "app"}}, "template": {"metadata": {"labels": {"app": "app"}},
                "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]}}}, "status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1}}),
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "app", "namespace": "shop", "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d", "controller": true}]}, "spec": {"replicas": 1}, "status": {"replicas": 1}}),
    ]
}

fn budget() -> Value {
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "app", "namespace": "shop"},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "app"}}},
        "status": {"disruptionsAllowed": 0, "expectedPods": 1, "currentHealthy": 0, "desiredHealthy": 1}})
}

const NOT_FOUND: &str = "Back-off pulling image \"registry.example/app:1\": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": registry.example/app:1: not found";
const NO_COMMAND: &str = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"serve\": executable file not found in $PATH: unknown";
const MULTI_ATTACH: &str = "Multi-Attach error for volume \"pvc-1\" Volume is already exclusively attached to one node and can't be attached to another";

fn no_image() -> Value {
    waits("app", "ImagePullBackOff", NOT_FOUND)
}

/// The pod asks for more than the node has.
fn large() -> Value {
    json!({"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "64"}}}]}})
}

fn selects(value: &str) -> Value {
    json!({"spec": {"nodeSelector": {"disktype": value}}})
}

/// One deployment with one pod.
fn deployed(pod: Value) -> Scene {
    let [deployment, set] = deployment();
    listed().object(deployment).object(set).object(pod)
}

fn sick() -> Value {
    pod(
        json!({"status": {"containerStatuses": [crashed(1, "Error")], "conditions": [
        {"type": "PodScheduled", "status": "True"},
        {"type": "Ready", "status": "False", "lastTransitionTime": "2026-03-01T10:00:05Z"}]}}),
    )
}

/// A pod that mounts a ConfigMap and a Secret.
fn mounts() -> Value {
    config_pod(
        json!({"spec": {"volumes": [{"name": "a", "configMap": {"name": "settings"}}, {"name": "b", "secret": {"secretName": "login"}}]},
            "status": {"containerStatuses": [waits("app", "ContainerCreating", "")]}}),
    )
}

/// A container that reads a ConfigMap and a Secret into its environment.
fn reads(waiting: Value) -> Value {
    config_pod(
        json!({"spec": {"containers": [{"name": "app", "image": "a", "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "login"}}]}]},
            "status": {"containerStatuses": [waiting]}}),
    )
}

/// The init container fails; the other one reads a Secret.
fn fails_before(end: Value) -> Value {
    config_pod(
        json!({"spec": {"initContainers": [{"name": "init", "image": "i"}], "containers": [{"name": "app", "image": "a", "envFrom": [{"secretRef": {"name": "login"}}]}]},
            "status": {"initContainerStatuses": [with(end, json!({"name": "init"}))], "containerStatuses": [waits("app", "PodInitializing", "")]}}),
    )
}

fn secret(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "shop"}})
}

const PROBE_REFUSED: &str = "Liveness probe failed: dial tcp 10.0.0.9:8080: connect: connection refused";
const PROBE_KILLS: &str = "Container app failed liveness probe, will be restarted";

/// Its last run ended at 11:58 at its memory limit.
fn limited_and_probed() -> Value {
    pod(
        json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}},
            "livenessProbe": {"tcpSocket": {"port": 8080}}}]},
        "status": {"containerStatuses": [crashed(137, "OOMKilled")]}}),
    )
}

fn cordoned() -> Scene {
    listed().object(node(json!({"spec": {"unschedulable": true}})))
}

#[test]
fn neither_of_two_ends_is_denied_or_cited_for_the_other() {
    let scene = |time: &str| {
        listed()
            .object(limited_and_probed())
            .container_event("Pod/shop/app-1", "app", "Unhealthy", PROBE_REFUSED, time)
            .container_event("Pod/shop/app-1", "app", "Killing", PROBE_KILLS, time)
            .diagnose()
    };
    for time in ["2026-03-01T11:40:00Z", "2026-03-01T11:57:59Z"] {
        let outcome = scene(time);
        for finding in &outcome.report.findings {
            let denied: Vec<_> = finding.ruled_out.iter().map(|it| it.code.as_str()).collect();
            assert!(
                !denied.contains(&"LIV-PORT-CLOSED") && !denied.contains(&"OOM-CONTAINER-LIMIT"),
                "{time}: {} denies {denied:?}",
                finding.code
            );
        }
        let cited = &outcome.finding("LIV-PORT-CLOSED").evidence;
        assert!(cited.iter().all(|it| !it.text.contains("OOMKilled")), "{cited:?}");
    }
}

#[test]
fn two_faults_are_two_findings() {
    let claim_not_found = "0/1 nodes are available: persistentvolumeclaim \"logs\" not found.";
    let no_metrics = || autoscaler(NO_API);
    let rows: Vec<(&str, Scene, &[&str])> = vec![
        (
            "selector and storage class",
            listed()
                .object(claim("data"))
                .object(pending(UNBOUND, with(volumes(&["data"]), selects("ssd")))),
            &["DEP-CLAIM-CLASS-MISSING pvc/data", "SCH-NODE-AFFINITY rs/app"],
        ),
        (
            "size and claim",
            listed().object(pending(claim_not_found, with(volumes(&["logs"]), large()))),
            &["DEP-CLAIM-MISSING pvc/logs", "SCH-REQUEST-TOO-LARGE rs/app"],
        ),
        (
            "two claims, each with its own fault",
            listed()
                .object(claim("data"))
                .object(pending(claim_not_found, volumes(&["data", "logs"]))),
            &["DEP-CLAIM-CLASS-MISSING pvc/data", "DEP-CLAIM-MISSING pvc/logs"],
        ),
        (
            "two claims, both missing",
            listed().object(pending(claim_not_found, volumes(&["data", "logs"]))),
            &["DEP-CLAIM-MISSING pvc/data", "DEP-CLAIM-MISSING pvc/logs"],
        ),
        (
            "cordoned and too large",
            cordoned().object(pending("0/1 nodes are available: 1 node(s) were unschedulable.", large())),
            &["SCH-CORDONED node/n1", "SCH-REQUEST-TOO-LARGE rs/app"],
        ),
        (
            "image and crash",
            listed().object(two_containers(no_image(), crashed(1, "Error"))),
            &["EXT-ERROR rs/app", "IMG-NOT-FOUND rs/app"],
        ),
        // The last end has one sender, and other runs had the other.
        (
            "memory, and a liveness probe in the run before",
            listed().object(limited_and_probed()).container_event("Pod/shop/app-1", "app", "Unhealthy", PROBE_REFUSED, "2026-03-01T11:40:00Z")
                .container_event("Pod/shop/app-1", "app", "Killing", PROBE_KILLS, "2026-03-01T11:40:00Z"),
            &["LIV-PORT-CLOSED rs/app", "OOM-CONTAINER-LIMIT rs/app"],
        ),
        (
            "memory, while the kubelet had begun to end it for its liveness probe",
            listed().object(limited_and_probed()).container_event("Pod/shop/app-1", "app", "Unhealthy", PROBE_REFUSED, "2026-03-01T11:57:59Z")
                .container_event("Pod/shop/app-1", "app", "Killing", PROBE_KILLS, "2026-03-01T11:57:59Z"),
            &["LIV-PORT-CLOSED rs/app", "OOM-CONTAINER-LIMIT rs/app"],
        ),
        (
            "two images",
            listed().object(two_containers(
                no_image(),
                waits("side", "InvalidImageName", "Failed to apply default image tag \"UPPER\": couldn't parse image name \"UPPER\": invalid reference format: repository name must be lowercase"),
            )),
            &["IMG-INVALID-NAME rs/app", "IMG-NOT-FOUND rs/app"],
        ),
        (
            "environment of one, command of the other",
            listed().object(two_containers(
                waits("app", "CreateContainerConfigError", "configmap \"settings\" not found"),
                waits("side", "RunContainerError", NO_COMMAND),
            )),
            &["CRE-COMMAND-NOT-FOUND rs/app", "DEP-CONFIG-MISSING configmap/settings"],
        ),
        (
            "two references of one environment",
            listed().object(reads(waits(
                "app",
                "CreateContainerConfigError",
                "configmap \"settings\" not found",
            ))),
            &["DEP-CONFIG-MISSING configmap/settings", "DEP-CONFIG-MISSING secret/login"],
        ),
        (
            "two volumes",
            listed().object(mounts()).event(
                "Pod/shop/app-1",
                "FailedMount",
                "MountVolume.SetUp failed for volume \"b\" : secret \"login\" not found",
                "2026-03-01T11:59:00Z",
            ),
            &["DEP-CONFIG-MISSING configmap/settings", "DEP-CONFIG-MISSING secret/login"],
        ),
        (
            "a ConfigMap and an attached volume",
            listed().object(secret("login")).object(mounts()).event(
                "Pod/shop/app-1",
                "FailedAttachVolume",
                MULTI_ATTACH,
                "2026-03-01T11:59:00Z",
            ),
            &["DEP-CONFIG-MISSING configmap/settings", "DEP-MULTI-ATTACH rs/app"],
        ),
        (
            "metrics and requests",
            deployed(pod(json!({}))).object(no_metrics()),
            &["ROL-AUTOSCALER-NO-METRICS hpa/web", "ROL-AUTOSCALER-NO-REQUEST hpa/web"],
        ),
        (
            "metrics and a crash",
            deployed(with(
                sick(),
                json!({"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "1"}}}]}}),
            ))
            .object(no_metrics()),
            &["EXT-ERROR deploy/web", "ROL-AUTOSCALER-NO-METRICS hpa/web"],
        ),
        (
            "a budget that never allows anything and a crash",
            deployed(sick())
                .object(node(json!({"spec": {"unschedulable": true}})))
                .object(budget()),
            &["EXT-ERROR deploy/web", "ROL-BUDGET-BLOCKS pdb/app"],
        ),
        (
            "a service's port and a crash",
            deployed(sick()).object(json!({"apiVersion": "v1", "kind": "Service",
                "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-03-01T10:00:00Z"},
                "spec": {"selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": "http"}]}})),
            &["EXT-ERROR deploy/web", "SVC-WRONG-TARGET-PORT service/web"],
        ),
        // What comes later is no alarm yet: an init container may be there to make it.
        (
            "an init container, and a Secret that is needed after it",
            listed().object(fails_before(crashed(1, "Error"))),
            &["EXT-ERROR rs/app", "[DEP-CONFIG-MISSING secret/login]"],
        ),
        (
            "no node, and what the pod needs there",
            listed().object(pending(
                "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
                with(
                    selects("ssd"),
                    json!({"spec": {"volumes": [{"name": "a", "configMap": {"name": "settings"}}]}}),
                ),
            )),
            &["SCH-NODE-AFFINITY rs/app", "[DEP-CONFIG-MISSING configmap/settings]"],
        ),
    ];
    for (name, scene, expect) in rows {
        let told = told(scene);
        assert_eq!(told, expect, "{name}");
    }
}

#[test]
fn one_fault_behind_two_symptoms_is_one_finding() {
    let rows: Vec<(&str, Scene, &[&str])> = vec![
        (
            "a claim and the pod that waits for it",
            listed()
                .object(claim("data"))
                .object(pending(UNBOUND, volumes(&["data"]))),
            &["DEP-CLAIM-CLASS-MISSING pvc/data"],
        ),
        (
            "a selector, and nodes that it does not want",
            listed()
                .object(node(json!({"spec": {"taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}]}})))
                .object(pending("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", with(selects("ssd"), large()))),
            &["SCH-NODE-AFFINITY rs/app"],
        ),
        (
            "held on purpose",
            listed().object(pending(
                "Scheduling is blocked due to non-empty scheduling gates",
                with(
                    selects("ssd"),
                    json!({"spec": {"schedulingGates": [{"name": "quota"}]}}),
                ),
            )),
            &["SCH-GATES rs/app"],
        ),
        (
            "three keys of one Secret",
            listed().object(config_pod(json!({"spec": {"containers": [{"name": "app", "image": "a", "env": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "login", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "login", "key": "b"}}}]}]},
                "status": {"containerStatuses": [waits("app", "CreateContainerConfigError", "secret \"login\" not found")]}}))),
            &["DEP-CONFIG-MISSING secret/login"],
        ),
        (
            "an init container alone",
            listed()
                .object(secret("login"))
                .object(fails_before(crashed(1, "Error"))),
            &["EXT-ERROR rs/app"],
        ),
        (
            "an init container that has just begun",
            listed().object(fails_before(status(json!({
                "ready": false, "state": {"running": {"startedAt": "2026-03-01T11:59:30Z"}}})))),
            &[],
        ),
        (
            "a crash and the autoscaler of its workload",
            deployed(sick()).object(autoscaler("the HPA was unable to compute the replica count: failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)"))
                .object(with(sick(), json!({"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "1"}}}]}}))),
            &["EXT-ERROR deploy/web"],
        ),
    ];
    for (name, scene, expect) in rows {
        let told = told(scene);
        assert_eq!(told, expect, "{name}");
    }
}
