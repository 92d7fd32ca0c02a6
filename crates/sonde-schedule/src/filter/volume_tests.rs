//! Claims, volumes and where they can be reached.

use serde_json::{Value, json};

use crate::RejectionKind::{self, *};
use crate::testing::{Stage, merge, pod_ref};
use crate::{Obstacle, Rejection, UnboundClaim, Unknown, explain};

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage
        .node("n1", json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "a"}}}))
        .pod("new", json!({"spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}}))
        .put(json!({"kind": "StorageClass", "metadata": {"name": "now"}, "provisioner": "csi.example.com", "volumeBindingMode": "Immediate"}))
        .put(json!({"kind": "StorageClass", "metadata": {"name": "later"}, "provisioner": "csi.example.com", "volumeBindingMode": "WaitForFirstConsumer"}))
        .put(json!({"kind": "StorageClass", "metadata": {"name": "zone-b"}, "provisioner": "csi.example.com", "volumeBindingMode": "WaitForFirstConsumer",
            "allowedTopologies": [{"matchLabelExpressions": [{"key": "topology.kubernetes.io/zone", "values": ["b"]}]}]}))
        .put(json!({"kind": "StorageClass", "metadata": {"name": "local"}, "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}));
    stage
}

fn claim(spec: Value, more: Value) -> Value {
    let mut claim = json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop", "uid": "u1"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}, "status": {"phase": "Pending"}});
    merge(&mut claim, json!({"spec": spec}));
    merge(&mut claim, more);
    claim
}

fn bound(volume: &str) -> Value {
    claim(
        json!({"volumeName": volume, "storageClassName": "now"}),
        json!({"metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}, "status": {"phase": "Bound"}}),
    )
}

fn volume(name: &str, changes: Value) -> Value {
    let mut volume = json!({"kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"], "csi": {"driver": "csi.example.com", "volumeHandle": name}},
        "status": {"phase": "Available"}});
    merge(&mut volume, changes);
    volume
}

fn at_zone(zone: &str) -> Value {
    json!({"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}]}]}}}})
}

#[track_caller]
fn check(stage: &Stage, obstacles: &[Obstacle], expected: &[RejectionKind], case: &str) {
    let fit = explain(&stage.snapshot(), &pod_ref("new")).unwrap();
    let kinds: Vec<_> = fit.nodes[0].rejections.iter().map(Rejection::kind).collect();
    assert_eq!(fit.before_nodes, obstacles, "{case}");
    assert_eq!(kinds, expected, "{case}");
    assert_eq!(fit.unknowns, [], "{case}");
}

#[test]
fn what_stops_before_nodes() {
    let data = || "data".into();
    let unbound = |class: &str, class_missing, volume: Option<&str>| {
        vec![Obstacle::UnboundClaims(vec![UnboundClaim {
            claim: data(),
            class: class.into(),
            class_missing,
            volume: volume.map(Into::into),
        }])]
    };
    for (case, object, expected) in [
        (
            "missing",
            None,
            vec![Obstacle::ClaimMissing {
                claim: data(),
                ephemeral: false,
            }],
        ),
        (
            "immediate",
            Some(claim(json!({"storageClassName": "now"}), json!({}))),
            unbound("now", false, None),
        ),
        (
            "no class",
            Some(claim(json!({}), json!({}))),
            unbound("", false, None),
        ),
        (
            "empty class",
            Some(claim(json!({"storageClassName": ""}), json!({}))),
            unbound("", false, None),
        ),
        (
            "class missing",
            Some(claim(json!({"storageClassName": "gone"}), json!({}))),
            unbound("gone", true, None),
        ),
        (
            "class by annotation",
            Some(claim(
                json!({}),
                json!({"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "now"}}}),
            )),
            unbound("now", false, None),
        ),
        (
            "named volume, not bound",
            Some(claim(
                json!({"storageClassName": "later", "volumeName": "v"}),
                json!({}),
            )),
            unbound("later", false, Some("v")),
        ),
        (
            "lost",
            Some(claim(
                json!({"volumeName": "v"}),
                json!({"status": {"phase": "Lost"}}),
            )),
            vec![Obstacle::ClaimLost {
                claim: data(),
                volume: "v".into(),
            }],
        ),
        (
            "being deleted",
            Some(claim(
                json!({"storageClassName": "later"}),
                json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
            )),
            vec![Obstacle::ClaimDeleting(data())],
        ),
        (
            "waits for the pod",
            Some(claim(json!({"storageClassName": "later"}), json!({}))),
            vec![],
        ),
    ] {
        let mut stage = stage();
        if let Some(object) = object {
            stage.put(object);
        }
        check(&stage, &expected, &[], case);
    }
}

#[test]
fn bound_volumes_must_be_reachable() {
    for (case, object, expected) in [
        ("no affinity", Some(volume("v", json!({}))), vec![]),
        ("same zone", Some(volume("v", at_zone("a"))), vec![]),
        (
            "another zone",
            Some(volume("v", at_zone("b"))),
            vec![VolumeNodeAffinity],
        ),
        (
            "zone label",
            Some(volume(
                "v",
                json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "b"}}}),
            )),
            vec![VolumeZone],
        ),
        (
            "two zones",
            Some(volume(
                "v",
                json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "b__a"}}}),
            )),
            vec![],
        ),
        (
            "old label, new node",
            Some(volume(
                "v",
                json!({"metadata": {"labels": {"failure-domain.beta.kubernetes.io/zone": "a"}}}),
            )),
            vec![],
        ),
        ("gone", None, vec![VolumeGone]),
    ] {
        let mut stage = stage();
        stage.put(bound("v"));
        if let Some(object) = object {
            stage.put(object);
        }
        check(&stage, &[], &expected, case);
    }
}

#[test]
fn a_node_without_zones_is_the_only_zone() {
    let mut stage = stage();
    stage.node("n1", json!({})).put(bound("v")).put(volume(
        "v",
        json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "b"}}}),
    ));
    check(&stage, &[], &[], "no zone label on the node");
}

