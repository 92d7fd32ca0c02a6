//! Every cause of the family against its contract.

use serde_json::{Value, json};
use sonde_model::{Kind, Severity, Verdict};

use super::CAUSES;
use crate::testing::contract::{Contract, keep};
use crate::testing::{Scene, merge, pod, status};

fn ended() -> Value {
    status(json!({"ready": false, "state": {"running": null,
        "terminated": {"exitCode": 143, "reason": "Error", "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T11:29:58Z"}}}))
}

/// A pod whose grace was over at 11:30.
fn stuck(patch: Value) -> Value {
    let mut it = pod(
        json!({"metadata": {"deletionTimestamp": "2026-03-01T11:30:00Z", "deletionGracePeriodSeconds": 30}}),
    );
    merge(&mut it, patch);
    it
}

/// It was asked to end a moment ago.
fn going(patch: Value) -> Value {
    let mut it = stuck(patch);
    merge(
        &mut it,
        json!({"metadata": {"deletionTimestamp": "2026-03-01T12:00:20Z"}}),
    );
    it
}

fn held() -> Value {
    json!({"metadata": {"finalizers": ["guard.example/keep"]}, "status": {"containerStatuses": [ended()]}})
}

fn node() -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}

fn hung() -> Scene {
    Scene::new().object(stuck(json!({}))).object(node()).kubelet(
        "n1",
        "Mar 01 11:40:00 n1 kernel: INFO: task app:4711 blocked for more than 120 seconds.",
    )
}

/// It uses its long grace.
fn long(patch: Value) -> Value {
    let mut it = pod(
        json!({"metadata": {"deletionTimestamp": "2026-03-01T12:50:00Z", "deletionGracePeriodSeconds": 3600}}),
    );
    merge(&mut it, patch);
    it
}

fn claim(patch: Value) -> Value {
    let mut it = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "shop", "deletionTimestamp": "2026-03-01T11:30:00Z", "finalizers": ["kubernetes.io/pvc-protection"]},
        "spec": {"volumeName": "pv-1"}, "status": {"phase": "Bound"}});
    merge(&mut it, patch);
    it
}

fn user(patch: Value) -> Value {
    let mut it =
        pod(json!({"spec": {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}}));
    merge(&mut it, patch);
    it
}

fn attachment(error: Value) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment",
        "metadata": {"name": "csi-1", "deletionTimestamp": "2026-03-01T11:30:00Z"},
        "spec": {"attacher": "disk.csi.example", "nodeName": "n1", "source": {"persistentVolumeName": "pv-1"}},
        "status": {"attached": true, "detachError": error}})
}

fn namespace(kind: &str, message: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old", "deletionTimestamp": "2026-03-01T11:59:00Z"},
        "status": {"phase": "Terminating", "conditions": [{"type": kind, "status": "True", "message": message}]}})
}

const DISCOVERY: &str = "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: stale GroupVersion discovery: metrics.k8s.io/v1beta1";
const REMAINING: &str =
    "Some content in the namespace has finalizers remaining: guard.example/keep in 1 resource instances";
const CONTENT: &str = "Some resources are remaining: pods. has 1 resource instances";

/// A namespace whose last pod uses its grace of five minutes.
fn emptying() -> Scene {
    let last = going(
        json!({"metadata": {"namespace": "old", "deletionTimestamp": "2026-03-01T12:03:00Z", "deletionGracePeriodSeconds": 300}}),
    );
    Scene::new()
        .object(namespace("NamespaceContentRemaining", CONTENT))
        .object(last)
}

