//! ADM-INVALID: the API server finds the pod's fields invalid.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Risk};

use super::refusal::{cannot_create, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-INVALID"),
    title: "the pod is invalid",
    explains: &[Symptom::PodsNotCreated],
    reads: &[],
    state,
    page: page!("ADM-INVALID"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((refusal, message)) = newest(facts) else {
        return;
    };
    // A refusal of a plugin that no grammar knows says more than nothing: its own words.
    let detail = match refusal {
        AdmissionRefusal::Invalid { detail } => {
            case.proven_by(message.seen());
            detail
        }
        AdmissionRefusal::Other { detail } => {
            case.supported_by(message.seen());
            detail
        }
        _ => return,
    };
    case.step(
        format!("the API server refuses the pod: {detail}"),
        [message.seen()],
    );
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: the API server refuses the pod: {detail}",
        cannot_create(facts)
    ));
    case.advice("correct the named field in the pod's template", Risk::Restart);
}
