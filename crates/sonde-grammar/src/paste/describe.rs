//! `kubectl describe`: one object's text.

mod container;
mod fields;
mod headless;
mod node;
mod pod;
mod storage;
mod wiring;
mod workload;

use serde_json::Value;
use sonde_model::{Kind, Timestamp};

use super::events::{self, EventRow};
use super::json::{is_none, object, set, time};
use super::{Origin, Partial, age, naming};
use crate::log::time as log_time;

pub(crate) use container::is_name as is_container_name;
use fields::Fields;
pub(crate) use fields::{Line, is_top, wrap_column};
pub(crate) use storage::long_mode;

/// An object read from a description, with its events.
pub(crate) struct Described {
    pub(crate) object: Value,
    pub(crate) partial: Partial,
    pub(crate) events: Vec<EventRow>,
    /// Objects that the text names beside it.
    pub(crate) mentions: Vec<Value>,
    /// Absolute times, and "now" as the ages of events tell it.
    pub(crate) times: Vec<Timestamp>,
    /// Times that are ages yet: where to set them, and how many seconds back.
    pub(crate) ages: Vec<(Vec<&'static str>, i64)>,
    /// When the ages were counted, where the text tells.
    pub(crate) now: Option<Timestamp>,
}

/// The name of an object whose text does not tell it.
pub(crate) const UNNAMED: &str = "unnamed";

/// A reader of one kind's fields.
type Read = fn(&Fields<'_>, &mut Described);

/// Keys that tell the kind; the first row of which all keys are present wins.
const KINDS: &[(Kind, &[&str], Read)] = &[
    (Kind::Node, &["Roles", "Conditions"], node::read),
    (Kind::Node, &["Taints", "Unschedulable"], node::read),
    (Kind::Deployment, &["StrategyType"], workload::deployment),
    (
        Kind::DaemonSet,
        &["Desired Number of Nodes Scheduled"],
        workload::daemon_set,
    ),
    (
        Kind::CronJob,
        &["Schedule", "Concurrency Policy"],
        workload::cron_job,
    ),
    (Kind::Job, &["Parallelism", "Pods Statuses"], workload::job),
    (
        Kind::StatefulSet,
        &["Replicas", "Update Strategy"],
        workload::stateful_set,
    ),
    (
        Kind::ReplicaSet,
        &["Replicas", "Pods Status"],
        workload::replica_set,
    ),
    (Kind::PersistentVolume, &["Reclaim Policy"], storage::volume),
    (
        Kind::PersistentVolumeClaim,
        &["StorageClass", "Status", "VolumeMode"],
        storage::claim,
    ),
    (
        Kind::PersistentVolumeClaim,
        &["StorageClass", "Access Modes"],
        storage::claim,
    ),
    (Kind::StorageClass, &["IsDefaultClass"], storage::class),
    (
        Kind::HorizontalPodAutoscaler,
        &["Reference", "Metrics"],
        workload::autoscaler,
    ),
    (
        Kind::PodDisruptionBudget,
        &["Min available", "Status"],
        workload::budget,
    ),
    (
        Kind::PodDisruptionBudget,
        &["Max unavailable", "Status"],
        workload::budget,
    ),
    (Kind::Service, &["IP Families", "Selector"], wiring::service),
    (Kind::Service, &["Session Affinity"], wiring::service),
    (Kind::Ingress, &["Rules", "Default backend"], wiring::ingress),
    (Kind::Ingress, &["Rules", "Default Backend"], wiring::ingress),
    (Kind::Endpoints, &["Subsets"], wiring::endpoints),
    (Kind::ResourceQuota, &["Resource"], wiring::quota),
    (Kind::Event, &["Involved Object"], wiring::event),
    (Kind::Pod, &["Containers"], pod::read),
    (Kind::Pod, &["Init Containers"], pod::read),
    (Kind::Pod, &["QoS Class"], pod::read),
    (Kind::Pod, &["Node", "Status", "IP"], pod::read),
    (Kind::Pod, &["Priority", "Status"], pod::read),
    (Kind::Pod, &["Status", "Reason", "Message"], pod::read),
    (Kind::Namespace, &["Status"], wiring::namespace),
];

/// Reads a description. `hint` is the kind that a command above it names.
pub(crate) fn read(
    lines: &[Line<'_>],
    hint: Option<&Kind>,
    named: Option<&str>,
    namespace: &str,
) -> Option<Described> {
    let completed = headless::completed(lines);
    let fields = Fields::new(completed.as_deref().unwrap_or(lines));
    // Only the events of an object were pasted: they tell nothing of its fields.
    if fields.keys().all(|key| key == "Events") {
        return None;
    }
    let events = events::of_description(fields.events());
    let by_hint = hint.and_then(|hint| KINDS.iter().find(|(kind, _, _)| kind == hint));
    let by_keys = || {
        KINDS
            .iter()
            .find(|(_, keys, _)| keys.iter().all(|key| fields.has(key)))
    };
    let (kind, read) = match by_hint.or_else(by_keys) {
        Some((kind, _, read)) => (kind.clone(), *read),
        None if headless::is_node(lines) => (Kind::Node, node::read as Read),
        None => (hint.filter(|kind| **kind != Kind::Event).cloned()?, none as Read),
    };
    // A description whose head was cut is named by its own events or by the command above it.
    let by_events = || naming::pod_of(&events).filter(|_| kind == Kind::Pod);
    let (by_event_namespace, name) = match fields.value("Name").filter(|name| !is_none(name)) {
        Some(name) => (None, name.to_owned()),
        None => by_events()
            .map(|pod| (Some(pod.namespace).filter(|it| !it.is_empty()), pod.name))
            .or(named.map(|name| (None, name.to_owned())))
            .or(matches!(kind, Kind::Pod | Kind::Node).then(|| (None, UNNAMED.to_owned())))?,
    };
    let namespace = fields
        .value("Namespace")
        .filter(|value| !is_none(value))
        .or(by_event_namespace.as_deref())
        .unwrap_or(namespace);
    let mut described = Described {
        object: object(&kind, namespace, &name),
        partial: Partial {
            origin: Origin::Describe,
            line: lines.first().map_or(0, |line| line.line),
            whole: Vec::new(),
        },
        events: Vec::new(),
        mentions: Vec::new(),
        times: Vec::new(),
        ages: Vec::new(),
        now: None,
    };
    metadata(&fields, &mut described);
    read(&fields, &mut described);
    described.events = events;
    if kind == Kind::Pod {
        // A scheduler's success tells the node that the head would have told.
        if let Some(node) = naming::node_of(&described.events)
            && described.object.pointer("/spec/nodeName").is_none()
        {
            set(&mut described.object, &["spec", "nodeName"], node);
        }
        described.now = pod::now(&described.object, &described.events);
    }
    Some(described)
}

fn none(_: &Fields<'_>, _: &mut Described) {}

/// What all descriptions begin with.
fn metadata(fields: &Fields<'_>, described: &mut Described) {
    for (key, target) in [("Labels", "labels"), ("Annotations", "annotations")] {
        for entry in fields.list(key) {
            let pair = match key {
                "Labels" => entry.split_once('='),
                _ => entry
                    .split_once(": ")
                    .or_else(|| entry.split_once('='))
                    .or_else(|| entry.strip_suffix(':').map(|k| (k, ""))),
            };
            if let Some((name, value)) = pair
                && !name.contains(' ')
            {
                set(&mut described.object, &["metadata", target, name], value.trim());
            }
        }
    }
    for key in ["CreationTimestamp", "Created"] {
        if let Some(found) = fields.value(key).and_then(absolute) {
            described.times.push(found);
            set(
                &mut described.object,
                &["metadata", "creationTimestamp"],
                time(found),
            );
        }
    }
    if let Some((kind, name)) = fields
        .value("Controlled By")
        .and_then(|value| value.split_once('/'))
    {
        let owner = serde_json::json!({
            "apiVersion": Kind::from_name(kind).info().map_or("v1", |info| info.api_version),
            "kind": kind, "name": name, "controller": true,
        });
        set(
            &mut described.object,
            &["metadata", "ownerReferences"],
            Value::Array(vec![owner]),
        );
    }
    if let Some(text) = fields.value("Finalizers") {
        let names: Vec<Value> = text
            .trim_matches(['[', ']'])
            .split([' ', ','])
            .filter(|name| !name.is_empty() && !is_none(name))
            .map(Value::from)
            .collect();
        if !names.is_empty() {
            set(
                &mut described.object,
                &["metadata", "finalizers"],
                Value::Array(names),
            );
        }
    }
    // `Status: Terminating (lasts 5m)`.
    if let Some(text) = fields.value("Status").or_else(|| fields.value("Terminating"))
        && let Some(rest) = text
            .strip_prefix("Terminating")
            .or_else(|| fields.value("Terminating"))
    {
        let lasts = rest
            .trim_start_matches([' ', '('])
            .trim_start_matches("lasts ")
            .trim_end_matches(')');
        if let Some(seconds) = age::seconds(lasts) {
            described
                .ages
                .push((vec!["metadata", "deletionTimestamp"], seconds));
        } else if let Some(found) =
            absolute(lasts.trim_start_matches("since ").trim_start_matches("expires "))
        {
            set(
                &mut described.object,
                &["metadata", "deletionTimestamp"],
                time(found),
            );
        }
    }
}

/// An absolute time as describe prints it.
pub(crate) fn absolute(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (found, _) = log_time::rfc1123(text).or_else(|| log_time::iso(text))?;
    // Go's zero time and the epoch mean "never".
    (found.as_second() > 0).then_some(found)
}