fn living_namespace() -> Scene {
    Scene::new().object(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old"}, "status": {"phase": "Active"}}))
}

const TABLE: &[Contract] = &[
    Contract {
        code: "TRM-FINALIZER",
        verdict: Verdict::Proven,
        found: || Scene::new().object(stuck(held())),
        // Its process still hangs: the finalizer counts only when it has ended.
        rival: ("TRM-UNKILLABLE", || {
            hung().object(stuck(json!({"metadata": {"finalizers": ["guard.example/keep"]}})))
        }),
        open: || Scene::new().object(stuck(json!({"status": {"containerStatuses": [ended()]}}))),
        healthy: || Scene::new().object(going(held())),
        over: || Scene::new().object(pod(json!({"metadata": {"finalizers": ["guard.example/keep"]}}))),
    },
    Contract {
        code: "TRM-CLAIM-IN-USE",
        verdict: Verdict::Proven,
        found: || Scene::new().object(claim(json!({}))).object(user(json!({}))),
        rival: ("TRM-FINALIZER", || {
            Scene::new()
                .object(claim(json!({"metadata": {"finalizers": ["guard.example/keep"]}})))
                .object(user(json!({})))
        }),
        // Which pods there are is not known.
        open: || Scene::new().object(claim(json!({}))),
        healthy: || {
            Scene::new()
                .object(claim(json!({"metadata": {"deletionTimestamp": null}})))
                .object(user(json!({})))
        },
        over: || {
            Scene::new()
                .object(claim(
                    json!({"metadata": {"deletionTimestamp": "2026-03-01T11:59:50Z"}}),
                ))
                .object(user(json!({})))
        },
    },
    Contract {
        code: "TRM-UNKILLABLE",
        verdict: Verdict::Likely,
        found: hung,
        rival: ("LOS-NODE-DELETED", || {
            Scene::new().object(stuck(json!({}))).complete(&[Kind::Node])
        }),
        open: || Scene::new().object(stuck(json!({}))).object(node()),
        healthy: || {
            Scene::new().object(going(json!({}))).object(node()).kubelet(
                "n1",
                "Mar 01 11:40:00 n1 kernel: INFO: task backup:4711 blocked for more than 120 seconds.",
            )
        },
        over: || Scene::new().object(pod(json!({}))).object(node()),
    },
    Contract {
        code: "TRM-IGNORES-TERM",
        verdict: Verdict::Likely,
        found: || Scene::new().object(long(json!({}))),
        rival: ("TRM-UNKILLABLE", hung),
        // Its hook may be what runs.
        open: || {
            Scene::new().object(long(json!({"spec": {"containers": [{"name": "app", "lifecycle": {"preStop": {"exec": {"command": ["drain"]}}}}]}})))
        },
        healthy: || Scene::new().object(going(json!({}))),
        over: || Scene::new().object(long(json!({"status": {"containerStatuses": [ended()]}}))),
    },
    Contract {
        code: "TRM-VOLUME-DETACH",
        verdict: Verdict::Proven,
        found: || Scene::new().object(attachment(json!({"message": "disk is busy"}))),
        rival: ("TRM-FINALIZER", || {
            let mut held = attachment(Value::Null);
            merge(
                &mut held,
                json!({"metadata": {"finalizers": ["external-attacher/disk-csi"]}}),
            );
            Scene::new().object(held)
        }),
        open: || Scene::new().object(attachment(Value::Null)),
        // Clouds take their time.
        healthy: || {
            let mut young = attachment(Value::Null);
            merge(
                &mut young,
                json!({"metadata": {"deletionTimestamp": "2026-03-01T11:58:00Z", "finalizers": ["external-attacher/disk-csi"]}}),
            );
            Scene::new().object(young)
        },
        over: || {
            let mut back = attachment(json!({"message": "disk was busy"}));
            merge(&mut back, json!({"metadata": {"deletionTimestamp": null}}));
            Scene::new().object(back)
        },
    },
    Contract {
        code: "TRM-NAMESPACE-CONTENT",
        verdict: Verdict::Proven,
        found: || Scene::new().object(namespace("NamespaceFinalizersRemaining", REMAINING)),
        rival: ("TRM-NAMESPACE-API-DOWN", || {
            Scene::new().object(namespace("NamespaceDeletionDiscoveryFailure", DISCOVERY))
        }),
        // What is left may just be on its way.
        open: || {
            Scene::new().object(namespace(
                "NamespaceContentRemaining",
                "Some resources are remaining: configmaps. has 1 resource instances",
            ))
        },
        healthy: emptying,
        over: living_namespace,
    },
    Contract {
        code: "TRM-NAMESPACE-API-DOWN",
        verdict: Verdict::Proven,
        found: || Scene::new().object(namespace("NamespaceDeletionDiscoveryFailure", DISCOVERY)),
        rival: ("TRM-NAMESPACE-CONTENT", || {
            Scene::new().object(namespace("NamespaceFinalizersRemaining", REMAINING))
        }),
        open: || Scene::new().object(namespace("NamespaceContentRemaining", CONTENT)),
        healthy: emptying,
        over: living_namespace,
    },
];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, TABLE);
}