#[test]
fn unbound_claims_take_or_make_volumes() {
    let local = |changes: Value| {
        let mut object = volume("v", json!({"spec": {"storageClassName": "local"}}));
        merge(&mut object, changes);
        Some(object)
    };
    for (case, class, object, expected) in [
        ("made anywhere", "later", None, vec![]),
        ("made in another zone", "zone-b", None, vec![NoVolume]),
        ("none there and none made", "local", None, vec![NoVolume]),
        ("one there", "local", local(json!({})), vec![]),
        (
            "too small",
            "local",
            local(json!({"spec": {"capacity": {"storage": "9Gi"}}})),
            vec![NoVolume],
        ),
        ("in another zone", "local", local(at_zone("b")), vec![NoVolume]),
        (
            "released",
            "local",
            local(json!({"status": {"phase": "Released"}})),
            vec![NoVolume],
        ),
        (
            "of another class",
            "local",
            local(json!({"spec": {"storageClassName": "other"}})),
            vec![NoVolume],
        ),
        (
            "other access mode",
            "local",
            local(json!({"spec": {"accessModes": ["ReadOnlyMany"]}})),
            vec![NoVolume],
        ),
        (
            "other mode",
            "local",
            local(json!({"spec": {"volumeMode": "Block"}})),
            vec![NoVolume],
        ),
        (
            "reserved for it",
            "local",
            local(json!({"spec": {"claimRef": {"namespace": "shop", "name": "data"}}})),
            vec![],
        ),
        (
            "reserved for another",
            "local",
            local(json!({"spec": {"claimRef": {"namespace": "shop", "name": "other"}}})),
            vec![NoVolume],
        ),
        (
            "reserved for one of the same name before",
            "local",
            local(json!({"spec": {"claimRef": {"namespace": "shop", "name": "data", "uid": "u0"}}})),
            vec![NoVolume],
        ),
    ] {
        let mut stage = stage();
        stage.put(claim(json!({"storageClassName": class}), json!({})));
        if let Some(object) = object {
            stage.put(object);
        }
        check(&stage, &[], &expected, case);
    }
    let mut stage = stage();
    stage.put(claim(
        json!({"storageClassName": "later"}),
        json!({"metadata": {"annotations": {"volume.kubernetes.io/selected-node": "n9"}}}),
    ));
    check(&stage, &[], &[NoVolume], "chosen for another node");
}

