//! ADM-WEBHOOK-NO-ENDPOINTS: a webhook must approve the pod, and nothing runs behind its service.

use sonde_grammar::fact::WebhookFailure;
use sonde_model::{Code, Kind};

use super::refusal::webhook_call;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-WEBHOOK-NO-ENDPOINTS"),
    title: "admission webhook without endpoints",
    explains: &[Symptom::PodsNotCreated],
    reads: &[
        Kind::ValidatingWebhookConfiguration,
        Kind::MutatingWebhookConfiguration,
    ],
    state,
    page: page!("ADM-WEBHOOK-NO-ENDPOINTS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let empty = webhook_call(facts, case, &[WebhookFailure::NoEndpoints], |behind| {
        format!("{behind} has no ready endpoint")
    });
    if !empty {
        webhook_call(facts, case, &[WebhookFailure::ServiceMissing], |behind| {
            format!("{behind} does not exist")
        });
    }
}
