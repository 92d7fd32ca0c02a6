//! ADM-PRIORITY-CLASS-MISSING: the pod names a PriorityClass that does not exist.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Kind, ObjectRef, Risk};

use super::refusal::{cannot_create, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-PRIORITY-CLASS-MISSING"),
    title: "priority class missing",
    explains: &[Symptom::PodsNotCreated],
    reads: &[Kind::PriorityClass],
    state,
    page: page!("ADM-PRIORITY-CLASS-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::PriorityClassMissing { name }, message)) = newest(facts) else { return };
    let class = ObjectRef::cluster(Kind::PriorityClass, name);
    if facts.snapshot.get(&class).is_some() {
        case.refuted_by(field_on(&class, "metadata.name", name), "the class exists by now");
        return;
    }
    case.proven_by(message.seen());
    case.step(format!("the pods name priority class {name}, which does not exist"), [message.seen()]);
    pods_are_missing(facts, case);
    case.headline(format!("{}: priority class {name} does not exist", cannot_create(facts)));
    case.root(class);
    case.fix(
        "correct the name in the pod's template, or create the class; these exist:",
        "kubectl get priorityclass",
        Risk::None,
    );
}
