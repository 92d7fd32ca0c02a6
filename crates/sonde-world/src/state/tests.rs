use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{ContainerState, Phase};

fn put(world: &mut World, object: &serde_json::Value) -> ObjectRef {
    world.put_json(object.to_string().into(), None).unwrap()
}

fn pod(name: &str, node: &str) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop", "labels": {"app": "checkout"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "checkout-1", "uid": "u1", "controller": true, "apiVersion": "apps/v1"}]
        },
        "spec": {
            "nodeName": node,
            "containers": [{"name": "app", "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "1Gi"}},
                "envFrom": [{"configMapRef": {"name": "settings"}}]}],
            "initContainers": [
                {"name": "proxy", "restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}},
                {"name": "migrate", "resources": {"requests": {"cpu": "2"}}}
            ]
        },
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "app", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
             "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
        ]}
    })
}

#[test]
fn columns_hold_what_scans_need() {
    let mut world = World::new();
    let reference = put(&mut world, &pod("a", "n1"));
    let snapshot = world.snapshot();
    let columns = snapshot.get(&reference).unwrap().pod().unwrap();
    assert_eq!(columns.phase, Phase::Running);
    // The sidecar runs while the migration does: 2 + 0.1 CPU is more than 0.25 + 0.1.
    assert_eq!(columns.requests.cpu_milli, 2100);
    assert_eq!(columns.requests.memory, 1 << 30);
    let app = columns.container("app").unwrap();
    assert_eq!(app.restarts, 3);
    assert!(matches!(
        app.last,
        ContainerState::Terminated {
            exit_code: Some(137),
            ..
        }
    ));
}

#[test]
fn columns_hold_what_a_scheduler_needs() {
    let mut world = World::new();
    let reference = put(
        &mut world,
        &json!({"kind": "Pod", "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"hostNetwork": true, "schedulerName": "batch",
            "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}},
            "volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}],
            "containers": [{"name": "app", "ports": [{"containerPort": 80}, {"containerPort": 53, "hostPort": 53, "protocol": "UDP", "hostIP": "10.0.0.1"}]}]},
        "status": {"nominatedNodeName": "n1"}}),
    );
    let snapshot = world.snapshot();
    let columns = snapshot.get(&reference).unwrap().pod().unwrap();
    let ports: Vec<_> = columns
        .host_ports
        .iter()
        .map(|it| (it.port, &*it.protocol, &*it.ip))
        .collect();
    assert_eq!(ports, [(53, "UDP", "10.0.0.1"), (80, "TCP", "0.0.0.0")]);
    assert!(columns.has_required_anti_affinity);
    assert_eq!(columns.nominated.as_deref(), Some("n1"));
    assert_eq!(columns.scheduler.as_deref(), Some("batch"));
    let claim = ObjectRef::new(Kind::PersistentVolumeClaim, "shop", "a-scratch");
    assert_eq!(snapshot.pods_using(&claim).count(), 1);
}

#[test]
fn indexes_follow_changes_and_snapshots_do_not() {
    let mut world = World::new();
    let reference = put(&mut world, &pod("a", "n1"));
    let before = world.snapshot();
    put(&mut world, &pod("a", "n2"));
    let after = world.snapshot();
    assert_eq!(before.pods_on_node("n1").count(), 1);
    assert_eq!(after.pods_on_node("n1").count(), 0);
    assert_eq!(after.pods_on_node("n2").count(), 1);
    let settings = ObjectRef::new(Kind::ConfigMap, "shop", "settings");
    assert_eq!(after.pods_using(&settings).count(), 1);
    let set = ObjectRef::new(Kind::ReplicaSet, "shop", "checkout-1");
    assert_eq!(after.owned_by(&set).count(), 1);
    assert_eq!(after.root_owner(&reference), set);
    // The set is not at hand; its deployment is known by the set's name.
    let deployment = ObjectRef::new(Kind::Deployment, "shop", "checkout");
    let text = r#"{"kind":"Deployment","metadata":{"name":"checkout","namespace":"shop"}}"#;
    world.put_json(text.into(), None).unwrap();
    assert_eq!(world.snapshot().root_owner(&reference), deployment);
    world.remove(&reference);
    assert_eq!(world.snapshot().pods_using(&settings).count(), 0);
    assert!(after.get(&reference).is_some());
    assert!(world.snapshot().revision() > after.revision());
}

