//! ADM-WEBHOOK-DENIED: a webhook looked at the pod and said no.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Kind, Risk};

use super::refusal::{cannot_create, configuration_of, is_unregistered, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-WEBHOOK-DENIED"),
    title: "admission webhook says no",
    explains: &[Symptom::PodsNotCreated],
    reads: &[
        Kind::ValidatingWebhookConfiguration,
        Kind::MutatingWebhookConfiguration,
    ],
    state,
    page: page!("ADM-WEBHOOK-DENIED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::WebhookDenied { webhook, detail }, message)) = newest(facts) else {
        return;
    };
    if is_unregistered(facts, case, webhook) {
        return;
    }
    case.proven_by(message.seen());
    if let Some((configuration, path)) = configuration_of(facts, webhook) {
        let seen = field_on(&configuration, &path, webhook);
        case.step(
            format!("{configuration} asks webhook {webhook} about every such pod"),
            [seen],
        );
    }
    case.step(format!("the webhook says no: {detail}"), [message.seen()]);
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: webhook {webhook} refuses them: {detail}",
        cannot_create(facts)
    ));
    case.advice(
        format!("change the pod's template so that {webhook} accepts it, or ask the owner of the webhook about its rule"),
        Risk::Restart,
    );
}
