//! Revisions of a workload's template: which one a pod was made from, and the way back.

use std::sync::Arc;

use jiff::Timestamp;
use sonde_model::{Evidence, Family, Finding, Fix, Kind, ObjectRef, Risk, Severity, Step};
use sonde_world::view::{DaemonSet, Deployment, ObjectMeta, Pod, PodTemplate, ReplicaSet, StatefulSet};
use sonde_world::{Object, Snapshot};

use crate::Seen;
use crate::case::evidence_id;
use crate::command::pasteable;
use crate::facts::field_on;

/// `deployment.kubernetes.io/revision` (`pkg/controller/deployment/util/deployment_util.go`).
const DEPLOYMENT: &str = "deployment.kubernetes.io/revision";
/// `apps.ControllerRevisionHashLabelKey`.
const HASH: &str = "controller-revision-hash";
/// `apps.DeprecatedTemplateGeneration`, and the label that pods get of it.
const GENERATION: &str = "deprecated.daemonset.template.generation";
const POD_GENERATION: &str = "pod-template-generation";
/// Families whose causes lie in the cluster and not in a template.
const NOT_OF_TEMPLATES: &[Family] = &[
    Family::Los,
    Family::Nod,
    Family::Evi,
    Family::Ctl,
    Family::Trm,
    Family::Svc,
    Family::Adm,
];

/// A rollout that is the newest of its workload.
pub(crate) struct Rollout {
    pub(crate) time: Timestamp,
    /// The template before it and its own, where both can be seen.
    pub(crate) templates: Option<(PodTemplate, PodTemplate)>,
    pub(crate) object: ObjectRef,
}

/// The newest rollout of a workload.
pub(crate) fn rollout(workload: &ObjectRef, snapshot: &Snapshot) -> Option<Rollout> {
    match workload.kind {
        Kind::Deployment => of_deployment(workload, snapshot),
        Kind::StatefulSet | Kind::DaemonSet => of_set(workload, snapshot),
        _ => None,
    }
}

/// The ReplicaSets of a Deployment, the newest revision first.
fn replica_sets(deployment: &ObjectRef, snapshot: &Snapshot) -> Vec<(Arc<Object>, ReplicaSet)> {
    let mut sets: Vec<(Arc<Object>, ReplicaSet)> = snapshot
        .owned_by(deployment)
        .filter(|it| it.reference.kind == Kind::ReplicaSet)
        .filter_map(|it| Some((it.clone(), it.encoded.decode().ok()?)))
        .collect();
    sets.sort_by_key(|(object, set)| std::cmp::Reverse((revision(set), object.created)));
    sets
}

fn revision(set: &ReplicaSet) -> Option<i64> {
    set.metadata.annotations.get(DEPLOYMENT)?.parse().ok()
}

fn of_deployment(workload: &ObjectRef, snapshot: &Snapshot) -> Option<Rollout> {
    let sets = replica_sets(workload, snapshot);
    let [(newest, new), (before, old), ..] = sets.as_slice() else {
        return None;
    };
    // An old set that was taken again does not tell when.
    let time = newest.created.filter(|time| before.created <= Some(*time))?;
    Some(Rollout {
        time,
        templates: Some((old.spec.template.clone(), new.spec.template.clone())),
        object: newest.reference.clone(),
    })
}

/// A set whose pods are of two revisions: the newer ones tell when and what.
fn of_set(workload: &ObjectRef, snapshot: &Snapshot) -> Option<Rollout> {
    let pods: Vec<&Arc<Object>> = snapshot
        .owned_by(workload)
        .filter(|it| it.reference.kind == Kind::Pod && it.label(HASH).is_some())
        .collect();
    let newest = pods.iter().max_by_key(|it| it.created)?;
    let hash = newest.label(HASH);
    let before = pods
        .iter()
        .filter(|it| it.label(HASH) != hash)
        .max_by_key(|it| it.created)?;
    let first = pods
        .iter()
        .filter(|it| it.label(HASH) == hash)
        .min_by_key(|it| it.created)?;
    Some(Rollout {
        time: first.created.filter(|time| before.created <= Some(*time))?,
        // Pods have more than their template, all of them the same.
        templates: template_of(before).zip(template_of(first)),
        object: workload.clone(),
    })
}

