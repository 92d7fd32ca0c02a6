//! DEP-TOKEN: the service account token of the pod cannot be made.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-TOKEN"),
    title: "service account token cannot be made",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-TOKEN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            // The node authorizer hears of a new pod a moment later than the kubelet: this refusal passes by itself.
            VolumeFailure::Token { detail } if detail.contains("no relationship found between node") => {
                return None;
            }
            VolumeFailure::Token { detail } => format!("the token cannot be made: {detail}"),
            _ => return None,
        };
        Some(Told {
            what,
            advice: "look at the service account and at the API server that issues the token",
        })
    });
}
