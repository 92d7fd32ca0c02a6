//! DEP-ATTACH-FAILED: the storage refuses to attach the volume to the node.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-ATTACH-FAILED"),
    title: "attach failed",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-ATTACH-FAILED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::AttachFailed { detail } => format!("it cannot be attached: {detail}"),
            _ => return None,
        };
        Some(Told {
            what,
            advice: "the words are the storage's own: look at the driver's controller and at the storage itself",
        })
    });
}
