//! ADM-WEBHOOK-TLS: a webhook must approve the pod, and the API server does not trust its certificate.

use sonde_grammar::fact::WebhookFailure;
use sonde_model::{Code, Kind};

use super::refusal::webhook_call;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-WEBHOOK-TLS"),
    title: "admission webhook with a bad certificate",
    explains: &[Symptom::PodsNotCreated],
    reads: &[
        Kind::ValidatingWebhookConfiguration,
        Kind::MutatingWebhookConfiguration,
    ],
    state,
    page: page!("ADM-WEBHOOK-TLS"),
};

const FAILURES: &[WebhookFailure] = &[WebhookFailure::Tls];

fn state(facts: &Facts<'_>, case: &mut Case) {
    webhook_call(facts, case, FAILURES, |behind| {
        format!("the API server does not trust the certificate of {behind}")
    });
}