fn template_of(pod: &Object) -> Option<PodTemplate> {
    let pod: Pod = pod.encoded.decode().ok()?;
    let mut spec = pod.spec;
    for container in spec.init_containers.iter_mut().chain(&mut spec.containers) {
        // The token's mount is of the pod.
        container
            .volume_mounts
            .retain(|it| it.mount_path != "/var/run/secrets/kubernetes.io/serviceaccount");
    }
    Some(PodTemplate {
        spec,
        ..PodTemplate::default()
    })
}

/// Adds to a finding about a template what its revisions say: that it was changed since, or the way back.
pub(crate) fn tell(finding: &mut Finding, snapshot: &Snapshot) {
    if finding.ended.is_some()
        || finding.severity <= Severity::Info
        || NOT_OF_TEMPLATES.contains(&finding.family)
    {
        return;
    }
    let pods: Vec<Arc<Object>> = finding
        .explains
        .iter()
        .filter(|it| it.kind == Kind::Pod)
        .filter_map(|it| snapshot.get(it).cloned())
        .collect();
    let mut workloads: Vec<ObjectRef> = pods.iter().map(|it| snapshot.root_owner(&it.reference)).collect();
    workloads.dedup();
    let [workload] = workloads.as_slice() else { return };
    let older: Option<Vec<(bool, Seen, Seen)>> =
        pods.iter().map(|pod| is_older(pod, workload, snapshot)).collect();
    match older.as_deref() {
        Some(all @ [first, ..]) if all.iter().all(|it| it.0) => {
            changed_since(finding, workload, &pods[0], first, snapshot);
        }
        _ => way_back(finding, workload, &pods, snapshot),
    }
}

/// Whether a pod was made from an older template than its workload has now, and what shows it.
fn is_older(pod: &Object, workload: &ObjectRef, snapshot: &Snapshot) -> Option<(bool, Seen, Seen)> {
    let me = &pod.reference;
    let by_label = |key: &str, path: &str, now: &str| {
        let mine = pod.label(key)?;
        let of_pod = field_on(me, &format!("metadata.labels[{key}]"), mine);
        Some((mine != now, of_pod, field_on(workload, path, now)))
    };
    match workload.kind {
        Kind::Deployment => {
            let it: Deployment = snapshot.view(workload)?;
            if it.spec.paused {
                return None;
            }
            let sets = replica_sets(workload, snapshot);
            let (newest, set) = sets.first()?;
            let number = revision(set)?;
            let owner = &pod.owner.as_ref()?.reference;
            let (_, own) = sets.iter().find(|(it, _)| it.reference == *owner)?;
            let wanted = set.spec.replicas.unwrap_or(1) > 0;
            let path = format!("metadata.annotations[{DEPLOYMENT}]");
            Some((
                *owner != newest.reference && wanted,
                field_on(owner, &path, revision(own)?),
                field_on(&newest.reference, &path, number),
            ))
        }
        Kind::StatefulSet => {
            let it: StatefulSet = snapshot.view(workload)?;
            let now = it.status.update_revision.as_str();
            // With a partition, or by hand, pods stay at the older revision on purpose.
            let by_itself = it.spec.update_strategy.kind != "OnDelete"
                && it
                    .spec
                    .update_strategy
                    .rolling_update
                    .as_ref()
                    .is_none_or(|it| it.partition == 0);
            if now.is_empty() || !by_itself {
                return None;
            }
            by_label(HASH, "status.updateRevision", now)
        }
        Kind::DaemonSet => {
            #[derive(serde::Deserialize)]
            struct Meta {
                metadata: ObjectMeta,
            }
            let it: DaemonSet = snapshot.view(workload)?;
            if it.spec.update_strategy.kind == "OnDelete" {
                return None;
            }
            let meta: Meta = snapshot.view(workload)?;
            let now = meta.metadata.annotations.get(GENERATION)?;
            by_label(
                POD_GENERATION,
                &format!("metadata.annotations[{GENERATION}]"),
                now,
            )
        }
        _ => None,
    }
}

