//! Webhooks: their calls that failed, and their denials.

use super::super::words::{after, any, detail, name, name_after, url_host};
use crate::fact::{AdmissionRefusal, WebhookFailure};

/// A webhook's part in the refusal, if it has one.
pub(super) fn refusal(text: &str) -> Option<AdmissionRefusal> {
    call(text).or_else(|| denial(text))
}

/// `failed calling webhook "W": failed to call webhook: Post "https://svc.ns.svc:443/path?timeout=10s": words`.
fn call(text: &str) -> Option<AdmissionRefusal> {
    const LEADS: &[&str] = &[
        "failed calling webhook ",
        "failed calling admission webhook ",
        "failed calling webhook, failing closed ",
    ];
    let rest = LEADS.iter().find_map(|lead| after(text, lead))?;
    let webhook = name(rest)?.trim_end_matches(':');
    let tail = rest.split_once(": ").map_or("", |(_, tail)| tail);
    let tail = tail.strip_prefix("failed to call webhook: ").unwrap_or(tail);
    let words = after_url(tail);
    Some(AdmissionRefusal::WebhookCall {
        webhook: webhook.to_owned(),
        service: service(tail),
        failure: failure(words),
        detail: detail(words),
    })
}

/// What follows `Post "URL": ` or, before Go 1.14, `Post URL: `.
fn after_url(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("Post ") else {
        return text;
    };
    let url = name(rest).map_or(0, str::len);
    let quotes = if rest.starts_with('"') { 2 } else { 0 };
    rest.get(url + quotes..)
        .unwrap_or(rest)
        .trim_start_matches([':', ' '])
}

/// `ns/svc` of the cluster's own URL; a webhook by URL has no service.
fn service(text: &str) -> Option<String> {
    let host = url_host(text)?.split(':').next()?;
    let mut labels = host.split('.');
    let (service, namespace) = (labels.next()?, labels.next()?);
    (labels.next() == Some("svc")).then(|| format!("{namespace}/{service}"))
}

fn failure(words: &str) -> WebhookFailure {
    type Row = (&'static [&'static str], WebhookFailure);
    const ROWS: &[Row] = &[
        (
            &["no endpoints available for service", "no endpoints available"],
            WebhookFailure::NoEndpoints,
        ),
        (
            &[
                "x509: ",
                "tls: ",
                "certificate",
                "TLS handshake",
                "HTTP response to HTTPS client",
            ],
            WebhookFailure::Tls,
        ),
        (
            &["no such host", "lookup ", "server misbehaving"],
            WebhookFailure::Dns,
        ),
        (&["connection refused"], WebhookFailure::Refused),
        (
            &[
                "deadline exceeded",
                "i/o timeout",
                "Client.Timeout",
                "timed out",
                "request canceled",
            ],
            WebhookFailure::Timeout,
        ),
        (
            &[
                "the server could not find the requested resource",
                "an error on the server",
                "the server is currently unable to handle",
                "the server rejected our request",
                "status code",
                "the server responded with",
                "the server has asked for the client to provide credentials",
                "received invalid webhook response",
                "expected response.uid",
                "service unavailable",
                "Service Unavailable",
                "Bad Gateway",
            ],
            WebhookFailure::Status,
        ),
    ];
    if words.starts_with("service ") && words.contains(" not found") {
        return WebhookFailure::ServiceMissing;
    }
    ROWS.iter()
        .find(|(markers, _)| any(words, markers))
        .map_or(WebhookFailure::Other, |(_, failure)| *failure)
}

/// `admission webhook "W" denied the request: words`.
fn denial(text: &str) -> Option<AdmissionRefusal> {
    if let Some(said) = after(text, "image policy webhook backend denied one or more images: ") {
        return Some(AdmissionRefusal::WebhookDenied {
            webhook: "ImagePolicyWebhook".to_owned(),
            detail: detail(said),
        });
    }
    let rest = after(text, "admission webhook ")?;
    if !rest.contains(" denied the request") {
        return None;
    }
    let said = after(rest, " denied the request")
        .unwrap_or_default()
        .trim_start_matches([':', ' ']);
    Some(AdmissionRefusal::WebhookDenied {
        webhook: name_after(text, "admission webhook ")?.to_owned(),
        detail: detail(said),
    })
}
