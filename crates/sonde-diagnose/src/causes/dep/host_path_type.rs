//! DEP-HOST-PATH-TYPE: the host path is missing on the node or is of another type.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-HOST-PATH-TYPE"),
    title: "host path missing or of another type",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-HOST-PATH-TYPE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::HostPathType { path, detail } => format!("host path {path} {detail}"),
            _ => return None,
        };
        Some(Told {
            what,
            advice: "create the path on the node, correct it, or change the volume's type (DirectoryOrCreate makes a missing folder)",
        })
    });
}