/// All that the finding is about was made from an older template: to change the template again is not the next step.
fn changed_since(
    finding: &mut Finding,
    workload: &ObjectRef,
    pod: &Object,
    (_, mine, now): &(bool, Seen, Seen),
    snapshot: &Snapshot,
) {
    let ids = [mine, now].map(|seen| {
        let id = evidence_id(finding.evidence.len());
        finding.evidence.push(Evidence {
            id: id.clone(),
            kind: seen.kind,
            source: seen.source.clone(),
            object: seen.object.clone(),
            time: seen.time,
            text: seen.text.clone(),
        });
        id
    });
    finding.chain.push(Step {
        text: format!(
            "the template of {workload} was changed since: {} is of an older revision than the one that is rolled out now",
            pod.reference
        ),
        evidence: ids.to_vec(),
    });
    // What changes the template, or takes it back, was meant for the older one.
    let wanted = workload.kubectl();
    finding.fixes.retain(|fix| {
        let changes = |command: &String| {
            command.contains(&wanted)
                && ["kubectl patch", "kubectl set", "kubectl rollout undo"]
                    .iter()
                    .any(|verb| command.starts_with(verb))
        };
        fix.risk != Risk::Restart || fix.command.as_ref().is_some_and(|it| !changes(it))
    });
    let ordered = snapshot
        .view::<StatefulSet>(workload)
        .is_some_and(|it| workload.kind == Kind::StatefulSet && it.spec.pod_management_policy != "Parallel");
    let fix = if ordered {
        Fix {
            text: "delete the pod, if the new revision mends it: a StatefulSet does not replace a broken pod of an older revision by itself".to_owned(),
            command: pasteable(&format!("kubectl delete {}", pod.reference.kubectl())),
            risk: Risk::Restart,
        }
    } else {
        if finding.severity == Severity::Error {
            finding.severity = Severity::Warning;
        }
        Fix {
            text: "wait for the rollout of the new revision, and see whether it mends it, before anything is changed again".to_owned(),
            command: pasteable(&format!("kubectl rollout status {}", workload.kubectl())),
            risk: Risk::None,
        }
    };
    finding.fixes.insert(0, fix);
}

