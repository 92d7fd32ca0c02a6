//! What changed shortly before a trouble began. Told beside the proof and no part of it: later does not mean because.

use jiff::{SignedDuration, Timestamp};
use sonde_model::{Change, Family, Finding, Kind, Moment as _, ObjectRef};
use sonde_world::view::{Container, PodTemplate, Time};
use sonde_world::{Object, Snapshot};

use crate::revision;

/// A rollout can take long to show its fault; other changes show soon. Guesses.
const ROLLOUT_BEFORE: SignedDuration = SignedDuration::from_hours(24);
const CHANGE_BEFORE: SignedDuration = SignedDuration::from_hours(1);
/// A new node's first events; a guess.
const JOINING: SignedDuration = SignedDuration::from_mins(10);
/// The first failure and the change that made it may carry times in either order within this.
const SLACK: SignedDuration = SignedDuration::from_secs(5);
/// Families whose causes a change of the node can bring about; no node misspells a key.
const NODE_MATTERS: &[Family] = &[
    Family::Los,
    Family::Nod,
    Family::Evi,
    Family::Cre,
    Family::Ext,
    Family::Oom,
];
/// How many changes a finding tells, the newest.
const TOLD: usize = 3;

/// Adds to a finding what changed before it: rollouts of its workload, ConfigMaps and Secrets that its pods use, its nodes.
pub(crate) fn tell(finding: &mut Finding, snapshot: &Snapshot) {
    let Some(since) = finding.since else { return };
    let mut changes = Vec::new();
    let mut workloads: Vec<ObjectRef> = finding
        .explains
        .iter()
        .chain([&finding.subject])
        .map(|it| snapshot.root_owner(it))
        .collect();
    workloads.sort();
    workloads.dedup();
    for workload in workloads.iter().take(TOLD) {
        changes.extend(rollout(workload, since, snapshot));
    }
    let pods = finding
        .explains
        .iter()
        .filter(|it| it.kind == Kind::Pod)
        .filter_map(|it| snapshot.get(it))
        .take(TOLD);
    for pod in pods {
        changes.extend(configuration(pod, since, snapshot));
        if NODE_MATTERS.contains(&finding.family) {
            changes.extend(node(pod, since, snapshot));
        }
    }
    changes.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.object.cmp(&b.object)));
    changes.dedup();
    changes.truncate(TOLD);
    finding.changes = changes;
}

fn shortly_before(time: Timestamp, since: Timestamp, span: SignedDuration) -> bool {
    time <= since.later(SLACK) && time >= since.earlier(span)
}

/// The newest revision of a workload, if it is young, with what differs from the one before.
fn rollout(workload: &ObjectRef, since: Timestamp, snapshot: &Snapshot) -> Option<Change> {
    let rollout =
        revision::rollout(workload, snapshot).filter(|it| shortly_before(it.time, since, ROLLOUT_BEFORE))?;
    let what = rollout
        .templates
        .map_or_else(Vec::new, |(old, new)| differences(&old, &new));
    let what = if what.is_empty() {
        "its template changed".to_owned()
    } else {
        what.join("; ")
    };
    Some(Change {
        time: rollout.time,
        text: format!("{workload} was rolled out: {what}"),
        object: rollout.object,
    })
}

/// What a developer would see in a diff of two templates, in words.
fn differences(old: &PodTemplate, new: &PodTemplate) -> Vec<String> {
    let mut out = Vec::new();
    for container in new.spec.init_containers.iter().chain(&new.spec.containers) {
        let name = &container.name;
        let before = old
            .spec
            .init_containers
            .iter()
            .chain(&old.spec.containers)
            .find(|it| it.name == *name);
        match before {
            None => out.push(format!("container {name} was added")),
            Some(before) => out.extend(container_differences(before, container)),
        }
    }
    out
}

fn container_differences(old: &Container, new: &Container) -> Vec<String> {
    let name = &new.name;
    let mut out = Vec::new();
    if old.image != new.image {
        out.push(format!("image of {name} {} -> {}", old.image, new.image));
    }
    let fields = [
        ("command", old.command != new.command || old.args != new.args),
        ("resources", old.resources != new.resources),
        ("environment", old.env != new.env || old.env_from != new.env_from),
        (
            "probes",
            old.liveness_probe != new.liveness_probe
                || old.readiness_probe != new.readiness_probe
                || old.startup_probe != new.startup_probe,
        ),
        ("mounts", old.volume_mounts != new.volume_mounts),
        ("security context", old.security_context != new.security_context),
        ("lifecycle hooks", old.lifecycle != new.lifecycle),
    ];
    let changed: Vec<&str> = fields
        .iter()
        .filter(|(_, changed)| *changed)
        .map(|(field, _)| *field)
        .collect();
    if !changed.is_empty() {
        out.push(format!("{} of {name}", changed.join(", ")));
    }
    out
}

