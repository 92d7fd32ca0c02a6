//! `kubectl describe` of what makes pods.

use serde_json::{Map, Value, json};

use super::container;
use super::fields::{Fields, Line};
use super::storage::volumes;
use super::{Described, absolute};
use crate::paste::json::{boolean, is_none, number_or_text, push, set, time};
use crate::paste::{age, events, table};

pub(super) fn deployment(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    // `3 desired | 3 updated | 3 total | 2 available | 1 unavailable`.
    if let Some(text) = fields.some("Replicas") {
        for part in text.split('|') {
            let mut words = part.split_whitespace();
            let (Some(number), Some(word)) = (words.next().and_then(|n| n.parse::<i64>().ok()), words.next())
            else {
                continue;
            };
            let path: &[&str] = match word {
                "desired" => &["spec", "replicas"],
                "updated" => &["status", "updatedReplicas"],
                "total" => &["status", "replicas"],
                "available" => &["status", "availableReplicas"],
                "unavailable" => &["status", "unavailableReplicas"],
                _ => continue,
            };
            set(object, path, number);
        }
    }
    if let Some(strategy) = fields.some("StrategyType") {
        set(object, &["spec", "strategy", "type"], strategy);
    }
    // `25% max unavailable, 25% max surge`.
    if let Some(text) = fields.some("RollingUpdateStrategy") {
        for part in text.split(',') {
            let (amount, name) = part.trim().split_once(' ').unwrap_or(("", ""));
            let field = if name.contains("surge") {
                "maxSurge"
            } else {
                "maxUnavailable"
            };
            if !amount.is_empty() {
                set(
                    object,
                    &["spec", "strategy", "rollingUpdate", field],
                    number_or_text(amount),
                );
            }
        }
    }
    if let Some(seconds) = fields
        .some("MinReadySeconds")
        .and_then(|value| value.parse::<i64>().ok())
    {
        set(object, &["spec", "minReadySeconds"], seconds);
    }
    selector(fields, object);
    template(fields, object);
    conditions(fields, object);
}

pub(super) fn replica_set(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    // `1 current / 3 desired`.
    if let Some((current, desired)) = fields
        .some("Replicas")
        .and_then(|text| text.split_once(" current / "))
    {
        counts(object, current, desired.trim_end_matches(" desired"));
    }
    pods_status(fields, object, "Pods Status");
    selector(fields, object);
    template(fields, object);
    conditions(fields, object);
}

pub(super) fn stateful_set(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    // `3 desired | 1 total`.
    if let Some((desired, total)) = fields
        .some("Replicas")
        .and_then(|text| text.split_once(" desired | "))
    {
        counts(object, total.trim_end_matches(" total"), desired);
    }
    for (key, path) in [
        ("Update Strategy", &["spec", "updateStrategy", "type"] as &[&str]),
        ("Pod Management Policy", &["spec", "podManagementPolicy"]),
    ] {
        if let Some(value) = fields.some(key) {
            set(object, path, value);
        }
    }
    if let Some(partition) = fields
        .section("Update Strategy")
        .iter()
        .filter_map(Line::pair)
        .find(|(key, _)| *key == "Partition")
        .and_then(|(_, value)| value.parse::<i64>().ok())
    {
        set(
            object,
            &["spec", "updateStrategy", "rollingUpdate", "partition"],
            partition,
        );
    }
    let mut claim = Value::Null;
    for (key, value) in fields.section("Volume Claims").iter().filter_map(Line::pair) {
        match key {
            "Name" => {
                if !claim.is_null() {
                    push(object, &["spec", "volumeClaimTemplates"], claim);
                }
                claim = json!({ "metadata": { "name": value } });
            }
            "StorageClass" if !is_none(value) => set(&mut claim, &["spec", "storageClassName"], value),
            "Capacity" => set(&mut claim, &["spec", "resources", "requests", "storage"], value),
            _ => {}
        }
    }
    if !claim.is_null() {
        push(object, &["spec", "volumeClaimTemplates"], claim);
    }
    pods_status(fields, object, "Pods Status");
    selector(fields, object);
    template(fields, object);
}

pub(super) fn daemon_set(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    for (key, field) in [
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        (
            "Number of Nodes Scheduled with Up-to-date Pods",
            "updatedNumberScheduled",
        ),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ] {
        if let Some(number) = fields.some(key).and_then(|value| value.parse::<i64>().ok()) {
            set(object, &["status", field], number);
        }
    }
    for entry in fields.list("Node-Selector") {
        if let Some((key, value)) = entry.split_once('=') {
            set(object, &["spec", "template", "spec", "nodeSelector", key], value);
        }
    }
    selector(fields, object);
    template(fields, object);
}

