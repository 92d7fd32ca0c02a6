//! ADM-POD-SECURITY: the namespace's Pod Security level forbids what the pod asks for.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Kind, ObjectRef, Risk};

use super::refusal::{cannot_create, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-POD-SECURITY"),
    title: "Pod Security forbids the pod",
    explains: &[Symptom::PodsNotCreated],
    reads: &[Kind::Namespace],
    state,
    page: page!("ADM-POD-SECURITY"),
};

/// `pod-security.kubernetes.io/enforce` (`k8s.io/pod-security-admission/api/constants.go`).
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::PodSecurity { level, violations }, message)) = newest(facts) else {
        return;
    };
    case.proven_by(message.seen());
    let namespace = ObjectRef::cluster(Kind::Namespace, &facts.episode.subject.namespace);
    let label = facts.snapshot.get(&namespace).and_then(|it| it.label(ENFORCE));
    let enforced = label.map(|value| field_on(&namespace, &format!("metadata.labels[{ENFORCE}]"), value));
    case.step(
        format!("the namespace allows only pods of level {level}"),
        enforced,
    );
    for violation in violations {
        case.step(format!("the pod breaks it: {violation}"), [message.seen()]);
    }
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: Pod Security level {level} forbids {}",
        cannot_create(facts),
        violations.first().map_or("what they ask for", String::as_str)
    ));
    case.advice(
        "set the named fields in the pod's template as the text asks",
        Risk::Restart,
    );
}
