//! DEP-EXPORT-DENIED: the storage server refuses the path, or does not have it.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-EXPORT-DENIED"),
    title: "storage server refuses the path",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-EXPORT-DENIED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::ExportDenied { detail } => format!("the server refuses it: {detail}"),
            _ => return None,
        };
        Some(Told {
            what,
            advice: "correct the path, or let the server export it to the nodes' addresses",
        })
    });
}
