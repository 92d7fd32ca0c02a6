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

const NFS: &str = "MountVolume.SetUp failed for volume \"data\" : mount failed: exit status 32 Mounting command: mount Mounting arguments: -t nfs 10.0.0.5:/export /var/lib/kubelet/pods/u/volumes/kubernetes.io~nfs/data Output: ";

/// Code, reason, the whole message with `NFS` as above.
const MOUNTS: &[(&str, &str, &str)] = &[
    (
        "DEP-ATTACH-FAILED",
        "FailedAttachVolume",
        "AttachVolume.Attach failed for volume \"pv-1\" : rpc error: code = NotFound desc = volume vol-9 was not seen",
    ),
    (
        "DEP-ATTACH-LIMIT",
        "FailedAttachVolume",
        "AttachVolume.Attach failed for volume \"pv-1\" : rpc error: code = Internal desc = AttachVolumeLimitExceeded: You have reached your limit of volumes",
    ),
    (
        "DEP-ATTACH-TIMEOUT",
        "FailedAttachVolume",
        "AttachVolume.Attach failed for volume \"pv-1\" : timed out waiting for external-attacher of disk.csi.example CSI driver to attach volume vol-9",
    ),
    (
        "DEP-CLAIM-MISSING",
        "FailedMount",
        "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[data]: error processing PVC shop/data: failed to fetch PVC from API server: persistentvolumeclaims \"data\" not found",
    ),
    (
        "DEP-CONFIG-MISSING",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"data\" : configmap \"settings\" not found",
    ),
    (
        "DEP-CSI-DRIVER-MISSING",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"pv-1\" : kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name disk.csi.example not found in the list of registered CSI drivers",
    ),
    (
        "DEP-EXPORT-DENIED",
        "FailedMount",
        "NFS mount.nfs: access denied by server while mounting 10.0.0.5:/export",
    ),
    (
        "DEP-FILE-SYSTEM",
        "FailedMount",
        "MountVolume.MountDevice failed for volume \"pv-1\" : 'fsck' found errors on device /dev/sdb but could not correct them",
    ),
    (
        "DEP-HOST-PATH-TYPE",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"data\" : hostPath type check failed: /srv/data is not a directory",
    ),
    (
        "DEP-MOUNT-HELPER-MISSING",
        "FailedMount",
        "NFS mount: /var/lib/kubelet/pods/u/volumes/kubernetes.io~nfs/data: bad option; for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.<type> helper program.",
    ),
    (
        "DEP-MULTI-ATTACH",
        "FailedAttachVolume",
        "Multi-Attach error for volume \"pv-1\" Volume is already exclusively attached to one node and can't be attached to another",
    ),
    (
        "DEP-NFS-UNREACHABLE",
        "FailedMount",
        "NFS mount.nfs: Connection timed out",
    ),
    (
        "DEP-OPERATION-TIMEOUT",
        "FailedMount",
        "MountVolume.MountDevice failed for volume \"pv-1\" : rpc error: code = DeadlineExceeded desc = context deadline exceeded",
    ),
    (
        "DEP-READ-ONLY",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"data\" : mkdir /srv/x: read-only file system",
    ),
    (
        "DEP-SUB-PATH",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"data\" : failed to prepare subPath for volumeMount \"data\" of container \"app\"",
    ),
    (
        "DEP-TOKEN",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"kube-api-access-x\" : failed to fetch token: serviceaccounts \"web\" is forbidden: User \"system:node:n1\" cannot create resource",
    ),
    (
        "DEP-VOLUME-FULL",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"data\" : mkdir /var/lib/kubelet/pods/u/volumes/kubernetes.io~empty-dir/data: no space left on device",
    ),
    (
        "DEP-VOLUME-NODE-AFFINITY",
        "FailedMount",
        "MountVolume.NodeAffinity check failed for volume \"pv-1\" : no matching NodeSelectorTerms",
    ),
    (
        "DEP-VOLUME-PERMISSION",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"data\" : chown /srv/x: permission denied",
    ),
];

/// Causes that no message about a volume tells; they are tested below and in their files.
const WITHOUT_MOUNT: &[&str] = &["DEP-MOUNT-TARGET"];

fn said(message: &str) -> String {
    message.replacen("NFS ", NFS, 1)
}

fn mounting(object: Value, reason: &str, message: &str, time: &str) -> Scene {
    Scene::new()
        .object(object)
        .object(claim(json!("fast"), "Bound"))
        .event("Pod/shop/app-1", reason, &said(message), time)
}

