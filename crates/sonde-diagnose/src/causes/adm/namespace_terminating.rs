//! ADM-NAMESPACE-TERMINATING: the namespace is being deleted.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Kind, ObjectRef, Risk, Severity};

use super::refusal::{cannot_create, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-NAMESPACE-TERMINATING"),
    title: "namespace is being deleted",
    explains: &[Symptom::PodsNotCreated],
    reads: &[Kind::Namespace],
    state,
    page: page!("ADM-NAMESPACE-TERMINATING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::NamespaceTerminating { namespace }, message)) = newest(facts) else {
        return;
    };
    let object = ObjectRef::cluster(Kind::Namespace, namespace);
    if let Some(active) = facts.snapshot.get(&object).filter(|it| it.deletion.is_none()) {
        case.refuted_by(
            field_on(&active.reference, "metadata.name", namespace),
            "the namespace is there and is not being deleted",
        );
        return;
    }
    case.proven_by(message.seen());
    case.step(
        format!("namespace {namespace} is being deleted and takes nothing new"),
        [message.seen()],
    );
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: namespace {namespace} is being deleted",
        cannot_create(facts)
    ));
    case.severity(Severity::Warning);
    case.root(object);
    case.advice(
        "if the namespace should live, create it anew once it is gone",
        Risk::DataLoss,
    );
}
