//! Descriptions and tables captured from real clusters (1.32.2 and 1.36.3), checked against the JSON of the same
//! objects: everything read must be true, and what describe shows must be read.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::paste::{Origin, Pasted, read};

fn folder(version: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/captured")
        .join(version)
}

fn texts(version: &str, ending: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = fs::read_dir(folder(version))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    found.sort();
    found
}

fn json_of(version: &str, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder(version).join(name)).unwrap()).unwrap()
}

fn find<'a>(pasted: &'a Pasted, kind: &str, name: &str) -> &'a Value {
    pasted
        .objects
        .iter()
        .find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
        .unwrap_or_else(|| panic!("no {kind}/{name}"))
}

/// Everything in `mine` is in `real`.
fn differences(mine: &Value, real: &Value, path: &str, out: &mut Vec<String>) {
    /// Printed otherwise than stored, on purpose.
    const OTHERWISE: [&str; 6] = [
        "/exec/command",
        "/expirationSeconds",
        "/message",
        "/command/",
        "/matchLabels",
        "/whenUnsatisfiable",
    ];
    match (mine, real) {
        (Value::Object(mine), Value::Object(real)) => {
            for (key, value) in mine {
                let path = format!("{path}/{key}");
                match real.get(key) {
                    Some(real) => differences(value, real, &path, out),
                    None if is_default(value) => {}
                    None => out.push(format!("{path}: {value} is not there")),
                }
            }
        }
        (Value::Array(mine), Value::Array(real)) => {
            for (index, value) in mine.iter().enumerate() {
                let by = ["name", "type", "mountPath", "key"]
                    .into_iter()
                    .find(|by| value.get(by).is_some());
                let other = match by {
                    Some(by) => real.iter().find(|other| other.get(by) == value.get(by)),
                    None => real.get(index),
                };
                let path = format!("{path}/{index}");
                match other {
                    Some(other) => differences(value, other, &path, out),
                    None => out.push(format!("{path}: {value} is not there")),
                }
            }
        }
        (mine, real) if mine == real => {}
        _ if OTHERWISE.iter().any(|part| path.contains(part)) => {
            // Still the same words.
            let words = |value: &Value| {
                value
                    .to_string()
                    .split(|c: char| !c.is_alphanumeric())
                    .filter(|w| !w.is_empty())
                    .collect::<String>()
            };
            if path.contains("/message")
                && words(mine).trim_end_matches('n') != words(real).trim_end_matches('n')
            {
                out.push(format!("{path}: {mine} is not {real}"));
            }
        }
        _ => out.push(format!("{path}: {mine} is not {real}")),
    }
}

fn is_default(value: &Value) -> bool {
    value == &json!(false) || value == &json!(0) || value == &json!("") || value == &json!({})
}

#[test]
fn pods_are_read_as_they_are() {
    for version in ["1.32", "1.36"] {
        for (file, text) in texts(version, ".pod.txt") {
            let real = json_of(version, &file.replace(".txt", ".json"));
            let name = real["metadata"]["name"].as_str().unwrap();
            let pasted = read(&text);
            let mine = find(&pasted, "Pod", name);
            let mut out = Vec::new();
            differences(mine, &real, "", &mut out);
            assert!(out.is_empty(), "{version}/{file}:\n{}\n{mine:#}", out.join("\n"));
            for pointer in shown(&real) {
                assert!(
                    mine.pointer(&pointer).is_some(),
                    "{version}/{file}: {pointer} is missing in\n{mine:#}"
                );
            }
            assert_eq!(pasted.partial[0].origin, Origin::Describe);
            assert!(pasted.not_understood.is_empty(), "{:?}", pasted.not_understood);
            assert!(pasted.logs.is_empty(), "{:?}", pasted.logs);
            assert!(pasted.loose.is_empty(), "{:?}", pasted.loose);
        }
    }
}

/// What describe shows of a pod.
fn shown(real: &Value) -> Vec<String> {
    let mut pointers = Vec::new();
    let fields = [
        (
            "/spec/containers",
            &[
                "image",
                "command",
                "resources/limits",
                "resources/requests",
                "env",
                "envFrom",
                "volumeMounts",
                "livenessProbe",
                "readinessProbe",
                "startupProbe",
            ] as &[&str],
        ),
        ("/spec/initContainers", &["image", "command", "volumeMounts"]),
        (
            "/status/containerStatuses",
            &[
                "state/waiting/reason",
                "state/terminated/exitCode",
                "state/running/startedAt",
                "lastState/terminated/reason",
                "lastState/terminated/exitCode",
                "lastState/terminated/finishedAt",
                "lastState/terminated/message",
                "ready",
                "restartCount",
                "containerID",
                "imageID",
            ],
        ),
        ("/status/initContainerStatuses", &["state/terminated/exitCode"]),
        (
            "/spec/volumes",
            &[
                "configMap/name",
                "secret/secretName",
                "emptyDir",
                "hostPath/path",
                "projected/sources",
                "persistentVolumeClaim/claimName",
            ],
        ),
        ("/spec/tolerations", &["key"]),
    ];
    for (list, keys) in fields {
        let items = real.pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
        for index in 0..items {
            for key in keys {
                let pointer = format!("{list}/{index}/{key}");
                let value = real.pointer(&pointer);
                if value.is_some_and(|value| value != "") {
                    pointers.push(pointer);
                }
            }
        }
    }
    for pointer in [
        "/spec/nodeName",
        "/status/phase",
        "/status/startTime",
        "/status/qosClass",
        "/metadata/labels",
        "/metadata/ownerReferences",
        "/spec/nodeSelector",
        "/spec/topologySpreadConstraints",
        "/metadata/namespace",
    ] {
        if real.pointer(pointer).is_some() {
            pointers.push(pointer.to_owned());
        }
    }
    pointers
}

#[test]
fn other_kinds_are_read_as_they_are() {
    for version in ["1.32", "1.36"] {
        for (file, kind) in [
            ("deploy", "Deployment"),
            ("rs", "ReplicaSet"),
            ("sts", "StatefulSet"),
            ("ds", "DaemonSet"),
            ("job", "Job"),
            ("cronjob", "CronJob"),
            ("pvc", "PersistentVolumeClaim"),
            ("svc", "Service"),
            ("hpa", "HorizontalPodAutoscaler"),
            ("quota", "ResourceQuota"),
            ("pdb", "PodDisruptionBudget"),
            ("node", "Node"),
        ] {
            let text = fs::read_to_string(folder(version).join(format!("{file}.describe.txt"))).unwrap();
            let pasted = read(&text);
            let reals = json_of(version, &format!("{file}.json"));
            for real in reals["items"].as_array().unwrap() {
                let mine = find(&pasted, kind, real["metadata"]["name"].as_str().unwrap());
                let mut out = Vec::new();
                differences(mine, real, "", &mut out);
                out.retain(|line| !line.contains("eartbeatTime"));
                assert!(out.is_empty(), "{version}/{file}:\n{}\n{mine:#}", out.join("\n"));
            }
            assert!(
                pasted.not_understood.is_empty(),
                "{version}/{file} {:?}",
                pasted.not_understood
            );
            assert!(
                pasted.logs.is_empty() && pasted.loose.is_empty(),
                "{version}/{file} {:?} {:?}",
                pasted.logs,
                pasted.loose
            );
        }
    }
}
