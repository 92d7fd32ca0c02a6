//! DEP-ATTACH-TIMEOUT: attaching the volume to the node did not end.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-ATTACH-TIMEOUT"),
    title: "attach did not end",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-ATTACH-TIMEOUT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::AttachTimeout { driver: Some(driver) } => {
                format!("driver {driver} has not attached it in time")
            }
            VolumeFailure::AttachTimeout { driver: None } => "it was not attached in time".to_owned(),
            _ => return None,
        };
        Some(Told {
            what,
            advice: "look at the driver's controller (its external-attacher) and at the VolumeAttachment of this node",
        })
    });
}
