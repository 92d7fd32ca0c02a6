//! ADM-PRIORITY-CLASS-MISSING: the pod names a PriorityClass that does not exist.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Kind};

use super::refusal::{class_missing, newest};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-PRIORITY-CLASS-MISSING"),
    title: "priority class missing",
    explains: &[Symptom::PodsNotCreated],
    reads: &[Kind::PriorityClass],
    state,
    page: page!("ADM-PRIORITY-CLASS-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::PriorityClassMissing { name }, message)) = newest(facts) else {
        return;
    };
    class_missing(
        facts,
        case,
        message,
        (Kind::PriorityClass, "priority class", name),
    );
}
