//! `kubectl describe pod`.

use serde_json::{Value, json};
use sonde_model::{Timestamp, plausible};

use super::container::{self, Container};
use super::fields::Fields;
use super::storage::pod_volumes;
use super::{Described, absolute};
use crate::paste::age;
use crate::paste::events::EventRow;
use crate::paste::json::{is_none, push, set, time};

pub(super) fn read(fields: &Fields<'_>, described: &mut Described) {
    let mut started = None;
    for (key, spec, status) in [
        ("Init Containers", "initContainers", "initContainerStatuses"),
        ("Containers", "containers", "containerStatuses"),
        (
            "Ephemeral Containers",
            "ephemeralContainers",
            "ephemeralContainerStatuses",
        ),
    ] {
        let found = container::read(fields.section(key), fields.flat, fields.wrap);
        for container in &found {
            described.times.extend(&container.times);
            started = started.max(container.started);
        }
        put_containers(&mut described.object, found, spec, status);
        if fields.is_whole(key) {
            described.partial.whole.extend(match spec {
                "containers" => ["/spec/containers", "/status/containerStatuses"],
                "initContainers" => ["/spec/initContainers", "/status/initContainerStatuses"],
                _ => ["/spec/ephemeralContainers", "/status/ephemeralContainerStatuses"],
            });
        }
    }
    // A pod without init containers has no such section, and its `Containers:` still stands.
    if fields.is_whole("Containers") && !fields.has("Init Containers") {
        described
            .partial
            .whole
            .extend(["/spec/initContainers", "/status/initContainerStatuses"]);
    }
    specification(fields, &mut described.object);
    status(fields, described);
    if fields.has("Volumes") {
        pod_volumes(fields, &mut described.object);
        if fields.is_whole("Volumes") {
            described.partial.whole.push("/spec/volumes");
        }
    }
    for (key, pointer) in [
        ("Conditions", "/status/conditions"),
        ("Node-Selectors", "/spec/nodeSelector"),
        ("Tolerations", "/spec/tolerations"),
        ("Labels", "/metadata/labels"),
        ("Controlled By", "/metadata/ownerReferences"),
    ] {
        if fields.is_whole(key) {
            described.partial.whole.push(pointer);
        }
    }
}

fn put_containers(object: &mut Value, found: Vec<Container>, spec: &str, status: &str) {
    for container in found {
        push(object, &["spec", spec], container.spec);
        if container.has_state {
            push(object, &["status", status], container.status);
        }
    }
}

