//! One table for the tests that every cause of a volume's failure passes: each wording is its own cause and no other, the
//! newest counts, and what the kubelet came past is over.

use serde_json::{Value, json};
use sonde_model::Verdict;

use super::claim_table::claims;
use super::testing::{claim, waiting};
use crate::testing::{Scene, pod, status};

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
