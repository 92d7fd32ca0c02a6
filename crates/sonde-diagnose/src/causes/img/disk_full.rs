//! IMG-DISK-FULL: the node has no room for the image.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{Root, failed_by};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-DISK-FULL"),
    title: "no room for the image on the node",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-DISK-FULL"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::DiskFull)) else {
        return;
    };
    case.proven_by(pull.seen());
    pull.tell(
        facts,
        case,
        &Root::Node,
        "its disk has no room left for the image",
    );
    if let Some(node) = facts.node_ref() {
        case.look(
            "how full the node's disks are",
            format!(
                "ssh {} 'df -h /var/lib/containerd /var/lib/containers /var/lib/docker'",
                node.name
            ),
        );
    }
    case.advice("free room on the node (unused images, old logs) or give it a larger disk; the kubelet frees images only above imageGCHighThresholdPercent", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn a_full_disk() {
        check(&Check {
            code: "IMG-DISK-FULL",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to extract layer sha256:aa: mount callback failed on /var/lib/containerd/tmpmounts/x: write /var/lib/containerd/tmpmounts/x/usr/lib/a.so: no space left on device: unknown",
                "failed to register layer: Error processing tar file(exit status 1): write /usr/lib/a.so: no space left on device",
            ],
            says: &["no room"],
        });
    }
}
