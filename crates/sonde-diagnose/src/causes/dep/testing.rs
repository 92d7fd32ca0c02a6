//! One table for the tests of volumes: each wording is its own cause and no other.

use serde_json::{Value, json};
use sonde_model::{Kind, Severity, Verdict};

use crate::testing::{Scene, pod, status};

/// A pod with volume `data` of claim `data` that waits to start.
fn waiting() -> Value {
    pod(json!({
        "spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]},
        "status": {"phase": "Pending", "conditions": [], "containerStatuses": [status(json!({
            "ready": false, "started": false, "state": {"running": null, "waiting": {"reason": "ContainerCreating"}}
        }))]}
    }))
}

fn claim(class: Value, phase: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "shop", "creationTimestamp": "2026-03-01T11:00:00Z"},
        "spec": {"storageClassName": class, "volumeName": if phase == "Bound" { "pv-1" } else { "" },
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        "status": {"phase": phase}})
}

fn class(name: &str, provisioner: &str, mode: &str) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
        "provisioner": provisioner, "volumeBindingMode": mode})
}

const SETUP: &str = "MountVolume.SetUp failed for volume \"data\" : ";

/// Code, reason, message.
const MOUNTS: &[(&str, &str, &str)] = &[
    (
        "DEP-MOUNT-HELPER-MISSING",
        "FailedMount",
        "mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs 10.0.0.5:/e /var/lib/kubelet/pods/u/volumes/kubernetes.io~nfs/data\nOutput: mount: /var/lib/kubelet/pods/u/volumes/kubernetes.io~nfs/data: bad option; for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.<type> helper program.",
    ),
    (
        "DEP-HOST-PATH-TYPE",
        "FailedMount",
        "hostPath type check failed: /srv/data is not a directory",
    ),
    (
        "DEP-CSI-DRIVER-MISSING",
        "FailedMount",
        "kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name disk.csi.example not found in the list of registered CSI drivers",
    ),
    (
        "DEP-VOLUME-FULL",
        "FailedMount",
        "mkdir /var/lib/kubelet/pods/u/volumes/kubernetes.io~empty-dir/data: no space left on device",
    ),
];

#[test]
fn each_failed_mount_is_its_own_cause_and_no_other() {
    for (code, reason, message) in MOUNTS {
        let outcome = Scene::new()
            .object(waiting())
            .object(claim(json!("fast"), "Bound"))
            .event(
                "Pod/shop/app-1",
                reason,
                &format!("{SETUP}{message}"),
                "2026-03-01T11:59:00Z",
            )
            .diagnose();
        outcome.finds_only(code, Verdict::Proven);
    }
}

#[test]
fn a_failed_mount_is_over_once_images_are_pulled() {
    for (code, reason, message) in MOUNTS {
        let outcome = Scene::new()
            .object(waiting())
            .object(claim(json!("fast"), "Bound"))
            .event(
                "Pod/shop/app-1",
                reason,
                &format!("{SETUP}{message}"),
                "2026-03-01T11:50:00Z",
            )
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Pulling",
                "Pulling image \"registry.example/app:1\"",
                "2026-03-01T11:58:00Z",
            )
            .diagnose();
        outcome.lacks(code);
    }
}

#[test]
fn a_failed_mount_of_a_running_pod_is_no_trouble() {
    for (_, reason, message) in MOUNTS {
        let outcome = Scene::new()
            .object(pod(json!({})))
            .event(
                "Pod/shop/app-1",
                reason,
                &format!("{SETUP}{message}"),
                "2026-03-01T10:00:01Z",
            )
            .diagnose();
        outcome.is_calm();
    }
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
fn each_state_of_a_claim_is_its_own_cause() {
    let about = "PersistentVolumeClaim/shop/data";
    let scene = |class: Value| Scene::new().object(claim(class, "Pending"));
    let no_class = scene(Value::Null).event(
        about,
        "FailedBinding",
        "no persistent volumes available for this claim and no storage class is set",
        "2026-03-01T11:59:00Z",
    );
    no_class
        .diagnose()
        .finds_only("DEP-CLAIM-NO-CLASS", Verdict::Proven);
    let failed = scene(json!("fast")).object(class("fast", "disk.csi.example", "Immediate")).event(
        about,
        "ProvisioningFailed",
        "failed to provision volume with StorageClass \"fast\": rpc error: code = ResourceExhausted desc = quota of disks reached",
        "2026-03-01T11:59:00Z",
    );
    failed
        .diagnose()
        .finds_only("DEP-CLAIM-PROVISIONING-FAILED", Verdict::Proven);
    let silent = scene(json!("fast")).object(class("fast", "disk.csi.example", "Immediate")).event(
        about,
        "ExternalProvisioning",
        "Waiting for a volume to be created either by the external provisioner 'disk.csi.example' or manually by the system administrator.",
        "2026-03-01T11:59:00Z",
    );
    silent
        .diagnose()
        .finds_only("DEP-CLAIM-PROVISIONER-SILENT", Verdict::Likely);
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
