//! ADM-PRIORITY-CLASS-MISSING: the pod names a PriorityClass that does not exist.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Kind, ObjectRef, Risk};

use super::refusal::{cannot_create, mended, newest, pods_are_missing};
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
    let Some((AdmissionRefusal::PriorityClassMissing { name }, message)) = newest(facts) else {
        return;
    };
    let class = ObjectRef::cluster(Kind::PriorityClass, name);
    if let Some(there) = facts.snapshot.get(&class) {
        let seen = field_on(&class, "metadata.name", name);
        let was = format!("priority class {name} did not exist");
        mended(
            facts,
            case,
            message,
            &was,
            ("the class exists by now", seen, there.created),
        );
        return;
    }
    case.proven_by(message.seen());
    case.step(
        format!("the pods name priority class {name}, which does not exist"),
        [message.seen()],
    );
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: priority class {name} does not exist",
        cannot_create(facts)
    ));
    case.root(class);
    let advice = "correct the name in the pod's template, or create the class";
    let advice = match facts.existing(&Kind::PriorityClass) {
        Some((names, seen)) => {
            case.step(format!("of priority classes {names}"), [seen]);
            format!("{advice}; {names}")
        }
        None => advice.to_owned(),
    };
    case.fix(advice, "kubectl get priorityclass", Risk::None);
}