#[test]
fn two_claims_do_not_take_one_volume() {
    let mut stage = stage();
    stage
        .pod(
            "new",
            json!({"spec": {"volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "more", "persistentVolumeClaim": {"claimName": "more"}}]}}),
        )
        .put(claim(json!({"storageClassName": "local"}), json!({})))
        .put(claim(
            json!({"storageClassName": "local"}),
            json!({"metadata": {"name": "more"}}),
        ))
        .put(volume("v", json!({"spec": {"storageClassName": "local"}})));
    check(&stage, &[], &[NoVolume], "one volume");
    stage.put(volume("w", json!({"spec": {"storageClassName": "local"}})));
    check(&stage, &[], &[], "two volumes");
}

#[test]
fn read_write_once_pod_is_for_one() {
    let user = |changes: Value| {
        let mut pod =
            json!({"spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}});
        merge(&mut pod, changes);
        pod
    };
    for (case, mode, other, expected) in [
        (
            "in use",
            "ReadWriteOncePod",
            user(json!({})),
            vec![ReadWriteOncePod],
        ),
        (
            "ended",
            "ReadWriteOncePod",
            user(json!({"status": {"phase": "Succeeded"}})),
            vec![],
        ),
        (
            "pending",
            "ReadWriteOncePod",
            user(json!({"spec": {"nodeName": ""}})),
            vec![],
        ),
        ("shared on a node", "ReadWriteOnce", user(json!({})), vec![]),
    ] {
        let mut stage = stage();
        let mut object = bound("v");
        object["spec"]["accessModes"] = json!([mode]);
        stage
            .node("n2", json!({}))
            .put(object)
            .put(volume("v", json!({})))
            .running("other", "n2", "0", other);
        check(&stage, &[], &expected, case);
    }
}

#[test]
fn drivers_attach_so_many_volumes() {
    let csi = |count: i64| json!({"kind": "CSINode", "metadata": {"name": "n1"}, "spec": {"drivers": [{"name": "csi.example.com", "allocatable": {"count": count}}]}});
    let other = |name: &str| {
        claim(
            json!({"volumeName": name, "storageClassName": "now"}),
            json!({"metadata": {"name": "other", "annotations": {"pv.kubernetes.io/bind-completed": "yes"}}}),
        )
    };
    let user =
        json!({"spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "other"}}]}});
    for (case, limit, volume_of_other, expected) in [
        ("room", 2, "w", vec![]),
        ("full", 1, "w", vec![VolumeLimit]),
        ("the same volume counts once", 1, "v", vec![]),
    ] {
        let mut stage = stage();
        stage
            .put(csi(limit))
            .put(bound("v"))
            .put(volume("v", json!({})))
            .put(volume("w", json!({})))
            .put(other(volume_of_other))
            .running("other", "n1", "0", user.clone());
        check(&stage, &[], &expected, case);
    }
    let mut stage = stage();
    stage.put(csi(1)).put(bound("v")).put(volume("v", json!({}))).put(volume("w", json!({}))).put(
        json!({"kind": "VolumeAttachment", "metadata": {"name": "x"}, "spec": {"attacher": "csi.example.com", "nodeName": "n1", "source": {"persistentVolumeName": "w"}}, "status": {"attached": true}}),
    );
    check(&stage, &[], &[VolumeLimit], "attached without a pod");
}

#[test]
fn what_was_not_listed_is_not_missing() {
    let mut world = sonde_world::World::new();
    let pod = json!({"kind": "Pod", "metadata": {"name": "new", "namespace": "shop"},
        "spec": {"containers": [], "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}});
    world.put_json(pod.to_string().into(), None).unwrap();
    let fit = explain(&world.snapshot(), &pod_ref("new")).unwrap();
    assert_eq!(fit.before_nodes, []);
    assert_eq!(
        fit.unknowns,
        [Unknown::Nodes, Unknown::Pods, Unknown::Claim("data".into())]
    );
    assert!(!fit.proves_no_fit() && !fit.proves_fit());
}
