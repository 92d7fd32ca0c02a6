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

/// What agents of nodes need, and the levels baseline and restricted forbid alike
/// (`k8s.io/pod-security-admission/policy`).
const OF_THE_NODE: &[&str] = &["host namespaces", "hostPath volumes", "hostPort", "privileged"];

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
        "{}: Pod Security level {level} forbids {}{}",
        cannot_create(facts),
        violations.first().map_or("what they ask for", String::as_str),
        match violations.len() {
            0 | 1 => String::new(),
            more => format!(" and {} more", more - 1),
        }
    ));
    let needed = violations
        .iter()
        .find(|violation| OF_THE_NODE.iter().any(|words| violation.starts_with(words)));
    if let Some(needed) = needed {
        case.fix(
            format!(
                "if it must have this ({needed}), no level below privileged allows it: run it in a namespace that does, or let this one"
            ),
            format!(
                "kubectl label namespace {} {ENFORCE}=privileged --overwrite",
                namespace.name
            ),
            Risk::Wide,
        );
    }
    case.advice(
        "set the named fields in the pod's template as the text asks",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use sonde_grammar::fact::AdmissionRefusal;

    use super::OF_THE_NODE;

    #[test]
    fn the_words_are_those_of_the_message() {
        for (said, needs) in [
            ("host namespaces (hostNetwork=true)", true),
            ("hostPath volumes (volume \"root\")", true),
            (
                "allowPrivilegeEscalation != false (container \"app\" must set securityContext.allowPrivilegeEscalation=false)",
                false,
            ),
        ] {
            let message = format!(
                "Error creating: pods \"node-x\" is forbidden: violates PodSecurity \"restricted:latest\": {said}"
            );
            let facts = sonde_grammar::message::facts("FailedCreate", &message);
            let violations = facts.iter().find_map(|fact| match fact {
                sonde_grammar::Fact::Admission(AdmissionRefusal::PodSecurity { violations, .. }) => {
                    Some(violations)
                }
                _ => None,
            });
            let violation = &violations.unwrap()[0];
            assert_eq!(
                OF_THE_NODE.iter().any(|it| violation.starts_with(it)),
                needs,
                "{violation}"
            );
        }
    }
}