/// Not the cause's claim itself: that claim is missing.
fn fails(code: &str, reason: &str, message: &str, time: &str) -> Scene {
    if code == "DEP-CLAIM-MISSING" {
        return Scene::new()
            .object(waiting())
            .event("Pod/shop/app-1", reason, &said(message), time);
    }
    mounting(waiting(), reason, message, time)
}

#[test]
fn every_cause_of_the_family_is_here() {
    for cause in super::CAUSES {
        let code = cause.code.as_str();
        let here = MOUNTS.iter().any(|(it, ..)| *it == code)
            || claims().iter().any(|row| row.code == code)
            || WITHOUT_MOUNT.contains(&code);
        assert!(here, "{code}");
    }
}

#[test]
fn each_failed_mount_is_its_own_cause_and_no_other() {
    for (code, reason, message) in MOUNTS {
        let outcome = fails(code, reason, message, "2026-03-01T11:59:00Z").diagnose();
        let finding = outcome.finds_only(code, Verdict::Proven);
        assert!(!finding.fixes.is_empty(), "{code}");
        let pasted = format!("Warning  {reason}  2m (x3 over 4m)  kubelet  {}", said(message));
        let outcome = Scene::new().loose(&pasted).diagnose();
        assert!(
            outcome.says_only(code, Verdict::Proven),
            "{code}: {}",
            outcome.summary()
        );
    }
}

#[test]
fn each_names_the_field_that_asks_for_the_volume() {
    // Of a ConfigMap the reference is the field; of a token the volume is the control plane's.
    let others = ["DEP-CONFIG-MISSING", "DEP-TOKEN", "DEP-SUB-PATH"];
    for (code, reason, message) in MOUNTS.iter().filter(|(code, ..)| !others.contains(code)) {
        let outcome = fails(code, reason, message, "2026-03-01T11:59:00Z").diagnose();
        let finding = outcome.finding(code);
        let field = finding
            .evidence
            .iter()
            .any(|it| it.source.contains("spec.volumes[0]"));
        assert!(field, "{code}: {:?}", finding.evidence);
    }
}

#[test]
fn the_newest_failure_of_a_volume_counts() {
    let late = ["DEP-ATTACH-TIMEOUT", "DEP-OPERATION-TIMEOUT"];
    for (code, reason, message) in MOUNTS {
        for (older, older_reason, older_message) in MOUNTS.iter().filter(|(other, ..)| other != code) {
            // What took too long may be the echo of what failed before; claims and tokens are other volumes.
            let same = |message: &str| {
                let text = said(message);
                ["\"pv-1\"", "volume \"data\""]
                    .iter()
                    .position(|name| text.contains(name))
            };
            let comparable = same(message).is_some() && same(message) == same(older_message);
            if late.contains(code) || !comparable {
                continue;
            }
            let outcome = fails(code, reason, message, "2026-03-01T11:59:00Z")
                .event(
                    "Pod/shop/app-1",
                    older_reason,
                    &said(older_message),
                    "2026-03-01T11:50:00Z",
                )
                .diagnose();
            assert!(
                outcome.says_only(code, Verdict::Proven),
                "{code} after {older}: {}",
                outcome.summary()
            );
        }
    }
}

#[test]
fn what_failed_before_counts_more_than_its_echo() {
    let echo = "MountVolume.SetUp failed for volume \"data\" : rpc error: code = Aborted desc = An operation with the given Volume ID vol-1 already exists";
    for (code, reason, message) in MOUNTS
        .iter()
        .filter(|(_, _, message)| said(message).contains("volume \"data\""))
    {
        let outcome = fails(code, reason, message, "2026-03-01T11:50:00Z")
            .event("Pod/shop/app-1", "FailedMount", echo, "2026-03-01T11:59:00Z")
            .diagnose();
        assert!(
            outcome.says_only(code, Verdict::Proven),
            "{code}: {}",
            outcome.summary()
        );
    }
}

