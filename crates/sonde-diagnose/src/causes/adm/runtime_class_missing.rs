//! ADM-RUNTIME-CLASS-MISSING: the pod names a RuntimeClass that does not exist.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Kind, ObjectRef, Risk};

use super::refusal::{cannot_create, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-RUNTIME-CLASS-MISSING"),
    title: "runtime class missing",
    explains: &[Symptom::PodsNotCreated],
    reads: &[Kind::RuntimeClass],
    state,
    page: page!("ADM-RUNTIME-CLASS-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::RuntimeClassMissing { name }, message)) = newest(facts) else { return };
    let class = ObjectRef::cluster(Kind::RuntimeClass, name);
    if facts.snapshot.get(&class).is_some() {
        case.refuted_by(field_on(&class, "metadata.name", name), "the class exists by now");
        return;
    }
    case.proven_by(message.seen());
    case.step(format!("the pods name runtime class {name}, which does not exist"), [message.seen()]);
    pods_are_missing(facts, case);
    case.headline(format!("{}: runtime class {name} does not exist", cannot_create(facts)));
    case.root(class);
    case.fix(
        "correct the name in the pod's template, or create the class; these exist:",
        "kubectl get runtimeclass",
        Risk::None,
    );
}