/// What a forced delete would leave behind is said wherever one would be tried.
#[test]
fn a_stuck_pod_tells_what_a_forced_delete_leaves() {
    let claim = json!({"spec": {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}});
    for (scene, code) in [
        (Scene::new().object(long(claim.clone())), "TRM-IGNORES-TERM"),
        (hung().object(stuck(claim.clone())), "TRM-UNKILLABLE"),
        (
            Scene::new().object(stuck(claim)).complete(&[Kind::Node]),
            "LOS-NODE-DELETED",
        ),
    ] {
        let outcome = scene.diagnose();
        let fixes = &outcome.finding(code).fixes;
        let told = fixes.iter().any(|fix| {
            [
                "removes only the object",
                "container app may go on running on node n1",
                "claim data",
            ]
            .iter()
            .all(|words| fix.text.contains(words))
        });
        assert!(told, "{code}: {fixes:?}");
    }
}

#[test]
fn a_volume_that_cannot_be_unmounted_keeps_an_ended_pod() {
    let text = "UnmountVolume.TearDown failed for volume \"data\" (UniqueName: \"x\") pod \"u\" : umount: /var/lib/kubelet/pods/u/volumes/x: target is busy.";
    let scene = |running: bool| {
        let patch = if running {
            json!({})
        } else {
            json!({"status": {"containerStatuses": [ended()]}})
        };
        Scene::new().object(stuck(patch)).object(node()).event(
            "Pod/shop/app-1",
            "FailedUnMount",
            text,
            "2026-03-01T11:58:00Z",
        )
    };
    scene(false)
        .diagnose()
        .finds_only("TRM-VOLUME-DETACH", Verdict::Proven);
    scene(true).diagnose().lacks("TRM-VOLUME-DETACH");
}

/// A claim counts as in use as long as the object of a pod that once had a node exists.
#[test]
fn an_ended_pod_still_holds_a_claim_and_one_without_a_node_does_not() {
    let ended = user(json!({"status": {"phase": "Succeeded"}}));
    let outcome = Scene::new().object(claim(json!({}))).object(ended).diagnose();
    let finding = outcome.finds_only("TRM-CLAIM-IN-USE", Verdict::Proven);
    assert!(
        finding
            .chain
            .iter()
            .any(|step| step.text.contains("has ended and still counts")),
        "{:?}",
        finding.chain
    );
    let waiting =
        user(json!({"spec": {"nodeName": null}, "status": {"phase": "Pending", "containerStatuses": null}}));
    let outcome = Scene::new()
        .object(claim(json!({})))
        .object(waiting)
        .complete(&[Kind::Pod])
        .diagnose();
    assert!(!outcome.claims("TRM-CLAIM-IN-USE"), "{}", outcome.summary());
}

#[test]
fn a_deployment_that_waits_for_its_pods_to_end_is_no_alarm_until_they_should_have() {
    let owner = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true}]);
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "deletionTimestamp": "2026-03-01T11:59:00Z", "finalizers": ["foregroundDeletion"]}, "spec": {"replicas": 1}});
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "app", "namespace": "shop", "deletionTimestamp": "2026-03-01T11:59:00Z", "finalizers": ["foregroundDeletion"], "ownerReferences": owner("Deployment", "web")},
        "spec": {"replicas": 1}});
    let scene = |pod: Value| {
        Scene::new()
            .object(deployment.clone())
            .object(set.clone())
            .object(pod)
    };
    let long =
        json!({"metadata": {"deletionTimestamp": "2026-03-01T12:03:00Z", "deletionGracePeriodSeconds": 240}});
    scene(going(long)).diagnose().is_calm();
    // A pod that does not go is the one root of all three.
    let outcome = scene(stuck(held())).diagnose();
    let finding = outcome.finds_only("TRM-FINALIZER", Verdict::Proven);
    assert_eq!(finding.subject.kind, Kind::Pod);
}

