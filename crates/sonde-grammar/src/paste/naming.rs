//! Events whose object was cut off: what their own messages tell of it.

use sonde_model::Kind;

use super::command::Command;
use super::describe::UNNAMED;
use super::events::EventRow;
use crate::log::{PodKey, pod_with_uid};

/// Who writes events about what it owns.
const CONTROLLERS: &[(&str, Kind)] = &[
    ("replicaset-controller", Kind::ReplicaSet),
    ("replication-controller", Kind::ReplicationController),
    ("daemonset-controller", Kind::DaemonSet),
    ("statefulset-controller", Kind::StatefulSet),
    ("job-controller", Kind::Job),
];

/// Who writes events about pods.
const OF_PODS: &[&str] = &[
    "kubelet",
    "default-scheduler",
    "attachdetach-controller",
    "taint-eviction-controller",
    "taint-controller",
    "node-controller",
];

/// `Successfully assigned shop/web-1 to node-1`; up to 1.11 without the namespace.
fn assigned(message: &str) -> Option<(PodKey, &str)> {
    let rest = message.split_once("Successfully assigned ")?.1;
    let (pod, node) = rest.split_once(" to ")?;
    let (namespace, name) = pod.split_once('/').unwrap_or(("", pod));
    let node = node.split_whitespace().next()?;
    let whole = |text: &str| !text.is_empty() && !text.contains(' ');
    (whole(name) && whole(node)).then(|| {
        let key = PodKey {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        (key, node)
    })
}

/// The node that a scheduler gave the pod of these events.
pub(super) fn node_of(rows: &[EventRow]) -> Option<String> {
    rows.iter()
        .rev()
        .find_map(|row| assigned(&row.message))
        .map(|(_, node)| node.to_owned())
}

/// The pod of these events, where one of them names it.
pub(super) fn pod_of(rows: &[EventRow]) -> Option<PodKey> {
    rows.iter().find_map(|row| pod_in(&row.message))
}

/// The pod that a message names as its own.
pub(super) fn pod_in(message: &str) -> Option<PodKey> {
    assigned(message)
        .map(|(pod, _)| pod)
        .or_else(|| pod_with_uid(message).map(|(pod, _)| pod))
}

/// The controller that a refusal or a creation is about, by the name of its pod.
fn owner_in(row: &EventRow) -> Option<(Kind, String)> {
    let component = row.component.as_deref()?;
    let (_, kind) = CONTROLLERS.iter().find(|(name, _)| *name == component)?;
    let message = row.message.as_str();
    if let Some((_, rest)) = message.split_once(" in StatefulSet ") {
        return Some((kind.clone(), rest.split_whitespace().next()?.to_owned()));
    }
    let pod = ["pods \"", "pod \""]
        .iter()
        .find_map(|sign| message.split_once(sign)?.1.split('"').next())
        .or_else(|| message.strip_prefix("Created pod: "))?
        .trim();
    // `web-` was the prefix itself, up to 1.8.
    let name = pod.strip_suffix('-').or_else(|| {
        let (name, random) = pod.rsplit_once('-')?;
        (random.len() == 5 && random.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(name)
    })?;
    (!name.is_empty() && !name.contains(' ')).then(|| (kind.clone(), name.to_owned()))
}

/// Sets the object of rows that do not name it: by their own words, by those of the rows around them, by the
/// `kubectl describe` above them. What stays without a name is left as it is.
pub(super) fn name(rows: &mut [EventRow], context: &Command) {
    let own: Vec<Option<PodKey>> = rows.iter().map(|row| pod_in(&row.message)).collect();
    let mut names: Vec<&PodKey> = own.iter().flatten().collect();
    names.sort();
    names.dedup_by(|a, b| a.name == b.name);
    let described = (context.verb == "describe")
        .then_some(context.name.as_ref().zip(context.kind.as_ref()))
        .flatten();
    // One name is that of all rows; of several, each begins its own list.
    let mut pod = match names[..] {
        [one] => Some(one.clone()),
        _ => described
            .filter(|(_, kind)| **kind == Kind::Pod)
            .map(|(name, _)| PodKey {
                namespace: String::new(),
                name: name.clone(),
            }),
    };
    let mut owner: Option<(Kind, String)> = None;
    for (row, own) in rows.iter_mut().zip(&own) {
        if row.object.is_some() {
            continue;
        }
        let component = row.component.as_deref().unwrap_or("");
        if let Some(own) = own {
            pod = Some(own.clone());
        }
        owner = owner_in(row).or(owner);
        if let Some((kind, name)) = &owner
            && CONTROLLERS
                .iter()
                .any(|(known, of)| *known == component && of == kind)
        {
            row.object = Some((kind.as_str().to_owned(), name.clone()));
        } else if let (Some(pod), true) = (&pod, OF_PODS.contains(&component) || own.is_some()) {
            row.object = Some((Kind::Pod.as_str().to_owned(), pod.name.clone()));
            row.namespace = Some(pod.namespace.clone()).filter(|it| !it.is_empty());
        } else if component == "persistentvolume-controller" && described.is_none() {
            let claim = Kind::PersistentVolumeClaim.as_str();
            row.object = Some((claim.to_owned(), UNNAMED.to_owned()));
        } else if let Some((name, kind)) = described {
            row.object = Some((kind.as_str().to_owned(), name.clone()));
        }
        if row.object.is_some() && row.namespace.is_none() && context.verb == "describe" {
            row.namespace = context.namespace.clone();
        }
    }
}

/// Several events of one pod whose name nothing tells: together they show what was overcome.
pub(super) fn unnamed(rows: &mut [EventRow]) {
    let of_pod =
        |row: &EventRow| row.object.is_none() && OF_PODS.contains(&row.component.as_deref().unwrap_or(""));
    let (mut troubles, mut progress) = (false, false);
    for row in rows.iter().filter(|row| of_pod(row)) {
        troubles |= row.kind == "Warning";
        progress |= row.kind == "Normal";
    }
    for row in rows.iter_mut().filter(|row| troubles && progress && of_pod(row)) {
        row.object = Some((Kind::Pod.as_str().to_owned(), UNNAMED.to_owned()));
    }
}

/// Gives events of pods that no word names to the only pod that was shown before them.
pub(super) fn follow(rows: &mut [EventRow], pods: &[(usize, String, String)]) {
    for row in rows {
        let component = row.component.as_deref().unwrap_or("");
        let mut before = pods.iter().filter(|(line, _, _)| *line < row.line);
        if row.object.is_none()
            && OF_PODS.contains(&component)
            && let (Some((_, namespace, name)), None) = (before.next(), before.next())
        {
            row.object = Some((Kind::Pod.as_str().to_owned(), name.clone()));
            row.namespace = Some(namespace.clone()).filter(|it| !it.is_empty());
        }
    }
}
