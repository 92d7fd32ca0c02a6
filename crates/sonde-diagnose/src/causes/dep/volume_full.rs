//! DEP-VOLUME-FULL: there is no room left where the volume is made.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-VOLUME-FULL"),
    title: "no space left for the volume",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-VOLUME-FULL"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::NoSpace {
                path: Some(path),
                tmpfs: false,
            } => format!("no space left at {path}"),
            VolumeFailure::NoSpace {
                path: None,
                tmpfs: false,
            } => "no space left".to_owned(),
            _ => return None,
        };
        Some(Told {
            what,
            advice: "make room on the volume or the node's disk, or ask for a larger volume",
        })
    });
}
