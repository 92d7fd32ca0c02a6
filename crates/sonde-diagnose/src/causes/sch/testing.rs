//! Pending pods and nodes for the family's tests.

use serde_json::{Value, json};
use sonde_model::Kind;

use crate::testing::{Scene, merge, pod};

/// Everything is completely listed.
pub(super) fn scene() -> Scene {
    Scene::new().complete(Kind::KNOWN)
}

/// `shop/app-1`, pending since 11:50 with the scheduler's words; asks for 2 CPU.
pub(super) fn pending(said: &str, patch: Value) -> Value {
    let mut new = pod(json!({
        "spec": {"nodeName": null, "containers": [{"name": "app", "image": "registry.example/app:1", "resources": {"requests": {"cpu": "2"}}}]},
        "status": {"phase": "Pending", "startTime": null, "containerStatuses": null, "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said, "lastTransitionTime": "2026-03-01T11:50:00Z"}]}
    }));
    merge(&mut new, patch);
    new
}

/// The pod asks for these resources.
pub(super) fn asks(requests: Value) -> Value {
    json!({"spec": {"containers": [{"name": "app", "image": "registry.example/app:1", "resources": {"requests": requests}}]}})
}

/// A ready node with 4 CPU, 8Gi and 110 pods.
pub(super) fn node(name: &str, patch: Value) -> Value {
    let mut node = json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}, "spec": {},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-02-01T00:00:00Z", "lastHeartbeatTime": "2026-03-01T11:59:30Z"}]}
    });
    merge(&mut node, patch);
    node
}

/// A healthy pod on a node that asks for CPU.
pub(super) fn other(name: &str, node: &str, cpu: &str, patch: Value) -> Value {
    let mut other = pod(json!({
        "metadata": {"name": name, "uid": format!("u-{name}"), "labels": {"app": name}, "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": format!("u-rs-{name}"), "controller": true}]},
        "spec": {"nodeName": node, "containers": [{"name": "app", "image": "registry.example/app:1", "resources": {"requests": {"cpu": cpu}}}]}
    }));
    merge(&mut other, patch);
    other
}

/// The pod runs: nothing of the family may be said.
pub(super) fn scheduled(patch: Value) -> Value {
    let mut new = pod(json!({}));
    merge(&mut new, patch);
    new
}

/// The pod uses claim `data`.
pub(super) fn with_claim() -> Value {
    json!({"spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}})
}

/// Claim `data`, bound to volume `v`.
pub(super) fn claim(patch: Value) -> Value {
    let mut claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "shop", "uid": "u-claim", "creationTimestamp": "2026-03-01T09:00:00Z",
            "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "disk", "volumeName": "v",
            "resources": {"requests": {"storage": "1Gi"}}},
        "status": {"phase": "Bound"}
    });
    merge(&mut claim, patch);
    claim
}

/// Claim `data`, which has no volume.
pub(super) fn unbound_claim() -> Value {
    claim(
        json!({"metadata": {"annotations": null}, "spec": {"volumeName": null}, "status": {"phase": "Pending"}}),
    )
}

/// Volume `v` of claim `data`, within reach of the nodes of a zone.
pub(super) fn volume(zone: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
            "claimRef": {"namespace": "shop", "name": "data", "uid": "u-claim"},
            "csi": {"driver": "csi.example.com", "volumeHandle": "h"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]}]}}},
        "status": {"phase": "Bound"}
    })
}

/// A ready node in a zone.
pub(super) fn zoned(name: &str, zone: &str) -> Value {
    node(name, json!({"metadata": {"labels": {"zone": zone}}}))
}
