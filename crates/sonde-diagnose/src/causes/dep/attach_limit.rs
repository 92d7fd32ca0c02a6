//! DEP-ATTACH-LIMIT: the node holds as many volumes as it can.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-ATTACH-LIMIT"),
    title: "node's volume limit reached",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-ATTACH-LIMIT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::AttachLimit => "the node already holds as many volumes as it can".to_owned(),
            _ => return None,
        };
        Some(Told {
            what,
            advice: "run the pod on another node, or spread the workloads that use volumes",
        })
    });
}
