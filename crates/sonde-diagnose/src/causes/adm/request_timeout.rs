//! ADM-REQUEST-TIMEOUT: the API server gave up on the request; often a slow webhook is behind it.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Kind, Severity};

use super::refusal::{cannot_create, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-REQUEST-TIMEOUT"),
    title: "the request to create pods timed out",
    explains: &[Symptom::PodsNotCreated],
    reads: &[Kind::MutatingWebhookConfiguration],
    state,
    page: page!("ADM-REQUEST-TIMEOUT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::RequestTimeout, message)) = newest(facts) else {
        return;
    };
    // The text does not say who was slow: a webhook, the storage, or the server itself.
    case.supported_by(message.seen());
    case.step(
        "the API server did not finish the request in time",
        [message.seen()],
    );
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: the API server does not finish the requests in time",
        cannot_create(facts)
    ));
    case.severity(Severity::Critical);
    case.look(
        "how long each webhook takes",
        "kubectl get --raw /metrics | grep apiserver_admission_webhook_admission_duration_seconds_sum",
    );
}
