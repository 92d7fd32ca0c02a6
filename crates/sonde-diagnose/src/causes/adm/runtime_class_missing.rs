//! ADM-RUNTIME-CLASS-MISSING: the pod names a RuntimeClass that does not exist.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Kind};

use super::refusal::{class_missing, newest};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-RUNTIME-CLASS-MISSING"),
    title: "runtime class missing",
    explains: &[Symptom::PodsNotCreated],
    reads: &[Kind::RuntimeClass],
    state,
    page: page!("ADM-RUNTIME-CLASS-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::RuntimeClassMissing { name }, message)) = newest(facts) else {
        return;
    };
    class_missing(facts, case, message, (Kind::RuntimeClass, "runtime class", name));
}
