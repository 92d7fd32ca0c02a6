//! DEP-MOUNT-HELPER-MISSING: the node lacks the program or file system that the volume needs.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-MOUNT-HELPER-MISSING"),
    title: "mount helper or file system missing on the node",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-MOUNT-HELPER-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::HelperMissing { helper } if helper.is_empty() => {
                "the node lacks the program that mounts this kind of volume".to_owned()
            }
            VolumeFailure::HelperMissing { helper } => {
                format!("the node has no {helper}, which it needs to mount this")
            }
            _ => return None,
        };
        Some(Told {
            what,
            advice: "install the package on the nodes (nfs-common, cifs-utils, open-iscsi and the like), or let the pod run where it is",
        })
    });
}
