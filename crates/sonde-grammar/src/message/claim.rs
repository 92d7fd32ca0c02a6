//! PersistentVolumeClaims: binding, provisioning, resizing.

use super::words::{after, any, detail, name_after, name_after_any, name_before};
use crate::fact::{ClaimFact, Fact};

pub(super) type Row = (&'static [&'static str], fn(&str) -> ClaimFact);

pub(super) const ROWS: &[Row] = &[
    (&["no storage class is set"], |_| ClaimFact::NoClass),
    (&["waiting for first consumer"], |_| {
        ClaimFact::WaitForFirstConsumer
    }),
    (
        &[
            "has lost its PersistentVolume",
            "has lost reference to PersistentVolume",
        ],
        |_| ClaimFact::Lost,
    ),
    (
        &[
            "Cannot bind to requested volume",
            "Cannot bind PersistentVolume",
            "already bound to a different claim",
            "Two claims are bound to the same volume",
            "was not created for pod",
        ],
        |text| ClaimFact::Mismatch { detail: detail(text) },
    ),
    (&["aiting for a volume to be created"], |text| {
        ClaimFact::WaitingForProvisioner {
            provisioner: name_after_any(
                text,
                &["external provisioner ", "either by the external provisioner "],
            )
            .map(str::to_owned),
        }
    }),
];

/// Texts that only claims have, beside the rows'.
pub(super) const ANCHORS: &[&str] = &[
    "ailed to provision volume with StorageClass",
    "storageclass.storage.k8s.io ",
];

/// `waiting for pod P to be scheduled`.
pub(super) const SCHEDULED: &str = "aiting for pod";

/// Reads a text whose reason says that a claim is not bound; the reason names the failure no text explains.
pub(super) fn read(reason: &str, text: &str, out: &mut Vec<Fact>) {
    if let Some(fact) = fact(text) {
        out.push(Fact::Claim(fact));
        return;
    }
    let detail = detail(text);
    out.push(Fact::Claim(match reason {
        "ClaimLost" => ClaimFact::Lost,
        "WaitForFirstConsumer" => ClaimFact::WaitForFirstConsumer,
        "WaitForPodScheduled" => ClaimFact::WaitForPodScheduled { pod: None },
        "ExternalProvisioning" => ClaimFact::WaitingForProvisioner { provisioner: None },
        "VolumeMismatch" | "ClaimMisbound" | "FailedBinding" => ClaimFact::Mismatch { detail },
        "VolumeFailedDelete" | "ProvisioningCleanupFailed" => ClaimFact::DeleteFailed { detail },
        "ExternalExpanding" if text.contains("waiting for an external controller") => return,
        "VolumeResizeFailed" | "FileSystemResizeFailed" | "ExternalExpanding" => {
            ClaimFact::ResizeFailed { detail }
        }
        _ if text.is_empty() => return,
        _ => ClaimFact::ProvisioningFailed { detail },
    }));
}

/// Reads a text of unknown origin.
pub(super) fn by_text(text: &str, out: &mut Vec<Fact>) {
    let anchored = any(text, ANCHORS) || ROWS.iter().any(|(markers, _)| any(text, markers));
    let scheduled = text.contains(SCHEDULED) && text.contains("to be scheduled");
    if anchored || scheduled {
        out.extend(fact(text).map(Fact::Claim));
    }
}

fn fact(text: &str) -> Option<ClaimFact> {
    if text.contains("storageclass") || text.contains("StorageClass") {
        // Named as a kind with its group, or in the provisioner's words; a provisioning error that ends in `not found` is another.
        let class = name_after(text, "storageclass.storage.k8s.io ").or_else(|| {
            let missing = name_before(text, " not found")?;
            name_after_any(text, &["StorageClass ", "storageclass "]).filter(|class| *class == missing)
        });
        if let Some(class) = class
            && text.contains(" not found")
        {
            return Some(ClaimFact::ClassMissing {
                class: class.to_owned(),
            });
        }
    }
    if let Some(rest) = after(text, "ailed to provision volume with StorageClass ") {
        let words = rest.split_once(": ").map_or(rest, |(_, words)| words);
        return Some(ClaimFact::ProvisioningFailed {
            detail: detail(words),
        });
    }
    if text.contains(SCHEDULED) && text.contains("to be scheduled") {
        let pod = name_after_any(text, &["aiting for pod ", "aiting for pods "]).map(str::to_owned);
        return Some(ClaimFact::WaitForPodScheduled { pod });
    }
    ROWS.iter()
        .find(|(markers, _)| any(text, markers))
        .map(|(_, make)| make(text))
}