#[test]
fn a_fork_leaves_its_snapshot_alone() {
    let mut world = World::new();
    let reference = put(&mut world, &pod("a", "n1"));
    let snapshot = world.snapshot();
    let mut fork = snapshot.fork();
    assert!(fork.remove(&reference));
    fork.put_json(pod("b", "n1").to_string().into(), Some(Kind::Pod))
        .unwrap();
    assert_eq!(fork.snapshot().len(), 1);
    assert!(snapshot.get(&reference).is_some());
}

#[test]
fn absence_counts_only_where_the_kind_was_listed() {
    let mut world = World::new();
    let missing = ObjectRef::new(Kind::ConfigMap, "shop", "settings");
    assert!(!world.snapshot().is_absent(&missing));
    world.mark_complete(Kind::ConfigMap, Some("shop"));
    assert!(world.snapshot().is_absent(&missing));
}

#[test]
fn owner_cycles_end() {
    let mut world = World::new();
    let object = |name: &str, owner: &str| {
        json!({"kind": "ReplicaSet", "metadata": {"name": name, "namespace": "x",
            "ownerReferences": [{"kind": "ReplicaSet", "name": owner, "controller": true}]}})
    };
    let reference = put(&mut world, &object("a", "b"));
    put(&mut world, &object("b", "a"));
    world.snapshot().root_owner(&reference);
}

#[test]
fn a_part_never_replaces_the_whole() {
    let mut world = World::new();
    let reference = put(&mut world, &pod("a", "n1"));
    let part = json!({"kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}});
    world.put_partial_json(part.to_string().into(), None).unwrap();
    assert!(!world.snapshot().get(&reference).unwrap().partial);
}

#[test]
fn events_of_both_apis_have_one_shape() {
    let mut world = World::new();
    put(
        &mut world,
        &json!({"kind": "Event", "apiVersion": "v1", "metadata": {"name": "e1", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "a", "fieldPath": "spec.containers{app}"},
        "reason": "Unhealthy", "message": "m", "type": "Warning", "count": 7,
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:05:00Z", "source": {"component": "kubelet"}}),
    );
    put(
        &mut world,
        &json!({"kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": {"name": "e2", "namespace": "shop"},
        "regarding": {"kind": "Pod", "namespace": "shop", "name": "a"},
        "reason": "FailedScheduling", "note": "n", "type": "Warning", "eventTime": "2026-01-01T00:00:00.5Z",
        "series": {"count": 4, "lastObservedTime": "2026-01-01T00:09:00Z"}, "reportingController": "default-scheduler"}),
    );
    let snapshot = world.snapshot();
    let events = snapshot.events_about(&ObjectRef::new(Kind::Pod, "shop", "a"));
    let seen: Vec<_> = events
        .iter()
        .map(|event| event.event().unwrap())
        .map(|event| {
            (
                event.reason.as_ref(),
                event.count,
                event.container.as_deref(),
                event.component.as_ref(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("Unhealthy", 7, Some("app"), "kubelet"),
            ("FailedScheduling", 4, None, "default-scheduler")
        ]
    );
}

#[test]
fn bad_bytes_change_nothing() {
    let mut world = World::new();
    for bytes in [
        "",
        "[]",
        "{}",
        "{\"kind\":\"Pod\"}",
        "{\"kind\":\"Pod\",\"metadata\":{\"name\":3}}",
        "\u{0}",
    ] {
        assert!(world.put_json(bytes.to_owned().into(), None).is_err(), "{bytes}");
    }
    assert!(world.snapshot().is_empty());
}

proptest! {
    #[test]
    fn never_panics(text in ".{0,200}") {
        let _ = World::new().put_json(text.into_bytes().into(), None);
    }
}

#[test]
fn what_was_asked_for_in_vain_is_absent_until_it_is_seen() {
    let mut world = World::new();
    let lease = ObjectRef::new(Kind::Lease, "kube-system", "kube-scheduler");
    assert!(!world.snapshot().is_absent(&lease));
    let before = world.snapshot().revision();
    assert!(world.mark_absent(&lease) && !world.mark_absent(&lease));
    assert!(world.snapshot().is_absent(&lease) && world.snapshot().revision() > before);
    let other = ObjectRef::new(Kind::Lease, "kube-system", "other");
    assert!(!world.snapshot().is_absent(&other));
    let bytes = r#"{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"kube-scheduler","namespace":"kube-system"}}"#;
    world.put_json(bytes.into(), None).unwrap();
    assert!(!world.snapshot().is_absent(&lease));
    assert_eq!(world.snapshot().absent().count(), 0);
}
