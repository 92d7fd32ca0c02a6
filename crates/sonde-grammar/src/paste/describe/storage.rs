//! Volumes of pods, claims, volumes and classes.

use serde_json::{Value, json};
use sonde_model::Kind;

use super::fields::Fields;
use super::{Described, absolute};
use crate::paste::json::{boolean, is_none, object, push, set, time};

/// The `Volumes:` section of a pod or template.
pub(super) fn pod_volumes(fields: &Fields<'_>, object: &mut Value) {
    let path: &[&str] = &["spec", "volumes"];
    for volume in volumes(fields, "Volumes") {
        push(object, path, volume);
    }
}

pub(super) fn volumes(fields: &Fields<'_>, key: &str) -> Vec<Value> {
    let lines = fields.section(key);
    let name_indent = lines
        .iter()
        .filter(|line| !line.text.is_empty())
        .map(|line| line.indent)
        .min()
        .unwrap_or(0);
    let mut found: Vec<(String, Vec<(&str, &str)>)> = Vec::new();
    for line in lines {
        let Some((key, value)) = line.pair() else { continue };
        // Without indentation, a name is what a `Type:` line follows; describe never leaves a field's value empty
        // except for `Medium:` and its likes, which begin with a capital.
        let is_name = value.is_empty()
            && if fields.flat {
                !key.starts_with(|c: char| c.is_ascii_uppercase())
            } else {
                line.indent == name_indent
            };
        if is_name {
            found.push((key.to_owned(), Vec::new()));
        } else if let Some((_, entries)) = found.last_mut() {
            entries.push((key, value));
        }
    }
    found
        .into_iter()
        .map(|(name, entries)| volume_of(&name, &entries))
        .collect()
}

fn volume_of(name: &str, entries: &[(&str, &str)]) -> Value {
    let value = |key: &str| {
        entries
            .iter()
            .find(|(k, _)| *k == key)
            .map(|(_, v)| *v)
            .filter(|v| !is_none(v))
    };
    let flag = |key: &str| value(key).and_then(boolean);
    let kind = value("Type").map_or("", |text| text.split(' ').next().unwrap_or(""));
    let mut volume = json!({ "name": name });
    let mut put = |path: &[&str], text: Option<&str>| {
        if let Some(text) = text {
            set(&mut volume, path, text);
        }
    };
    match kind {
        "ConfigMap" => put(&["configMap", "name"], value("Name")),
        "Secret" => put(&["secret", "secretName"], value("SecretName")),
        "PersistentVolumeClaim" => put(&["persistentVolumeClaim", "claimName"], value("ClaimName")),
        "HostPath" => {
            put(&["hostPath", "path"], value("Path"));
            put(&["hostPath", "type"], value("HostPathType"));
        }
        "NFS" => {
            put(&["nfs", "server"], value("Server"));
            put(&["nfs", "path"], value("Path"));
        }
        "CSI" => put(&["csi", "driver"], value("Driver")),
        "EmptyDir" => {
            set(&mut volume, &["emptyDir"], json!({}));
            if let Some(medium) = value("Medium") {
                set(&mut volume, &["emptyDir", "medium"], medium);
            }
            if let Some(limit) = value("SizeLimit") {
                set(&mut volume, &["emptyDir", "sizeLimit"], limit);
            }
        }
        "DownwardAPI" => set(&mut volume, &["downwardAPI"], json!({})),
        "EphemeralVolume" => set(&mut volume, &["ephemeral"], json!({ "volumeClaimTemplate": {} })),
        "Projected" => set(&mut volume, &["projected", "sources"], projected(entries)),
        _ => {}
    }
    let optional_of = match kind {
        "ConfigMap" => Some("configMap"),
        "Secret" => Some("secret"),
        _ => None,
    };
    if let (Some(source), Some(optional)) = (optional_of, flag("Optional")) {
        set(&mut volume, &[source, "optional"], optional);
    }
    if let (Some(true), Some(source)) = (
        flag("ReadOnly"),
        match kind {
            "PersistentVolumeClaim" => Some("persistentVolumeClaim"),
            "NFS" => Some("nfs"),
            _ => None,
        },
    ) {
        set(&mut volume, &[source, "readOnly"], true);
    }
    volume
}

/// A projected volume's sources, in the order of their lines; `Optional` belongs to the source before it.
fn projected(entries: &[(&str, &str)]) -> Value {
    let mut sources: Vec<Value> = Vec::new();
    for (key, value) in entries {
        let source = match *key {
            "ConfigMapName" => json!({ "configMap": { "name": value } }),
            "SecretName" => json!({ "secret": { "name": value } }),
            "TokenExpirationSeconds" => {
                json!({ "serviceAccountToken": { "expirationSeconds": value.parse::<i64>().unwrap_or(3607) } })
            }
            "DownwardAPI" => json!({ "downwardAPI": {} }),
            "Optional" | "ConfigMapOptional" | "SecretOptionalName" => {
                if let (Some(optional), Some(last)) = (boolean(value), sources.last_mut()) {
                    let kind = if last.get("secret").is_some() {
                        "secret"
                    } else {
                        "configMap"
                    };
                    if last.get(kind).is_some() {
                        set(last, &[kind, "optional"], optional);
                    }
                }
                continue;
            }
            _ => continue,
        };
        sources.push(source);
    }
    Value::Array(sources)
}

/// `kubectl describe pvc`.
/// The pods that use the claim, as `Used By:` names them; up to 1.18 `Mounted By:`.
fn used_by(fields: &Fields<'_>, described: &mut Described) {
    let text = |pointer: &str| {
        let found = described.object.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or("").to_owned()
    };
    let (namespace, claim) = (text("/metadata/namespace"), text("/metadata/name"));
    let mut pods = fields.list("Used By");
    pods.extend(fields.list("Mounted By"));
    for pod in pods.iter().filter(|name| !name.contains(' ')) {
        let mut mention = object(&Kind::Pod, &namespace, pod);
        let volume = json!({ "name": "claim", "persistentVolumeClaim": { "claimName": claim } });
        push(&mut mention, &["spec", "volumes"], volume);
        described.mentions.push(mention);
    }
}

