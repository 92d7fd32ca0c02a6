//! Attaching, mounting and mapping volumes: the kubelet's summaries, its operations, and the words of mount and drivers.

mod failure;

use super::words::{after, any, between, list, name_after, name_after_any};
use crate::fact::{Fact, VolumeFact, VolumeFailure};

/// Texts that only a volume operation has.
pub(super) const ANCHORS: &[&str] = &[
    "MountVolume.",
    "MapVolume.",
    "UnmountVolume.",
    "UnmapVolume.",
    "AttachVolume.",
    "DetachVolume.",
    "WaitForAttach",
    "Multi-Attach error",
    "Unable to attach or mount volumes",
    "Unable to mount volumes for pod",
    "timeout expired waiting for volumes",
    "unmounted volumes=[",
    "list of unmounted volumes",
    "list of unattached",
    "Volume not attached according to node status",
    " not registered",
    "attachdetachment timeout for volume",
    "attachment timeout for volume",
    "external-attacher of ",
    "list of registered CSI drivers",
    "mount failed: exit status",
    "hostPath type check failed",
    "error processing PVC ",
];

/// Reads a text whose reason says that it is about a mount.
pub(super) fn read_mount(text: &str, out: &mut Vec<Fact>) {
    push(
        text,
        VolumeFailure::Other {
            detail: failure::words(text),
        },
        out,
    );
}

/// Reads a text whose reason says that it is about an attachment.
pub(super) fn read_attach(text: &str, out: &mut Vec<Fact>) {
    push(
        text,
        VolumeFailure::AttachFailed {
            detail: failure::words(text),
        },
        out,
    );
}

/// Reads a text of unknown origin.
pub(super) fn by_text(text: &str, out: &mut Vec<Fact>) {
    if any(text, ANCHORS) {
        if text.contains(" not registered") && !text.contains("object ") && !text.contains("volume") {
            return;
        }
        match text.contains("AttachVolume.") {
            true => read_attach(text, out),
            false => read_mount(text, out),
        }
    }
}

fn push(text: &str, unknown: VolumeFailure, out: &mut Vec<Fact>) {
    if text.is_empty() || text.contains(" succeeded for volume") {
        return;
    }
    let mut failures = failure::failures(text);
    if failures.is_empty() {
        failures.push(unknown);
    }
    let volumes = volumes(text);
    out.extend(failures.into_iter().map(|failure| {
        Fact::Volume(VolumeFact {
            volumes: volumes.clone(),
            failure,
        })
    }));
}

/// The volumes that the text says are not there. Lists of all volumes of the pod (`unattached`) are not that.
fn volumes(text: &str) -> Vec<String> {
    const LISTS: &[&str] = &["unmounted volumes=[", "unattached/unmounted volumes=["];
    if let Some(unmounted) = LISTS.iter().find_map(|marker| between(text, marker, "]")) {
        return list(unmounted);
    }
    let one = name_after_any(text, &["for volume ", "attach volume ", "timeout for volume "])
        .or_else(|| after(text, " CSI driver to ").and_then(|rest| name_after(rest, " volume ")));
    one.map(|name| vec![name.to_owned()]).unwrap_or_default()
}
