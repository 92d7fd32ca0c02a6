//! `kubectl describe node`.

use serde_json::{Value, json};
use sonde_model::Kind;

use super::fields::{Fields, Line};
use super::{Described, absolute};
use crate::paste::json::{boolean, is_none, object, push, set, time};
use crate::paste::table::cells;

pub(super) fn read(fields: &Fields<'_>, described: &mut Described) {
    let name = described
        .object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    for entry in fields.list("Taints") {
        if let Some(taint) = taint(&entry) {
            push(&mut described.object, &["spec", "taints"], taint);
        }
    }
    if let Some(value) = fields.value("Unschedulable").and_then(boolean) {
        set(&mut described.object, &["spec", "unschedulable"], value);
    }
    for (section, field) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
        for (key, value) in fields.section(section).iter().filter_map(Line::pair) {
            set(&mut described.object, &["status", field, key], value);
        }
        if fields.is_whole(section) {
            described.partial.whole.push(if field == "capacity" {
                "/status/capacity"
            } else {
                "/status/allocatable"
            });
        }
    }
    for (kind, address) in fields.section("Addresses").iter().filter_map(Line::pair) {
        push(
            &mut described.object,
            &["status", "addresses"],
            json!({ "type": kind, "address": address }),
        );
    }
    for (key, value) in fields.section("System Info").iter().filter_map(Line::pair) {
        let field = match key {
            "Kernel Version" => "kernelVersion",
            "OS Image" => "osImage",
            "Operating System" => "operatingSystem",
            "Architecture" => "architecture",
            "Container Runtime Version" => "containerRuntimeVersion",
            "Kubelet Version" => "kubeletVersion",
            "Boot ID" => "bootID",
            _ => continue,
        };
        set(&mut described.object, &["status", "nodeInfo", field], value);
    }
    conditions(fields, described);
    lease(fields, described, &name);
    pods(fields, described, &name);
    for (key, pointer) in [
        ("Taints", "/spec/taints"),
        ("Labels", "/metadata/labels"),
        ("Conditions", "/status/conditions"),
    ] {
        if fields.is_whole(key) {
            described.partial.whole.push(pointer);
        }
    }
}

/// `key=value:NoSchedule`, `key:NoExecute`.
fn taint(text: &str) -> Option<Value> {
    if is_none(text) {
        return None;
    }
    let (pair, effect) = text.rsplit_once(':')?;
    let (key, value) = pair.split_once('=').map_or((pair, None), |(k, v)| (k, Some(v)));
    let mut taint = json!({ "key": key, "effect": effect });
    if let Some(value) = value {
        set(&mut taint, &["value"], value);
    }
    Some(taint)
}

/// Type, Status, two times with blanks in them, Reason, Message.
fn conditions(fields: &Fields<'_>, described: &mut Described) {
    for line in fields.section("Conditions") {
        let mut rest = line.text.trim_start();
        let mut next = || {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let word = &rest[..end];
            rest = rest[end..].trim_start();
            word
        };
        let (kind, state) = (next(), next());
        if !matches!(state, "True" | "False" | "Unknown") {
            continue;
        }
        let mut condition = json!({ "type": kind, "status": state });
        for field in ["lastHeartbeatTime", "lastTransitionTime"] {
            if let Some((found, len)) = crate::log::time::rfc1123(rest) {
                described.times.push(found);
                set(&mut condition, &[field], time(found));
                rest = rest[len..].trim_start();
            } else if let Some(cut) = rest.strip_prefix("<none>") {
                rest = cut.trim_start();
            }
        }
        let (reason, message) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        set(&mut condition, &["reason"], reason);
        set(&mut condition, &["message"], message.trim());
        push(&mut described.object, &["status", "conditions"], condition);
    }
}

/// The node's lease is an object of its own.
fn lease(fields: &Fields<'_>, described: &mut Described, name: &str) {
    let entries: Vec<(&str, &str)> = fields.section("Lease").iter().filter_map(Line::pair).collect();
    let value = |key: &str| entries.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
    let Some(renewed) = value("RenewTime").and_then(absolute) else {
        return;
    };
    described.times.push(renewed);
    let mut lease = object(&Kind::Lease, "kube-node-lease", name);
    set(&mut lease, &["spec", "renewTime"], time(renewed));
    if let Some(holder) = value("HolderIdentity") {
        set(&mut lease, &["spec", "holderIdentity"], holder);
    }
    described.mentions.push(lease);
}

/// `Namespace Name CPU-Requests CPU-Limits Memory-Requests Memory-Limits Age`: each amount with its share.
fn pods(fields: &Fields<'_>, described: &mut Described, node: &str) {
    /// A node holds some hundred.
    const PODS_MAX: usize = 4_096;
    for line in fields.section("Non-terminated Pods").iter().take(PODS_MAX) {
        let text = line.text.trim();
        if text.starts_with("Namespace ") || text.starts_with("---") || text.is_empty() {
            continue;
        }
        let words = cells(text);
        let plain: Vec<&str> = words
            .iter()
            .map(|cell| cell.split(" (").next().unwrap_or(""))
            .collect();
        let [namespace, name, cpu, _, memory, ..] = plain[..] else {
            continue;
        };
        if !name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        {
            continue;
        }
        let mut pod = object(&Kind::Pod, namespace, name);
        set(&mut pod, &["spec", "nodeName"], node);
        // The sum over the pod's containers; the text does not tell them apart.
        let requests = json!({ "cpu": cpu, "memory": memory });
        set(
            &mut pod,
            &["spec", "containers"],
            json!([{ "name": "", "resources": { "requests": requests } }]),
        );
        described.mentions.push(pod);
    }
}