#[test]
fn what_clouds_and_operators_clean_up_may_take_minutes() {
    for (kind, version, finalizer) in [
        ("Service", "v1", "service.kubernetes.io/load-balancer-cleanup"),
        (
            "PersistentVolume",
            "v1",
            "external-provisioner.volume.kubernetes.io/finalizer",
        ),
        ("Database", "cloud.example/v1", "cloud.example/instance"),
    ] {
        let object = |time: &str| {
            json!({"apiVersion": version, "kind": kind,
            "metadata": {"name": "it", "namespace": "shop", "deletionTimestamp": time, "finalizers": [finalizer]}, "spec": {}})
        };
        Scene::new()
            .object(object("2026-03-01T11:58:00Z"))
            .diagnose()
            .is_calm();
        let outcome = Scene::new().object(object("2026-03-01T11:40:00Z")).diagnose();
        assert!(outcome.finds_only("TRM-FINALIZER", Verdict::Proven).severity > Severity::Info);
    }
}

/// In a namespace that is being deleted what lacks is lacking on purpose.
#[test]
fn a_namespace_that_is_deleted_in_the_ordinary_way_is_no_alarm() {
    let remains = "Failed to delete all resource types, 1 remaining: unexpected items still remain in namespace: shop for gvr: /v1, Resource=pods";
    let mut it = namespace("NamespaceDeletionContentFailure", remains);
    merge(
        &mut it,
        json!({"metadata": {"name": "shop", "deletionTimestamp": "2026-03-01T11:59:54Z"}}),
    );
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "rs", "creationTimestamp": "2026-03-01T10:00:00Z"},
        "spec": {"replicas": 2}, "status": {"replicas": 0}});
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "uid": "svc", "creationTimestamp": "2026-03-01T10:00:00Z"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    Scene::new()
        .object(it)
        .object(set.clone())
        .object(service)
        .complete(&[Kind::Pod])
        .diagnose()
        .is_calm();
    // In a namespace that lives it is one.
    assert!(Scene::new().object(set).diagnose().alarms() > 0);
}

/// The kubelet ends a pod only after the hook, and the namespace only after the pod.
#[test]
fn a_hook_that_does_not_end_keeps_its_pod_and_the_namespace() {
    let mut it = stuck(json!({
        "spec": {"containers": [{"name": "app", "lifecycle": {"postStart": {"exec": {"command": ["sleep", "3600"]}}}}]},
        "status": {"phase": "Pending", "containerStatuses": [status(json!({"ready": false, "started": false,
            "state": {"running": null, "waiting": {"reason": "ContainerCreating"}}}))]}
    }));
    merge(&mut it, json!({"metadata": {"finalizers": null}}));
    let mut shop = namespace("NamespaceContentRemaining", CONTENT);
    merge(
        &mut shop,
        json!({"metadata": {"name": "shop", "deletionTimestamp": "2026-03-01T11:29:30Z"}}),
    );
    let outcome = Scene::new()
        .object(it)
        .object(shop)
        .container_event(
            "Pod/shop/app-1",
            "app",
            "Started",
            "Container started",
            "2026-03-01T10:00:05Z",
        )
        .diagnose();
    let finding = outcome.finds_only("HOK-POSTSTART-HUNG", Verdict::Likely);
    assert!(finding.headline.contains("cannot end"), "{}", finding.headline);
    assert!(
        finding.explains.iter().any(|it| it.kind == Kind::Namespace),
        "{:?}",
        finding.explains
    );
    assert!(
        finding
            .ruled_out
            .iter()
            .all(|it| it.code.as_str() != "TRM-UNKILLABLE"),
        "{:?}",
        finding.ruled_out
    );
}
