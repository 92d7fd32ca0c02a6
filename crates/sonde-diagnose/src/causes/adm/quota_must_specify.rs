//! ADM-QUOTA-MUST-SPECIFY: a quota demands requests or limits that the pod does not set.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Kind, ObjectRef, Risk};

use super::refusal::{cannot_create, mended, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-QUOTA-MUST-SPECIFY"),
    title: "quota demands requests or limits",
    explains: &[Symptom::PodsNotCreated],
    reads: &[Kind::ResourceQuota],
    state,
    page: page!("ADM-QUOTA-MUST-SPECIFY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::QuotaMustSpecify { quota, resources }, message)) = newest(facts) else {
        return;
    };
    let object = ObjectRef::new(Kind::ResourceQuota, &facts.episode.subject.namespace, quota);
    if let Some(seen) = facts.absence(&object) {
        let was = format!("quota {quota} demanded what the pods do not set");
        mended(facts, case, message, &was, ("the quota is gone", seen, None));
        return;
    }
    case.proven_by(message.seen());
    let list = resources.join(", ");
    let known = facts
        .snapshot
        .get(&object)
        .map(|_| field_on(&object, "spec.hard", &list));
    case.step(
        format!("quota {quota} counts {list}, so every pod must say how much it takes"),
        known,
    );
    case.step(
        "the pod's template does not say it for all its containers",
        [message.seen()],
    );
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: quota {quota} demands that they set {list}",
        cannot_create(facts)
    ));
    case.advice(
        format!(
            "set {list} on every container of the template, or give the namespace a LimitRange with defaults"
        ),
        Risk::Restart,
    );
}
