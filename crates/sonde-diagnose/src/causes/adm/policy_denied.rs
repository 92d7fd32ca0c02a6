//! ADM-POLICY-DENIED: a ValidatingAdmissionPolicy said no.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Risk};

use super::refusal::{cannot_create, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-POLICY-DENIED"),
    title: "admission policy says no",
    explains: &[Symptom::PodsNotCreated],
    reads: &[],
    state,
    page: page!("ADM-POLICY-DENIED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::PolicyDenied { policy, detail }, message)) = newest(facts) else {
        return;
    };
    case.proven_by(message.seen());
    case.step(
        format!("ValidatingAdmissionPolicy {policy} says no: {detail}"),
        [message.seen()],
    );
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: policy {policy} refuses them: {detail}",
        cannot_create(facts)
    ));
    case.fix(
        "read the policy's rule, and change the pod's template to fit it",
        format!("kubectl get validatingadmissionpolicy {policy} -o yaml"),
        Risk::None,
    );
}
