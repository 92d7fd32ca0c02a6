//! ADM-SERVICE-ACCOUNT-MISSING: the pod's service account does not exist.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Kind, ObjectRef, Risk};

use super::refusal::{cannot_create, mended, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-SERVICE-ACCOUNT-MISSING"),
    title: "service account missing",
    explains: &[Symptom::PodsNotCreated],
    reads: &[Kind::ServiceAccount],
    state,
    page: page!("ADM-SERVICE-ACCOUNT-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::ServiceAccountMissing { name }, message)) = newest(facts) else {
        return;
    };
    // The text may give namespace and name.
    let name = name.rsplit('/').next().unwrap_or(name);
    let account = ObjectRef::new(Kind::ServiceAccount, &facts.episode.subject.namespace, name);
    if let Some(there) = facts.snapshot.get(&account) {
        let seen = field_on(&account, "metadata.name", name);
        let was = format!("service account {name} did not exist");
        mended(
            facts,
            case,
            message,
            &was,
            ("the service account exists by now", seen, there.created),
        );
        return;
    }
    case.proven_by(message.seen());
    case.step(
        format!("the pods run as service account {name}, which does not exist"),
        [message.seen()],
    );
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: service account {name} does not exist",
        cannot_create(facts)
    ));
    case.root(account.clone());
    case.fix(
        "create the service account, or correct its name in the pod's template",
        format!("kubectl create serviceaccount {name} -n {}", account.namespace),
        Risk::None,
    );
}
