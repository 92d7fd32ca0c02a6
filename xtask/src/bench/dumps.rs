//! Dumps of many pods, made from one real one: the sample pod of the Kubernetes project's watch-cache benchmark (2026).
//! One in twenty is broken, by a status such as a kubelet writes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

const POD: &str = include_str!("../../data/exemplar-pod.json");

/// Where the dumps are.
pub(super) struct Dumps {
    pub(super) json: PathBuf,
    pub(super) json_bytes: u64,
    pub(super) json_without_managed_fields: PathBuf,
    pub(super) yaml: PathBuf,
    pub(super) yaml_bytes: u64,
    pub(super) large: PathBuf,
    pub(super) large_bytes: u64,
}

pub(super) fn write(folder: &Path) -> Result<Dumps> {
    let pod: Value = serde_json::from_str(POD).context("failed to read the sample pod")?;
    let mut bare = pod.clone();
    if let Some(metadata) = bare["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    let file = |name: &str, text: &str| -> Result<(PathBuf, u64)> {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
        let path = folder.join(if name == "yaml" { "pods.yaml" } else { "pods.json" });
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        Ok((folder, text.len() as u64))
    };
    let (json, json_bytes) = file("json", &list(&pod, 1000).to_string())?;
    let (json_without_managed_fields, _) = file("bare", &list(&bare, 1000).to_string())?;
    let text = serde_saphyr::to_string(&list(&bare, 1000)).context("failed to write YAML")?;
    let (yaml, yaml_bytes) = file("yaml", &text)?;
    let (large, large_bytes) = file("large", &list(&pod, 20_000).to_string())?;
    Ok(Dumps {
        json,
        json_bytes,
        json_without_managed_fields,
        yaml,
        yaml_bytes,
        large,
        large_bytes,
    })
}

fn list(pod: &Value, count: usize) -> Value {
    let items: Vec<Value> = (0..count).map(|at| copy(pod, at)).collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// The `at`th pod: own name, uid and workload; every twentieth crashes.
fn copy(pod: &Value, at: usize) -> Value {
    let mut pod = pod.clone();
    let workload = format!("service-{}-6b8f9c7d5", at / 20);
    pod["metadata"]["name"] = json!(format!("{workload}-{at:05}"));
    pod["metadata"]["namespace"] = json!(format!("team-{}", at % 40));
    pod["metadata"]["uid"] = json!(format!("00000000-0000-4000-8000-{at:012}"));
    pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": workload,
        "uid": format!("00000000-0000-4000-9000-{:012}", at / 20), "controller": true}]);
    pod["status"] = if at % 20 == 19 {
        broken(&pod)
    } else {
        healthy(&pod)
    };
    pod
}

fn healthy(pod: &Value) -> Value {
    let statuses: Vec<Value> = names(pod, "containers")
        .map(|name| {
            json!({"name": name, "ready": true, "started": true, "restartCount": 0, "lastState": {},
                "image": "registry.example/app:1", "imageID": "", "containerID": "containerd://0123",
                "state": {"running": {"startedAt": "2026-04-23T12:23:10Z"}}})
        })
        .collect();
    status(pod, "True", &statuses)
}

fn broken(pod: &Value) -> Value {
    let statuses: Vec<Value> = names(pod, "containers")
        .map(|name| {
            json!({"name": name, "ready": false, "started": false, "restartCount": 12,
                "image": "registry.example/app:1", "imageID": "", "containerID": "containerd://0123",
                "state": {"waiting": {"reason": "CrashLoopBackOff",
                    "message": format!("back-off 5m0s restarting failed container={name} pod=x")}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled",
                    "startedAt": "2026-04-23T13:20:00Z", "finishedAt": "2026-04-23T13:22:30Z", "containerID": "containerd://0123"}}})
        })
        .collect();
    status(pod, "False", &statuses)
}

fn status(pod: &Value, ready: &str, statuses: &[Value]) -> Value {
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastTransitionTime": "2026-04-23T12:23:15Z"});
    let init: Vec<Value> = names(pod, "initContainers")
        .map(|name| {
            json!({"name": name, "ready": true, "restartCount": 0, "lastState": {},
                "state": {"terminated": {"exitCode": 0, "reason": "Completed",
                    "startedAt": "2026-04-23T12:23:04Z", "finishedAt": "2026-04-23T12:23:05Z"}}})
        })
        .collect();
    json!({"phase": "Running", "startTime": "2026-04-23T12:23:01Z", "qosClass": "Burstable",
        "containerStatuses": statuses, "initContainerStatuses": init,
        "conditions": [condition("PodScheduled", "True"), condition("Initialized", "True"),
            condition("ContainersReady", ready), condition("Ready", ready)]})
}

fn names<'a>(pod: &'a Value, list: &str) -> impl Iterator<Item = &'a str> {
    pod["spec"][list]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["name"].as_str())
}