fn specification(fields: &Fields<'_>, object: &mut Value) {
    if let Some(node) = fields.some("Node") {
        let (name, address) = node.split_once('/').unwrap_or((node, ""));
        set(object, &["spec", "nodeName"], name);
        if !address.is_empty() {
            set(object, &["status", "hostIP"], address);
        }
    }
    for (key, field) in [
        ("Service Account", "serviceAccountName"),
        ("Priority Class Name", "priorityClassName"),
        ("PriorityClassName", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
    ] {
        if let Some(value) = fields.some(key) {
            set(object, &["spec", field], value);
        }
    }
    if let Some(priority) = fields
        .some("Priority")
        .and_then(|value| value.parse::<i64>().ok())
    {
        set(object, &["spec", "priority"], priority);
    }
    if let Some(seconds) = fields.some("Termination Grace Period").and_then(age::seconds) {
        set(object, &["metadata", "deletionGracePeriodSeconds"], seconds);
    }
    for entry in fields.list("Node-Selectors") {
        if let Some((key, value)) = entry.split_once('=') {
            set(object, &["spec", "nodeSelector", key], value);
        }
    }
    for entry in fields.list("Tolerations") {
        if let Some(toleration) = toleration(&entry) {
            push(object, &["spec", "tolerations"], toleration);
        }
    }
    for entry in fields.list("Topology Spread Constraints") {
        if let Some(constraint) = spread(&entry) {
            push(object, &["spec", "topologySpreadConstraints"], constraint);
        }
    }
    for line in fields.section("Readiness Gates") {
        let mut words = line.text.split_whitespace();
        let (Some(gate), Some(state)) = (words.next(), words.next()) else {
            continue;
        };
        if gate != "Type" {
            push(
                object,
                &["spec", "readinessGates"],
                json!({ "conditionType": gate }),
            );
            if matches!(state, "True" | "False") {
                push(
                    object,
                    &["status", "conditions"],
                    json!({ "type": gate, "status": state }),
                );
            }
        }
    }
}

fn status(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    if let Some(phase) = fields
        .some("Status")
        .filter(|phase| !phase.starts_with("Terminating"))
    {
        set(object, &["status", "phase"], phase);
    }
    if let Some(reason) = fields.some("Reason") {
        set(object, &["status", "reason"], reason);
    }
    if let Some(message) = fields.text("Message") {
        set(object, &["status", "message"], message);
    }
    for (key, field) in [
        ("IP", "podIP"),
        ("QoS Class", "qosClass"),
        ("NominatedNodeName", "nominatedNodeName"),
    ] {
        if let Some(value) = fields.some(key) {
            set(object, &["status", field], value);
        }
    }
    if let Some(found) = fields.some("Start Time").and_then(absolute) {
        described.times.push(found);
        set(object, &["status", "startTime"], time(found));
    }
    for line in fields.section("Conditions") {
        let mut words = line.text.split_whitespace();
        if let (Some(kind), Some(state @ ("True" | "False" | "Unknown"))) = (words.next(), words.next()) {
            push(
                object,
                &["status", "conditions"],
                json!({ "type": kind, "status": state }),
            );
        }
    }
}

/// When the ages of a pod's events were counted, as its events of known times tell.
///
/// `Scheduled` happens once and at the start time, but its age is printed coarsely; the newest `Started` refines it,
/// unless events of later starts were dropped.
pub(super) fn now(object: &Value, events: &[EventRow]) -> Option<Timestamp> {
    let at = |value: Option<&Value>| value.and_then(Value::as_str).and_then(absolute);
    let latest_start = object
        .pointer("/status/containerStatuses")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .flat_map(|status| {
            [
                "/state/running/startedAt",
                "/state/terminated/startedAt",
                "/lastState/terminated/startedAt",
            ]
            .map(|pointer| at(status.pointer(pointer)))
        })
        .flatten()
        .max();
    let anchor = |reason: &str, when: Option<Timestamp>| {
        let ages = events
            .iter()
            .filter(|event| event.reason == reason)
            .filter_map(|event| event.age_seconds);
        let age = ages.min()?;
        Some((when?.as_second().checked_add(age)?, age))
    };
    let scheduled = anchor("Scheduled", at(object.pointer("/status/startTime")));
    let started = anchor("Started", latest_start);
    let second = match (scheduled, started) {
        (Some((scheduled, age)), Some((started, _)))
            if (scheduled..=scheduled.saturating_add(grain_seconds(age))).contains(&started) =>
        {
            started
        }
        (Some((scheduled, _)), _) => scheduled,
        (None, started) => started?.0,
    };
    Timestamp::from_second(second).ok().and_then(plausible)
}

/// How coarsely kubectl prints an age.
fn grain_seconds(age: i64) -> i64 {
    match age {
        ..600 => 2,
        600..28_800 => 60,
        28_800..691_200 => 3_600,
        _ => 86_400,
    }
}

/// `node.kubernetes.io/not-ready:NoExecute op=Exists for 300s`, `key=value:NoSchedule`, `op=Exists`.
pub(super) fn toleration(text: &str) -> Option<Value> {
    if is_none(text) {
        return None;
    }
    let mut toleration = json!({});
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if let Some(operator) = word.strip_prefix("op=") {
            set(&mut toleration, &["operator"], operator);
        } else if word == "for" {
            if let Some(seconds) = words.next().and_then(age::seconds) {
                set(&mut toleration, &["tolerationSeconds"], seconds);
            }
        } else {
            let (pair, effect) = match word.rsplit_once(':') {
                Some((pair, effect @ ("NoSchedule" | "NoExecute" | "PreferNoSchedule"))) => {
                    (pair, Some(effect))
                }
                _ => (word, None),
            };
            let (key, value) = pair.split_once('=').map_or((pair, None), |(k, v)| (k, Some(v)));
            if !key.is_empty() {
                set(&mut toleration, &["key"], key);
            }
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                set(&mut toleration, &["value"], value);
            }
            if let Some(effect) = effect {
                set(&mut toleration, &["effect"], effect);
            }
        }
    }
    Some(toleration)
}

/// `zone:DoNotSchedule when max skew 1 is exceeded for selector app=web`.
fn spread(text: &str) -> Option<Value> {
    let (head, rest) = text.split_once(" when max skew ")?;
    let (key, action) = head.rsplit_once(':')?;
    let (skew, selector) = rest.split_once(" is exceeded for selector ")?;
    let mut constraint = json!({ "topologyKey": key, "whenUnsatisfiable": action });
    if let Ok(skew) = skew.parse::<i64>() {
        set(&mut constraint, &["maxSkew"], skew);
    }
    for pair in selector.split(',') {
        if let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.contains(' ')) {
            set(&mut constraint, &["labelSelector", "matchLabels", name], value);
        }
    }
    Some(constraint)
}
