//! ADM-FORBIDDEN: who creates the pods lacks the right to.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Risk, Severity};

use super::refusal::{cannot_create, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-FORBIDDEN"),
    title: "the creator may not create pods",
    explains: &[Symptom::PodsNotCreated],
    reads: &[],
    state,
    page: page!("ADM-FORBIDDEN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::Forbidden { user, verb, resource }, message)) = newest(facts) else {
        return;
    };
    case.proven_by(message.seen());
    case.step(format!("{user} may not {verb} {resource}"), [message.seen()]);
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: {user} may not {verb} {resource} there",
        cannot_create(facts)
    ));
    case.severity(Severity::Critical);
    case.look(
        "which rights it has",
        format!(
            "kubectl auth can-i --list --as={user} -n {}",
            facts.episode.subject.namespace
        ),
    );
    case.advice(
        format!("give {user} the right to {verb} {resource} again"),
        Risk::Wide,
    );
}
