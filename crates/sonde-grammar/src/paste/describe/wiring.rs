//! `kubectl describe` of services, endpoints, ingresses, namespaces, quotas and single events.

use serde_json::{Value, json};

use super::fields::{Fields, Line};
use super::{Described, absolute};
use crate::paste::json::{is_none, number_or_text, push, set, time};
use crate::paste::table::cells;

pub(super) fn service(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    for entry in fields.list("Selector").iter().flat_map(|entry| entry.split(',')) {
        if let Some((key, value)) = entry.split_once('=') {
            set(object, &["spec", "selector", key], value);
        }
    }
    for (key, path) in [
        ("Type", &["spec", "type"] as &[&str]),
        ("IP", &["spec", "clusterIP"]),
        ("External Name", &["spec", "externalName"]),
    ] {
        if let Some(value) = fields.some(key) {
            set(object, path, value);
        }
    }
    // `Port: http 80/TCP`, `TargetPort: 8080/TCP`: several ports repeat the keys.
    let ports = repeated(fields, "Port");
    let targets = repeated(fields, "TargetPort");
    for (index, text) in ports.iter().enumerate() {
        let (name, rest) = text.rsplit_once(char::is_whitespace).unwrap_or(("", text));
        let Some((number, protocol)) = rest.split_once('/') else {
            continue;
        };
        let mut port = json!({ "port": number_or_text(number), "protocol": protocol });
        if !is_none(name) {
            set(&mut port, &["name"], name.trim());
        }
        if let Some(target) = targets.get(index).and_then(|target| target.split('/').next()) {
            set(&mut port, &["targetPort"], number_or_text(target));
        }
        push(object, &["spec", "ports"], port);
    }
    described.partial.whole.extend(["/spec/selector", "/spec/ports"]);
    // The endpoints are an object of their own.
    let addresses: Vec<&str> = fields
        .some("Endpoints")
        .into_iter()
        .flat_map(|text| text.split(','))
        .filter_map(|address| address.trim().rsplit_once(':').map(|(host, _)| host))
        .collect();
    if fields.has("Endpoints") {
        let metadata = described.object.get("metadata").cloned().unwrap_or_default();
        let subsets = if addresses.is_empty() {
            json!([])
        } else {
            let addresses: Vec<Value> = addresses.iter().map(|ip| json!({ "ip": ip })).collect();
            json!([{ "addresses": addresses }])
        };
        let plain = json!({ "name": metadata.get("name"), "namespace": metadata.get("namespace") });
        described
            .mentions
            .push(json!({ "apiVersion": "v1", "kind": "Endpoints", "metadata": plain, "subsets": subsets }));
    }
}

fn repeated<'a>(fields: &'a Fields<'_>, key: &str) -> Vec<&'a str> {
    fields.all(key).collect()
}

pub(super) fn endpoints(fields: &Fields<'_>, described: &mut Described) {
    for line in fields.section("Subsets") {
        let Some((key, value)) = line.pair() else { continue };
        let field = match key {
            "Addresses" => "addresses",
            "NotReadyAddresses" => "notReadyAddresses",
            _ => continue,
        };
        let addresses: Vec<Value> = value
            .split(',')
            .filter(|ip| !is_none(ip))
            .map(|ip| json!({ "ip": ip.trim() }))
            .collect();
        if !addresses.is_empty() {
            push(&mut described.object, &["subsets"], json!({ field: addresses }));
        }
    }
}

pub(super) fn ingress(fields: &Fields<'_>, described: &mut Described) {
    let mut host = String::new();
    for line in fields.section("Rules") {
        let words: Vec<&str> = line.text.split_whitespace().take(4).collect();
        match words[..] {
            ["Host", ..] | ["----", ..] => {}
            [name] => name.clone_into(&mut host),
            // `/path   service:80 (10.0.0.1:80)`.
            [path, backend, ..] if path.starts_with('/') => {
                let Some((service, port)) = backend.split_once(':') else {
                    continue;
                };
                let path = json!({ "path": path, "backend": { "service": { "name": service, "port": { "number": number_or_text(port) } } } });
                push(
                    &mut described.object,
                    &["spec", "rules"],
                    json!({ "host": host, "http": { "paths": [path] } }),
                );
            }
            _ => {}
        }
    }
    if let Some(class) = fields.some("Ingress Class") {
        set(&mut described.object, &["spec", "ingressClassName"], class);
    }
}

/// `Resource  Used  Hard` with a row for each.
pub(super) fn quota(fields: &Fields<'_>, described: &mut Described) {
    quota_rows(fields.section("Resource"), &mut described.object);
    described.partial.whole.extend(["/status/hard", "/status/used"]);
}

fn quota_rows(lines: &[Line<'_>], object: &mut Value) {
    for line in lines {
        let words = cells(line.text.trim());
        let [resource, used, hard] = &words[..] else {
            continue;
        };
        if resource.starts_with("---") || *resource == "Resource" {
            continue;
        }
        set(object, &["status", "used", resource], *used);
        set(object, &["status", "hard", resource], *hard);
        set(object, &["spec", "hard", resource], *hard);
    }
}

pub(super) fn namespace(fields: &Fields<'_>, described: &mut Described) {
    if let Some(phase) = fields.some("Status") {
        let phase = phase.split(' ').next().unwrap_or(phase);
        set(&mut described.object, &["status", "phase"], phase);
    }
    for line in fields.section("Conditions") {
        let words = cells(line.text.trim());
        if let [kind, state @ ("True" | "False"), changed, reason, message @ ..] = &words[..] {
            let mut condition =
                json!({ "type": kind, "status": state, "reason": reason, "message": message.join(" ") });
            if let Some(found) = absolute(changed) {
                described.times.push(found);
                set(&mut condition, &["lastTransitionTime"], time(found));
            }
            push(&mut described.object, &["status", "conditions"], condition);
        }
    }
    quotas(fields, described);
}

/// The quotas inside a namespace's description: `Name: q`, then a table.
fn quotas(fields: &Fields<'_>, described: &mut Described) {
    let namespace = described
        .object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    let mut quota: Option<Value> = None;
    for line in fields.section("Resource Quotas") {
        match line.pair() {
            Some(("Name", name)) => {
                described.mentions.extend(quota.take());
                let metadata = json!({ "name": name, "namespace": namespace });
                quota = Some(json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata }));
            }
            _ => {
                if let Some(quota) = &mut quota {
                    quota_rows(std::slice::from_ref(line), quota);
                }
            }
        }
    }
    described.mentions.extend(quota);
}

/// `kubectl describe event`.
pub(super) fn event(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    for (key, field) in [("Reason", "reason"), ("Type", "type")] {
        if let Some(value) = fields.some(key) {
            set(object, &[field], value);
        }
    }
    if let Some(message) = fields.text("Message") {
        set(object, &["message"], message);
    }
    for (key, value) in fields.section("Involved Object").iter().filter_map(Line::pair) {
        let field = match key {
            "Kind" => "kind",
            "Name" => "name",
            "Namespace" => "namespace",
            "UID" => "uid",
            "Field Path" => "fieldPath",
            _ => continue,
        };
        set(object, &["involvedObject", field], value);
    }
    for (key, field) in [
        ("First Timestamp", "firstTimestamp"),
        ("Last Timestamp", "lastTimestamp"),
        ("Event Time", "eventTime"),
    ] {
        if let Some(found) = fields.some(key).and_then(absolute) {
            described.times.push(found);
            set(object, &[field], time(found));
        }
    }
    if let Some(count) = fields.some("Count").and_then(|value| value.parse::<i64>().ok()) {
        set(object, &["count"], count);
    }
}