#[test]
fn a_failed_mount_is_over_once_images_are_pulled() {
    for (code, reason, message) in MOUNTS {
        let outcome = mounting(waiting(), reason, message, "2026-03-01T11:50:00Z")
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
fn a_failed_mount_of_a_pod_that_runs_or_is_done_is_no_trouble() {
    let done = pod(
        json!({"status": {"phase": "Succeeded", "conditions": null, "containerStatuses": [status(json!({
        "ready": false, "started": false, "state": {"running": null, "terminated": {"exitCode": 0, "reason": "Completed",
            "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T10:01:00Z"}}}))]}}),
    );
    for (_, reason, message) in MOUNTS {
        mounting(pod(json!({})), reason, message, "2026-03-01T10:00:01Z")
            .diagnose()
            .is_calm();
        mounting(done.clone(), reason, message, "2026-03-01T10:00:01Z")
            .diagnose()
            .is_calm();
    }
}

#[test]
fn without_words_nothing_is_claimed_and_the_next_look_is_told() {
    let outcome = Scene::new()
        .object(waiting())
        .object(claim(json!("fast"), "Bound"))
        .diagnose();
    let finding = outcome.finds_only("CRE-NOT-STARTING-UNKNOWN", Verdict::Unknown);
    assert!(!finding.next.is_empty());
}

/// A state of claim `data` that keeps it from being bound.
struct ClaimRow {
    code: &'static str,
    class: Value,
    phase: &'static str,
    objects: Vec<Value>,
    event: Option<(&'static str, &'static str)>,
    verdict: Verdict,
    severity: Severity,
}

fn claims() -> Vec<ClaimRow> {
    let fast = || vec![class("fast", "disk.csi.example", "Immediate")];
    let row = |code, class: Value, objects, event| ClaimRow {
        code,
        class,
        phase: "Pending",
        objects,
        event,
        verdict: Verdict::Proven,
        severity: Severity::Error,
    };
    vec![
        row(
            "DEP-CLAIM-CLASS-MISSING",
            json!("fats"),
            fast(),
            Some((
                "ProvisioningFailed",
                "storageclass.storage.k8s.io \"fats\" not found",
            )),
        ),
        ClaimRow {
            phase: "Lost",
            severity: Severity::Critical,
            ..row(
                "DEP-CLAIM-LOST",
                json!("fast"),
                fast(),
                Some((
                    "ClaimLost",
                    "Bound claim has lost its PersistentVolume. Data on the volume is lost!",
                )),
            )
        },
        row(
            "DEP-CLAIM-NO-CLASS",
            Value::Null,
            vec![],
            Some((
                "FailedBinding",
                "no persistent volumes available for this claim and no storage class is set",
            )),
        ),
        row(
            "DEP-CLAIM-NO-VOLUME-FITS",
            json!("fast"),
            fast(),
            Some((
                "VolumeMismatch",
                "Cannot bind to requested volume \"v\": requested PV is too small",
            )),
        ),
        row(
            "DEP-CLAIM-PROVISIONING-FAILED",
            json!("fast"),
            fast(),
            Some((
                "ProvisioningFailed",
                "failed to provision volume with StorageClass \"fast\": rpc error: code = ResourceExhausted desc = quota of disks reached",
            )),
        ),
        ClaimRow {
            verdict: Verdict::Likely,
            ..row(
                "DEP-CLAIM-PROVISIONER-SILENT",
                json!("fast"),
                fast(),
                Some((
                    "ExternalProvisioning",
                    "Waiting for a volume to be created either by the external provisioner 'disk.csi.example' or manually by the system administrator.",
                )),
            )
        },
        ClaimRow {
            severity: Severity::Info,
            ..row(
                "DEP-CLAIM-WAITS-FOR-CONSUMER",
                json!("local"),
                vec![class("local", "disk.csi.example", "WaitForFirstConsumer")],
                Some((
                    "WaitForFirstConsumer",
                    "waiting for first consumer to be created before binding",
                )),
            )
        },
    ]
}

fn claim_scene(row: &ClaimRow, phase: &str) -> Scene {
    let scene = row.objects.iter().cloned().fold(Scene::new(), Scene::object);
    let scene = scene.object(claim(row.class.clone(), phase));
    match row.event {
        Some((reason, message)) => scene.event(
            "PersistentVolumeClaim/shop/data",
            reason,
            message,
            "2026-03-01T11:59:00Z",
        ),
        None => scene,
    }
}

#[test]
fn each_state_of_a_claim_is_its_own_cause_and_no_other() {
    for row in claims() {
        let outcome = claim_scene(&row, row.phase).diagnose();
        let finding = outcome.finding(row.code);
        assert_eq!(
            (finding.verdict, finding.severity),
            (row.verdict, row.severity),
            "{}",
            outcome.summary()
        );
        assert_eq!(
            outcome.report.findings.len(),
            1,
            "{}: {}",
            row.code,
            outcome.summary()
        );
        assert!(!finding.fixes.is_empty(), "{}", row.code);
        assert!(
            finding
                .evidence
                .iter()
                .any(|it| it.source.starts_with("pvc/data")),
            "{}: {:?}",
            row.code,
            finding.evidence
        );
    }
}

#[test]
fn the_pods_that_wait_for_a_claim_are_explained_by_it() {
    let said = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
    for row in claims().iter().filter(|row| row.severity > Severity::Info) {
        let mut pending = waiting();
        crate::testing::merge(
            &mut pending,
            json!({"spec": {"nodeName": null}, "status": {"startTime": null, "containerStatuses": null, "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said, "lastTransitionTime": "2026-03-01T11:50:00Z"}]}}),
        );
        let outcome = claim_scene(row, row.phase).object(pending).diagnose();
        let finding = outcome.finds_only(row.code, row.verdict);
        assert!(
            finding.explains.iter().any(|it| &*it.name == "app-1"),
            "{}: {}",
            row.code,
            outcome.summary()
        );
    }
}

#[test]
fn a_claim_that_is_bound_by_now_is_no_trouble() {
    for row in claims() {
        claim_scene(&row, "Bound").diagnose().is_calm();
    }
}

#[test]
fn a_claim_of_which_nothing_is_said_is_unknown_but_for_what_its_own_fields_tell() {
    for row in claims() {
        // What status and class tell by themselves needs no words.
        let by_itself = ["DEP-CLAIM-LOST", "DEP-CLAIM-WAITS-FOR-CONSUMER"].contains(&row.code);
        let silent = ClaimRow { event: None, ..row };
        let outcome = claim_scene(&silent, silent.phase).diagnose();
        if by_itself {
            outcome.finding(silent.code);
        } else {
            let finding = outcome.lacks(silent.code).finding("DEP-CLAIM-UNKNOWN");
            assert!(!finding.next.is_empty(), "{}", silent.code);
        }
    }
}

#[test]
fn a_claim_that_was_just_made_may_wait() {
    let mut new = claim(json!("fast"), "Pending");
    new["metadata"]["creationTimestamp"] = json!("2026-03-01T11:59:00Z");
    Scene::new()
        .object(new)
        .object(class("fast", "disk.csi.example", "Immediate"))
        .diagnose()
        .is_calm();
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

#[test]
fn drivers_that_hang_and_claims_of_one_pod_are_told_as_such() {
    let message = "MountVolume.MountDevice failed for volume \"pv-1\" : rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial unix /var/lib/kubelet/plugins/disk.csi.example/csi.sock: connect: connection refused\"";
    let outcome = mounting(waiting(), "FailedMount", message, "2026-03-01T11:59:00Z").diagnose();
    let finding = outcome.finds_only("DEP-CSI-DRIVER-MISSING", Verdict::Proven);
    assert!(
        finding
            .headline
            .contains("disk.csi.example does not answer on node n1"),
        "{}",
        finding.headline
    );
    let mut other = pod(json!({"metadata": {"name": "app-0", "uid": "u-other"},
        "spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}}));
    other["metadata"]["ownerReferences"] = json!(null);
    let message = "MountVolume.SetUp failed for volume \"pv-1\" : volume uses the ReadWriteOncePod access mode and is already in use by another pod";
    let outcome = mounting(waiting(), "FailedMount", message, "2026-03-01T11:59:00Z")
        .object(other)
        .diagnose();
    let finding = outcome.finds_only("DEP-MULTI-ATTACH", Verdict::Proven);
    assert!(
        finding.headline.contains("still held by pod/app-0"),
        "{}",
        finding.headline
    );
}

#[test]
fn a_class_whose_volumes_are_made_by_hand_has_no_provisioner_to_blame() {
    let said = "no volume plugin matched name: kubernetes.io/no-provisioner";
    Scene::new()
        .object(class("by-hand", "kubernetes.io/no-provisioner", "Immediate"))
        .object(claim(json!("by-hand"), "Pending"))
        .event(
            "PersistentVolumeClaim/shop/data",
            "ProvisioningFailed",
            said,
            "2026-03-01T11:59:00Z",
        )
        .complete(&[Kind::PersistentVolume])
        .diagnose()
        .finds_only("DEP-CLAIM-NO-VOLUME-FITS", Verdict::Proven);
}

#[test]
fn a_claim_that_names_its_volume_needs_no_class() {
    let mut lost = claim(json!("by-hand"), "Lost");
    lost["spec"]["volumeName"] = json!("pv-1");
    Scene::new()
        .object(lost)
        .complete(&[Kind::StorageClass, Kind::PersistentVolume])
        .diagnose()
        .finds_only("DEP-CLAIM-LOST", Verdict::Proven);
}
