//! Pods, claims and classes for the family's tests, and the tests that are in no table.

use serde_json::{Value, json};
use sonde_model::{Kind, Severity, Verdict};

use crate::testing::{Scene, pod, status};

/// A pod with volume `data` of claim `data` that waits to start.
pub(super) fn waiting() -> Value {
    pod(json!({
        "spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]},
        "status": {"phase": "Pending", "conditions": [], "containerStatuses": [status(json!({
            "ready": false, "started": false, "state": {"running": null, "waiting": {"reason": "ContainerCreating"}}
        }))]}
    }))
}

pub(super) fn claim(class: Value, phase: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "shop", "creationTimestamp": "2026-03-01T11:00:00Z"},
        "spec": {"storageClassName": class, "volumeName": if phase == "Bound" { "pv-1" } else { "" },
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        "status": {"phase": phase}})
}

pub(super) fn class(name: &str, provisioner: &str, mode: &str) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
        "provisioner": provisioner, "volumeBindingMode": mode})
}

#[test]
fn the_kubelets_summary_alone_decides_nothing() {
    let outcome = Scene::new()
        .object(waiting())
        .event(
            "Pod/shop/app-1",
            "FailedMount",
            "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]: timed out waiting for the condition",
            "2026-03-01T11:59:00Z",
        )
        .diagnose();
    assert_eq!(outcome.report.findings.len(), 1);
    assert!(outcome.report.findings[0].verdict < Verdict::Likely);
}

#[test]
fn a_volume_that_another_node_holds_names_its_holder() {
    let mut other = pod(json!({"metadata": {"name": "app-0"}, "spec": {"nodeName": "n2",
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}}));
    other["metadata"]["uid"] = json!("u-other");
    let outcome = Scene::new()
        .object(waiting())
        .object(other)
        .object(claim(json!("fast"), "Bound"))
        .event(
            "Pod/shop/app-1",
            "FailedAttachVolume",
            "Multi-Attach error for volume \"pv-1\" Volume is already used by pod(s) app-0",
            "2026-03-01T11:59:00Z",
        )
        .diagnose();
    let finding = outcome.finds_only("DEP-MULTI-ATTACH", Verdict::Proven);
    assert!(finding.headline.contains("app-0"), "{}", finding.headline);
}

#[test]
fn a_claim_and_the_pod_that_waits_for_it_are_one_finding() {
    let outcome = Scene::new()
        .object(claim(json!("fats"), "Pending"))
        .object(class("fast", "disk.csi.example", "Immediate"))
        .object(waiting())
        .complete(&[Kind::StorageClass, Kind::PersistentVolumeClaim])
        .diagnose();
    let finding = outcome.finds_only("DEP-CLAIM-CLASS-MISSING", Verdict::Proven);
    assert_eq!(finding.explains.len(), 2);
    assert!(
        finding.chain.iter().any(|step| step.text.contains("fast")),
        "the nearest class is named"
    );
}

#[test]
fn a_claim_that_waits_for_its_first_pod_is_no_alarm() {
    let outcome = Scene::new()
        .object(claim(json!("local"), "Pending"))
        .object(class("local", "disk.csi.example", "WaitForFirstConsumer"))
        .diagnose();
    assert_eq!(
        outcome.is_calm().finding("DEP-CLAIM-WAITS-FOR-CONSUMER").severity,
        Severity::Info
    );
}

#[test]
fn a_claim_that_lost_its_volume_is_told() {
    Scene::new()
        .object(claim(json!("fast"), "Lost"))
        .diagnose()
        .finds_only("DEP-CLAIM-LOST", Verdict::Proven);
    Scene::new()
        .object(claim(json!("fast"), "Bound"))
        .diagnose()
        .is_calm();
}

#[test]
fn a_claim_that_does_not_exist_is_told_with_the_nearest_name() {
    let outcome = Scene::new()
        .object(waiting())
        .complete(&[Kind::PersistentVolumeClaim])
        .diagnose();
    outcome.finds_only("DEP-CLAIM-MISSING", Verdict::Proven);
    Scene::new()
        .object(waiting())
        .diagnose()
        .lacks("DEP-CLAIM-MISSING");
}

#[test]
fn a_mount_over_proc_is_the_containers_own_fault() {
    let broken = pod(json!({
        "spec": {"containers": [{"name": "app", "volumeMounts": [{"name": "data", "mountPath": "/proc/app"}]}]},
        "status": {"phase": "Pending", "containerStatuses": [status(json!({"ready": false, "started": false, "state": {"running": null,
            "waiting": {"reason": "RunContainerError", "message": "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error mounting \"/srv\" to rootfs at \"/proc/app\": check proc-safety of /proc/app mount: \"/run/rootfs/proc/app\" cannot be mounted because it is inside /proc: unknown"}}}))]}
    }));
    let outcome = Scene::new().object(broken).diagnose();
    let finding = outcome.finds_only("DEP-MOUNT-TARGET", Verdict::Proven);
    assert!(finding.headline.contains("/proc/app"), "{}", finding.headline);
}

#[test]
fn a_mount_target_is_over_when_the_container_runs() {
    let words = "error mounting \"/srv\" to rootfs at \"/proc/app\": \"/run/rootfs/proc/app\" cannot be mounted because it is inside /proc: unknown";
    let event = format!(
        "Error: failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: {words}"
    );
    let scene = |object: Value| {
        Scene::new().object(object).container_event(
            "Pod/shop/app-1",
            "app",
            "Failed",
            &event,
            "2026-03-01T10:00:01Z",
        )
    };
    scene(pod(json!({}))).diagnose().is_calm();
    // Another failure of the start is no matter of mounts.
    let rival = pod(
        json!({"status": {"phase": "Pending", "containerStatuses": [status(json!({"ready": false, "started": false, "state": {"running": null,
        "waiting": {"reason": "RunContainerError", "message": "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/x\": stat /x: no such file or directory: unknown"}}}))]}}),
    );
    Scene::new().object(rival).diagnose().lacks("DEP-MOUNT-TARGET");
    let silent = pod(
        json!({"status": {"phase": "Pending", "containerStatuses": [status(json!({"ready": false, "started": false, "state": {"running": null,
        "waiting": {"reason": "RunContainerError"}}}))]}}),
    );
    Scene::new().object(silent).diagnose().lacks("DEP-MOUNT-TARGET");
}
