//! One table for the tests that every state of a claim passes: found and no other, with the pods that wait for it; calm
//! when the claim is bound; unknown where nothing is said.

use serde_json::{Value, json};
use sonde_model::{Kind, Severity, Verdict};

use super::testing::{claim, class, waiting};
use crate::testing::Scene;

/// A state of claim `data` that keeps it from being bound.
pub(super) struct ClaimRow {
    pub(super) code: &'static str,
    class: Value,
    phase: &'static str,
    objects: Vec<Value>,
    event: Option<(&'static str, &'static str)>,
    verdict: Verdict,
    severity: Severity,
}

pub(super) fn claims() -> Vec<ClaimRow> {
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

#[test]
fn a_class_whose_volumes_are_made_by_hand_needs_no_object() {
    let volume = |patch: Value| {
        let mut volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"},
            "spec": {"storageClassName": "by-hand", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]},
            "status": {"phase": "Available"}});
        crate::testing::merge(&mut volume, patch);
        volume
    };
    let large = |phase| {
        let mut large = claim(json!("by-hand"), phase);
        crate::testing::merge(
            &mut large,
            json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}}),
        );
        large
    };
    let scene = |volume: Value| {
        Scene::new()
            .object(volume)
            .object(large("Pending"))
            .complete(&[Kind::StorageClass, Kind::PersistentVolume])
    };
    let said = |scene: Scene| {
        scene.event(
            "PersistentVolumeClaim/shop/data",
            "ProvisioningFailed",
            "storageclass.storage.k8s.io \"by-hand\" not found",
            "2026-03-01T11:59:00Z",
        )
    };
    let large_volume = json!({"spec": {"capacity": {"storage": "20Gi"}}});
    for (patch, why) in [
        (json!({}), "too small: it has 1Gi, and the claim asks for 10Gi"),
        (
            json!({"spec": {"claimRef": {"namespace": "shop", "name": "old"}}, "status": {"phase": "Released"}}),
            "kept for claim old in shop, which is gone",
        ),
        (
            json!({"spec": {"capacity": {"storage": "20Gi"}, "accessModes": ["ReadOnlyMany"]}}),
            "not ReadWriteOnce",
        ),
        (
            json!({"spec": {"capacity": {"storage": "20Gi"}, "volumeMode": "Block"}}),
            "of volume mode Block",
        ),
    ] {
        let outcome = said(scene(volume(patch.clone()))).diagnose();
        let finding = outcome.finds_only("DEP-CLAIM-NO-VOLUME-FITS", Verdict::Proven);
        assert!(finding.headline.contains(why), "{}", finding.headline);
        // Without the controller's word the numbers make it likely.
        scene(volume(patch))
            .diagnose()
            .finds_only("DEP-CLAIM-NO-VOLUME-FITS", Verdict::Likely);
    }
    // One that fits by now is bound in a moment; nothing is claimed.
    let outcome = scene(volume(large_volume)).diagnose();
    outcome
        .lacks("DEP-CLAIM-NO-VOLUME-FITS")
        .lacks("DEP-CLAIM-CLASS-MISSING");
}
