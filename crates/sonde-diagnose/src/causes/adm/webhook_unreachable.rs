//! ADM-WEBHOOK-UNREACHABLE: a webhook must approve the pod, and cannot be reached or answers with an error.

use sonde_grammar::fact::WebhookFailure;
use sonde_model::{Code, Kind};

use super::refusal::webhook_call;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-WEBHOOK-UNREACHABLE"),
    title: "admission webhook cannot be reached",
    explains: &[Symptom::PodsNotCreated],
    reads: &[
        Kind::ValidatingWebhookConfiguration,
        Kind::MutatingWebhookConfiguration,
    ],
    state,
    page: page!("ADM-WEBHOOK-UNREACHABLE"),
};

const FAILURES: &[WebhookFailure] = &[
    WebhookFailure::Refused,
    WebhookFailure::Dns,
    WebhookFailure::Status,
    WebhookFailure::Other,
];

fn state(facts: &Facts<'_>, case: &mut Case) {
    webhook_call(facts, case, FAILURES, |behind| {
        format!("{behind} cannot be reached or answers with an error")
    });
}
