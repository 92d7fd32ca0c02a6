//! DEP-VOLUME-NODE-AFFINITY: the pod runs on a node where its volume may not be used.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-VOLUME-NODE-AFFINITY"),
    title: "volume may not be used on this node",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-VOLUME-NODE-AFFINITY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::NodeAffinity => {
                "it may not be used on the node that the pod is bound to".to_owned()
            }
            _ => return None,
        };
        Some(Told {
            what,
            advice: "let the scheduler choose the node (no spec.nodeName), or move the data",
        })
    });
}
