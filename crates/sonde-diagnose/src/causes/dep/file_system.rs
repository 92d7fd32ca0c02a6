//! DEP-FILE-SYSTEM: the volume's file system is damaged or is not the expected one.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-FILE-SYSTEM"),
    title: "file system damaged or of another type",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-FILE-SYSTEM"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::FileSystem { detail } => format!("its file system cannot be mounted: {detail}"),
            _ => return None,
        };
        Some(Told {
            what,
            advice: "check the file system with the workload stopped; a disk with another file system than the claim's is not formatted again, to save its data",
        })
    });
}