pub(super) fn claim(fields: &Fields<'_>, described: &mut Described) {
    used_by(fields, described);
    let object = &mut described.object;
    for (key, path) in [
        ("StorageClass", &["spec", "storageClassName"] as &[&str]),
        ("Volume", &["spec", "volumeName"]),
        ("VolumeMode", &["spec", "volumeMode"]),
        ("Status", &["status", "phase"]),
        ("Capacity", &["status", "capacity", "storage"]),
    ] {
        if let Some(value) = fields.some(key).filter(|value| !value.starts_with("Terminating")) {
            set(object, path, value);
        }
    }
    access_modes(fields, object, &["spec", "accessModes"]);
    for line in fields.section("Conditions") {
        let words: Vec<&str> = line.text.split_whitespace().take(2).collect();
        if let [kind, state @ ("True" | "False" | "Unknown")] = words[..] {
            push(
                object,
                &["status", "conditions"],
                json!({ "type": kind, "status": state }),
            );
        }
    }
    described
        .partial
        .whole
        .extend(["/spec/storageClassName", "/spec/volumeName", "/status/phase"]);
}

/// `RWO`, `RWO,ROX` or the long names.
fn access_modes(fields: &Fields<'_>, object: &mut Value, path: &[&str]) {
    let Some(text) = fields.some("Access Modes") else {
        return;
    };
    for mode in text.split([',', ' ']).filter(|mode| !mode.is_empty()) {
        push(object, path, long_mode(mode).into());
    }
}

/// kubectl's short access modes.
pub(crate) fn long_mode(mode: &str) -> &str {
    match mode {
        "RWO" => "ReadWriteOnce",
        "ROX" => "ReadOnlyMany",
        "RWX" => "ReadWriteMany",
        "RWOP" => "ReadWriteOncePod",
        other => other,
    }
}

/// `kubectl describe pv`.
pub(super) fn volume(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    for (key, path) in [
        ("StorageClass", &["spec", "storageClassName"] as &[&str]),
        ("Status", &["status", "phase"]),
        ("Reclaim Policy", &["spec", "persistentVolumeReclaimPolicy"]),
        ("Capacity", &["spec", "capacity", "storage"]),
        ("Message", &["status", "message"]),
        ("VolumeMode", &["spec", "volumeMode"]),
    ] {
        if let Some(value) = fields.some(key).filter(|value| !value.starts_with("Terminating")) {
            set(object, path, value);
        }
    }
    access_modes(fields, object, &["spec", "accessModes"]);
    if let Some((namespace, name)) = fields.some("Claim").and_then(|claim| claim.split_once('/')) {
        set(
            object,
            &["spec", "claimRef"],
            json!({ "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name }),
        );
    }
    node_affinity(fields, object);
    let source: Vec<(&str, &str)> = fields
        .section("Source")
        .iter()
        .filter_map(|line| line.pair())
        .collect();
    let value = |key: &str| source.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
    let kind = value("Type").map_or("", |text| text.split(' ').next().unwrap_or(""));
    match kind {
        "CSI" => set(
            object,
            &["spec", "csi"],
            json!({ "driver": value("Driver"), "volumeHandle": value("VolumeHandle") }),
        ),
        "HostPath" => set(object, &["spec", "hostPath"], json!({ "path": value("Path") })),
        "LocalVolume" => set(object, &["spec", "local"], json!({ "path": value("Path") })),
        "NFS" => set(
            object,
            &["spec", "nfs"],
            json!({ "server": value("Server"), "path": value("Path") }),
        ),
        _ => {}
    }
}

/// `Required Terms:` / `Term 0: zone in [a, b]`.
fn node_affinity(fields: &Fields<'_>, object: &mut Value) {
    let mut terms: Vec<Value> = Vec::new();
    for line in fields.section("Node Affinity") {
        let text = line.text.trim();
        let (is_term, expression) = match line.pair() {
            Some((key, value)) if key.starts_with("Term ") => (true, value),
            Some(_) => continue,
            None => (false, text),
        };
        let Some((key, rest)) = expression.split_once(" in [") else {
            continue;
        };
        let values: Vec<&str> = rest.trim_end_matches(']').split(", ").collect();
        let expression = json!({ "key": key.trim(), "operator": "In", "values": values });
        match terms.last_mut() {
            Some(last) if !is_term => push(last, &["matchExpressions"], expression),
            _ => terms.push(json!({ "matchExpressions": [expression] })),
        }
    }
    if !terms.is_empty() {
        set(
            object,
            &["spec", "nodeAffinity", "required", "nodeSelectorTerms"],
            Value::Array(terms),
        );
    }
}

/// `kubectl describe storageclass`.
pub(super) fn class(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    for (key, field) in [
        ("Provisioner", "provisioner"),
        ("VolumeBindingMode", "volumeBindingMode"),
        ("ReclaimPolicy", "reclaimPolicy"),
    ] {
        if let Some(value) = fields.some(key) {
            set(object, &[field], value);
        }
    }
    if fields.some("IsDefaultClass") == Some("Yes") {
        set(
            object,
            &[
                "metadata",
                "annotations",
                "storageclass.kubernetes.io/is-default-class",
            ],
            "true",
        );
    }
    if let Some(found) = fields.some("CreationTimestamp").and_then(absolute) {
        set(object, &["metadata", "creationTimestamp"], time(found));
    }
}