/// A rollout is told among the changes before the trouble, and the pods are of it: there is a revision to go back to.
fn way_back(finding: &mut Finding, workload: &ObjectRef, pods: &[Arc<Object>], snapshot: &Snapshot) {
    let Some(rollout) = rollout(workload, snapshot) else {
        return;
    };
    let is_told = finding
        .changes
        .iter()
        .any(|it| it.object == rollout.object && it.time == rollout.time);
    let of_it = pods.iter().all(|pod| match workload.kind {
        Kind::Deployment => pod
            .owner
            .as_ref()
            .is_some_and(|it| it.reference == rollout.object),
        _ => pod.created >= Some(rollout.time),
    });
    let offered = finding
        .fixes
        .iter()
        .filter_map(|fix| fix.command.as_deref())
        .any(|it| it.starts_with("kubectl rollout undo"));
    if !is_told || !of_it || offered {
        return;
    }
    let and_delete = if workload.kind == Kind::StatefulSet {
        "; then delete its broken pod, which a StatefulSet does not replace by itself"
    } else {
        ""
    };
    finding.fixes.push(Fix {
        text: format!("or, if the rollout brought it, go back to the revision before{and_delete}"),
        command: pasteable(&format!("kubectl rollout undo {}", workload.kubectl())),
        risk: Risk::Restart,
    });
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Finding, Severity};

    use crate::testing::{Scene, crashed, merge, pod};

    fn set(name: &str, revision: i64, created: &str, image: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name, "namespace": "shop",
            "annotations": {"deployment.kubernetes.io/revision": revision.to_string()}, "creationTimestamp": created,
            "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": true}]},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "app", "image": image}]}}},
            "status": {"replicas": 1}})
    }

    fn scene(sets: &[Value]) -> Scene {
        let scene = Scene::new()
            .object(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
                "spec": {"replicas": 1}, "status": {"replicas": 2}}))
            .object(pod(json!({"status": {"containerStatuses": [crashed(1, "Error")]}})))
            .log("shop/app-1", "app", true, "FATAL no schema\n");
        sets.iter().fold(scene, |scene, it| scene.object(it.clone()))
    }

    fn commands(finding: &Finding) -> Vec<&str> {
        let fixes = finding.fixes.iter();
        fixes.filter_map(|fix| fix.command.as_deref()).collect()
    }

    #[test]
    fn the_way_back_is_offered_after_a_rollout_that_is_told() {
        let old = set("old", 1, "2026-02-01T10:00:00Z", "a:1");
        for (created, offered) in [("2026-03-01T11:40:00Z", true), ("2026-02-20T11:40:00Z", false)] {
            let outcome = scene(&[old.clone(), set("app", 2, created, "a:2")]).diagnose();
            let finding = outcome.finding("EXT-ERROR");
            let found = commands(finding).contains(&"kubectl rollout undo deploy/web -n shop");
            assert_eq!(found, offered, "{created}: {:?}", finding.fixes);
        }
        // The only revision has none before it.
        let outcome = scene(&[set("app", 1, "2026-03-01T11:40:00Z", "a:2")]).diagnose();
        assert!(commands(outcome.finding("EXT-ERROR")).is_empty());
    }

    #[test]
    fn a_pod_of_an_older_template_is_told_as_such() {
        // The second row was rolled back: the older set has the newer revision.
        for created in ["2026-03-01T11:59:00Z", "2026-01-01T00:00:00Z"] {
            let outcome = scene(&[
                set("app", 2, "2026-03-01T11:40:00Z", "a:2"),
                set("new", 3, created, "a:3"),
            ])
            .diagnose();
            let finding = outcome.finding("EXT-ERROR");
            assert_eq!(finding.severity, Severity::Warning);
            assert_eq!(commands(finding)[0], "kubectl rollout status deploy/web -n shop");
            assert!(!commands(finding).iter().any(|it| it.contains("undo")));
            let last = finding.chain.last().unwrap();
            assert!(last.text.contains("older revision"), "{}", last.text);
            assert_eq!(last.evidence.len(), 2);
        }
    }

    #[test]
    fn a_set_whose_template_was_mended_waits_for_its_broken_pod() {
        let owner = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "u-db", "controller": true}]);
        for (hash, strategy, deletes) in [
            ("db-2", json!({}), true),
            ("db-1", json!({}), false),
            ("db-2", json!({"rollingUpdate": {"partition": 1}}), false),
        ] {
            let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "shop", "uid": "u-db"},
                "spec": {"replicas": 1, "updateStrategy": strategy},
                "status": {"replicas": 1, "updateRevision": "db-1", "currentRevision": "db-1"}});
            let mut it =
                pod(json!({"metadata": {"name": "db-0", "labels": {"controller-revision-hash": hash}}}));
            merge(
                &mut it,
                json!({"metadata": {"ownerReferences": owner}, "status": {"containerStatuses": [crashed(1, "Error")]}}),
            );
            let outcome = Scene::new()
                .object(set)
                .object(it)
                .log("shop/db-0", "app", true, "FATAL no schema\n")
                .diagnose();
            let finding = outcome.finding("EXT-ERROR");
            let found = commands(finding).contains(&"kubectl delete pod/db-0 -n shop");
            assert_eq!(found, deletes, "{hash}: {:?}", finding.fixes);
        }
    }

    #[test]
    fn a_daemon_sets_rollout_is_told_with_the_way_back() {
        let set = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "ds", "namespace": "shop", "uid": "u-ds"},
            "spec": {}, "status": {"desiredNumberScheduled": 2, "currentNumberScheduled": 2}});
        let of = |name: &str, hash: &str, created: &str, patch: Value| {
            let mut it = pod(
                json!({"metadata": {"name": name, "uid": name, "creationTimestamp": created,
                "labels": {"controller-revision-hash": hash}, "ownerReferences": [{"apiVersion": "apps/v1",
                "kind": "DaemonSet", "name": "ds", "uid": "u-ds", "controller": true}]}}),
            );
            merge(&mut it, patch);
            it
        };
        let bad = json!({"spec": {"containers": [{"name": "app", "image": "a:2"}]}, "status": {"containerStatuses": [crashed(1, "Error")]}});
        let outcome = Scene::new()
            .object(set)
            .object(of("ds-a", "one", "2026-02-01T10:00:00Z", json!({})))
            .object(of("ds-b", "two", "2026-03-01T11:40:00Z", bad))
            .log("shop/ds-b", "app", true, "FATAL no schema\n")
            .diagnose();
        let finding = outcome.finding("EXT-ERROR");
        assert!(
            finding.changes[0].text.contains("image of app"),
            "{:?}",
            finding.changes
        );
        assert!(commands(finding).contains(&"kubectl rollout undo ds/ds -n shop"));
    }
}