/// ConfigMaps and Secrets that the pod uses and that somebody wrote shortly before.
fn configuration(pod: &Object, since: Timestamp, snapshot: &Snapshot) -> Vec<Change> {
    let references = pod.pod().map_or(&[][..], |columns| &columns.references);
    references
        .iter()
        .filter(|it| matches!(it.kind, Kind::ConfigMap | Kind::Secret))
        .filter_map(|it| {
            let object = ObjectRef {
                kind: it.kind.clone(),
                namespace: pod.reference.namespace.clone(),
                name: it.name.clone(),
            };
            let time = written(snapshot, &object)?;
            shortly_before(time, since, CHANGE_BEFORE).then(|| Change {
                time,
                text: format!("{object}, which the pod uses, was changed"),
                object,
            })
        })
        .collect()
}

/// When somebody last wrote an object, by its managed fields; its creation does not count.
fn written(snapshot: &Snapshot, object: &ObjectRef) -> Option<Timestamp> {
    #[derive(serde::Deserialize)]
    struct Managed {
        metadata: Metadata,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        #[serde(default)]
        managed_fields: Vec<Entry>,
        #[serde(default)]
        creation_timestamp: Time,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(default)]
        time: Time,
    }
    let metadata = snapshot.view::<Managed>(object)?.metadata;
    let last = metadata.managed_fields.iter().filter_map(|it| it.time.0).max()?;
    metadata
        .creation_timestamp
        .0
        .is_none_or(|created| last > created.later(SLACK))
        .then_some(last)
}

/// A reboot or a new start of the kubelet of the pod's node.
fn node(pod: &Object, since: Timestamp, snapshot: &Snapshot) -> Vec<Change> {
    let Some(columns) = pod.pod().filter(|it| !it.node.is_empty()) else {
        return Vec::new();
    };
    let node = ObjectRef::cluster(Kind::Node, &columns.node);
    snapshot
        .events_about(&node)
        .into_iter()
        .filter_map(|event| event.event())
        .filter_map(|event| {
            let what = match event.reason.as_ref() {
                "Rebooted" => "was rebooted",
                "Starting" if event.component.as_ref() == "kubelet" => "started its kubelet anew",
                _ => return None,
            };
            let time = event
                .last
                .filter(|time| shortly_before(*time, since, CHANGE_BEFORE))?;
            // A node that has just joined starts its kubelet too; that changed nothing.
            let joined = snapshot.get(&node).and_then(|it| it.created);
            if joined.is_some_and(|joined| time < joined.later(JOINING)) {
                return None;
            }
            Some(Change {
                time,
                text: format!("{node} {what}"),
                object: node.clone(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Scene, crashed, pod};

    fn set(name: &str, created: &str, image: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name, "namespace": "shop",
            "creationTimestamp": created, "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": true}]},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "app", "image": image}]}}},
            "status": {"replicas": 1}})
    }

    fn scene(second: &str) -> Scene {
        Scene::new()
            .object(set("old", "2026-02-01T10:00:00Z", "registry.example/app:1"))
            .object(set("app", second, "registry.example/app:2"))
            .object(pod(
                json!({"status": {"containerStatuses": [crashed(137, "OOMKilled")]},
                "spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]}}),
            ))
    }

    #[test]
    fn a_rollout_before_the_trouble_is_told_with_its_difference() {
        let outcome = scene("2026-03-01T11:40:00Z").diagnose();
        let changes = &outcome.finding("OOM-CONTAINER-LIMIT").changes;
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert!(
            changes[0].text.contains("app:1 -> registry.example/app:2"),
            "{}",
            changes[0].text
        );
    }

    #[test]
    fn an_old_rollout_and_a_later_one_are_not() {
        for time in ["2026-02-20T11:40:00Z", "2026-03-01T11:59:30Z"] {
            assert!(
                scene(time)
                    .diagnose()
                    .finding("OOM-CONTAINER-LIMIT")
                    .changes
                    .is_empty(),
                "{time}"
            );
        }
    }

    #[test]
    fn a_configmap_written_before_the_trouble_is_told() {
        let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop",
            "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{"manager": "kubectl", "time": "2026-03-01T11:56:00Z"}]}});
        let using = pod(json!({"status": {"containerStatuses": [crashed(1, "Error")]},
            "spec": {"containers": [{"name": "app", "envFrom": [{"configMapRef": {"name": "settings"}}]}]}}));
        let outcome = Scene::new().object(settings).object(using).diagnose();
        let told = outcome
            .report
            .findings
            .iter()
            .flat_map(|it| &it.changes)
            .any(|it| it.text.contains("settings"));
        assert!(told, "{:?}", outcome.report.findings);
    }
}