pub(super) fn job(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    for (key, field) in [
        ("Parallelism", "parallelism"),
        ("Completions", "completions"),
        ("Backoff Limit", "backoffLimit"),
    ] {
        if let Some(number) = fields.some(key).and_then(|value| value.parse::<i64>().ok()) {
            set(object, &["spec", field], number);
        }
    }
    let deadline = fields.some("Active Deadline Seconds");
    if let Some(seconds) = deadline.and_then(|text| age::seconds(text).or_else(|| text.parse().ok())) {
        set(object, &["spec", "activeDeadlineSeconds"], seconds);
    }
    if let Some(suspended) = fields.some("Suspend").and_then(boolean) {
        set(object, &["spec", "suspend"], suspended);
    }
    for (key, field) in [("Start Time", "startTime"), ("Completed At", "completionTime")] {
        if let Some(found) = fields.some(key).and_then(absolute) {
            described.times.push(found);
            set(object, &["status", field], time(found));
        }
    }
    // `1 Active (0 Ready) / 0 Succeeded / 2 Failed`.
    if let Some(text) = fields.some("Pods Statuses") {
        for part in text.split('/') {
            let mut words = part.split_whitespace();
            let (Some(number), Some(word)) = (words.next().and_then(|n| n.parse::<i64>().ok()), words.next())
            else {
                continue;
            };
            let field = match word {
                "Active" | "Running" => "active",
                "Succeeded" => "succeeded",
                "Failed" => "failed",
                _ => continue,
            };
            set(object, &["status", field], number);
        }
    }
    // A description shows no conditions; the controller gives the event the condition's own reason and words.
    let rows = events::of_description(fields.events());
    if let Some(row) = rows.iter().find(|row| GAVE_UP.contains(&row.reason.as_str())) {
        push(
            object,
            &["status", "conditions"],
            json!({"type": "Failed", "status": "True", "reason": row.reason, "message": row.message}),
        );
    }
    // Only a Job that is done has such a time.
    if fields.some("Completed At").and_then(absolute).is_some() {
        push(
            object,
            &["status", "conditions"],
            json!({"type": "Complete", "status": "True"}),
        );
    }
    template(fields, object);
}

/// Reasons for which the control plane gives up a Job.
const GAVE_UP: &[&str] = &[
    "BackoffLimitExceeded",
    "DeadlineExceeded",
    "PodFailurePolicy",
    "FailedIndexes",
    "MaxFailedIndexesExceeded",
];

pub(super) fn cron_job(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    for (key, field) in [
        ("Schedule", "schedule"),
        ("Concurrency Policy", "concurrencyPolicy"),
        ("Time Zone", "timeZone"),
    ] {
        if let Some(value) = fields.some(key) {
            set(object, &["spec", field], value);
        }
    }
    if let Some(suspended) = fields.some("Suspend").and_then(boolean) {
        set(object, &["spec", "suspend"], suspended);
    }
    if let Some(seconds) = fields
        .some("Starting Deadline Seconds")
        .and_then(|value| age::seconds(value).or_else(|| value.parse().ok()))
    {
        set(object, &["spec", "startingDeadlineSeconds"], seconds);
    }
    if let Some(found) = fields.some("Last Schedule Time").and_then(absolute) {
        described.times.push(found);
        set(object, &["status", "lastScheduleTime"], time(found));
    }
}

pub(super) fn autoscaler(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    for (key, field) in [("Min replicas", "minReplicas"), ("Max replicas", "maxReplicas")] {
        if let Some(number) = fields.some(key).and_then(|value| value.parse::<i64>().ok()) {
            set(object, &["spec", field], number);
        }
    }
    if let Some((kind, name)) = fields.some("Reference").and_then(|text| text.split_once('/')) {
        set(
            object,
            &["spec", "scaleTargetRef"],
            json!({ "kind": kind, "name": name }),
        );
    }
    // `3 current / 3 desired`.
    for (key, value) in fields
        .keys()
        .filter(|key| key.ends_with(" pods"))
        .filter_map(|key| Some((key, fields.some(key)?)))
    {
        let _ = key;
        if let Some((current, desired)) = value.split_once(" current / ") {
            if let Ok(number) = current.trim().parse::<i64>() {
                set(object, &["status", "currentReplicas"], number);
            }
            if let Ok(number) = desired.trim_end_matches(" desired").trim().parse::<i64>() {
                set(object, &["status", "desiredReplicas"], number);
            }
        }
    }
    conditions(fields, object);
}

