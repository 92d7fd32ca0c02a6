//! ADM-WEBHOOK-TIMEOUT: a webhook must approve the pod, and does not answer in time.

use sonde_grammar::fact::WebhookFailure;
use sonde_model::{Code, Kind};

use super::refusal::webhook_call;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-WEBHOOK-TIMEOUT"),
    title: "admission webhook does not answer in time",
    explains: &[Symptom::PodsNotCreated],
    reads: &[
        Kind::ValidatingWebhookConfiguration,
        Kind::MutatingWebhookConfiguration,
    ],
    state,
    page: page!("ADM-WEBHOOK-TIMEOUT"),
};

const FAILURES: &[WebhookFailure] = &[WebhookFailure::Timeout];

fn state(facts: &Facts<'_>, case: &mut Case) {
    webhook_call(facts, case, FAILURES, |behind| {
        format!("{behind} does not answer in time")
    });
}
