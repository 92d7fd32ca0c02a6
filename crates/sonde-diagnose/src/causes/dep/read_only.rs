//! DEP-READ-ONLY: the file system below the volume is read-only.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-READ-ONLY"),
    title: "read-only file system",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-READ-ONLY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::ReadOnly { path: Some(path) } => format!("{path} is on a read-only file system"),
            VolumeFailure::ReadOnly { path: None } => "its file system is read-only".to_owned(),
            _ => return None,
        };
        Some(Told {
            what,
            advice: "if the kernel made it read-only after an error, look at the node's disk first; else mount somewhere that may be written",
        })
    });
}
