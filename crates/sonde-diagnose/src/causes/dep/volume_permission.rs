//! DEP-VOLUME-PERMISSION: the node may not use the volume's path.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-VOLUME-PERMISSION"),
    title: "no permission on the volume",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-VOLUME-PERMISSION"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::Permission { path: Some(path) } => format!("permission denied on {path}"),
            VolumeFailure::Permission { path: None } => "permission denied".to_owned(),
            _ => return None,
        };
        Some(Told {
            what,
            advice: "look at owner and mode of the path, at root squash of an NFS export, and at SELinux labels",
        })
    });
}
