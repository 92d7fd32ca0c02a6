//! DEP-OPERATION-TIMEOUT: a step of attaching or mounting does not end: the driver or its storage hangs.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-OPERATION-TIMEOUT"),
    title: "volume operation hangs",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-OPERATION-TIMEOUT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::OperationTimeout {
                operation: Some(operation),
            } => format!("{operation} does not end in time"),
            VolumeFailure::OperationTimeout { operation: None } => {
                "an operation on it does not end in time".to_owned()
            }
            _ => return None,
        };
        Some(Told {
            what,
            advice: "look at the storage driver's pods, its log on this node, and the storage behind it",
        })
    });
}