pub(super) fn budget(fields: &Fields<'_>, described: &mut Described) {
    let object = &mut described.object;
    for (key, field) in [
        ("Min available", "minAvailable"),
        ("Max unavailable", "maxUnavailable"),
    ] {
        if let Some(value) = fields.some(key) {
            set(object, &["spec", field], number_or_text(value));
        }
    }
    let status: Vec<(&str, &str)> = fields
        .section("Status")
        .iter()
        .filter_map(Line::pair)
        .chain(
            ["Allowed disruptions", "Current", "Desired", "Total"]
                .into_iter()
                .filter_map(|key| Some((key, fields.some(key)?))),
        )
        .collect();
    for (key, value) in status {
        let field = match key {
            "Allowed disruptions" => "disruptionsAllowed",
            "Current" => "currentHealthy",
            "Desired" => "desiredHealthy",
            "Total" => "expectedPods",
            _ => continue,
        };
        if let Ok(number) = value.parse::<i64>() {
            set(object, &["status", field], number);
        }
    }
    selector(fields, object);
}

fn counts(object: &mut Value, current: &str, desired: &str) {
    if let Ok(number) = current.trim().parse::<i64>() {
        set(object, &["status", "replicas"], number);
    }
    if let Ok(number) = desired.trim().parse::<i64>() {
        set(object, &["spec", "replicas"], number);
    }
}

/// `1 Running / 2 Waiting / 0 Succeeded / 0 Failed`: how many pods run is not how many are ready, so only zero counts.
fn pods_status(fields: &Fields<'_>, object: &mut Value, key: &str) {
    if let Some(text) = fields.some(key)
        && text.starts_with("0 Running")
    {
        set(object, &["status", "readyReplicas"], 0);
    }
}

/// `app=web,tier in (a,b)`.
fn selector(fields: &Fields<'_>, object: &mut Value) {
    let Some(text) = fields.some("Selector") else {
        return;
    };
    let mut labels = Map::new();
    for pair in text.split(',') {
        if let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.contains([' ', '!'])) {
            labels.insert(key.to_owned(), value.trim_start_matches('=').into());
        }
    }
    if !labels.is_empty() {
        set(
            object,
            &["spec", "selector", "matchLabels"],
            Value::Object(labels),
        );
    }
}

/// `Pod Template:` holds a description of its own, two deeper.
fn template(fields: &Fields<'_>, object: &mut Value) {
    let lines = fields.section("Pod Template");
    let base = lines
        .iter()
        .filter(|line| !line.text.is_empty())
        .map(|line| line.indent)
        .min()
        .unwrap_or(0);
    let inner: Vec<Line<'_>> = lines
        .iter()
        .map(|line| Line {
            indent: line.indent.saturating_sub(base),
            ..line.clone()
        })
        .collect();
    let inner = Fields::new(&inner);
    for entry in inner.list("Labels") {
        if let Some((key, value)) = entry.split_once('=') {
            set(object, &["spec", "template", "metadata", "labels", key], value);
        }
    }
    for (key, field) in [
        ("Init Containers", "initContainers"),
        ("Containers", "containers"),
    ] {
        for container in container::read(inner.section(key), inner.flat, inner.wrap) {
            push(object, &["spec", "template", "spec", field], container.spec);
        }
    }
    for volume in volumes(&inner, "Volumes") {
        push(object, &["spec", "template", "spec", "volumes"], volume);
    }
    if let Some(account) = inner.some("Service Account") {
        set(
            object,
            &["spec", "template", "spec", "serviceAccountName"],
            account,
        );
    }
}

/// `Type Status Reason [Message]`.
fn conditions(fields: &Fields<'_>, object: &mut Value) {
    for line in fields.section("Conditions") {
        let cells = table::cells(line.text.trim());
        let [kind, state @ ("True" | "False" | "Unknown"), rest @ ..] = &cells[..] else {
            continue;
        };
        let mut condition = json!({ "type": kind, "status": state });
        if let Some(reason) = rest.first() {
            set(&mut condition, &["reason"], *reason);
        }
        if let Some(message) = rest.get(1) {
            set(&mut condition, &["message"], *message);
        }
        push(object, &["status", "conditions"], condition);
    }
}
