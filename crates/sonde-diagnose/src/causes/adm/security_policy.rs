//! ADM-SECURITY-POLICY: PodSecurityPolicy or OpenShift's security context constraints allow nobody to create the pod.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Risk};
use sonde_world::view::ReplicaSet;

use super::refusal::{cannot_create, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-SECURITY-POLICY"),
    title: "PodSecurityPolicy or SCC refuses the pod",
    explains: &[Symptom::PodsNotCreated],
    reads: &[],
    state,
    page: page!("ADM-SECURITY-POLICY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::SecurityPolicy { detail }, message)) = newest(facts) else {
        return;
    };
    case.proven_by(message.seen());
    let account = facts
        .snapshot
        .view::<ReplicaSet>(&facts.episode.subject)
        .map(|it| it.spec.template.spec.service_account_name)
        .filter(|name| !name.is_empty())
        .map_or_else(
            || "the pod's service account".into(),
            |name| format!("service account {name}"),
        );
    case.step(
        format!("no policy that {account} may use allows the pod: {detail}"),
        [message.seen()],
    );
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: no security policy that {account} may use allows them",
        cannot_create(facts)
    ));
    case.advice(
        format!(
            "drop the privileges that the template asks for, or let {account} use a policy that allows them"
        ),
        Risk::Wide,
    );
}
