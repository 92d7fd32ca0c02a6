//! Refusals of the API server, as controllers report them: no pod exists.

mod webhook;

use super::words::{after, any, detail, list, name, name_after, name_after_any, name_before};
use crate::fact::{AdmissionRefusal, Fact, LimitBound, QuotaItem};

/// More resources than these are in no quota.
const ITEMS_MAX: usize = 32;

/// Texts that only the API server writes.
pub(super) const ANCHORS: &[&str] = &[
    "xceeded quota: ",
    "ailed quota: ",
    "violates PodSecurity ",
    "admission webhook ",
    "failed calling webhook",
    "failed calling admission webhook",
    "ValidatingAdmissionPolicy ",
    "error looking up service account",
    "no PriorityClass with name",
    "pod rejected: RuntimeClass",
    "unable to validate against any",
    " is forbidden: ",
    "because it is being terminated",
    " usage per Container is ",
    " usage per Pod is ",
    " usage per PersistentVolumeClaim is ",
    "max limit to request ratio per ",
    "Error creating: ",
    "request did not complete within requested timeout",
    "request did not complete within the allotted timeout",
];

/// Reads a text of unknown origin.
pub(super) fn by_text(text: &str, out: &mut Vec<Fact>) {
    // `would violate` is a warning at the client, and the object was made.
    if any(text, ANCHORS) && !text.contains("would violate PodSecurity") {
        read(text, out);
    }
}

/// Reads a text whose reason says that an object could not be created.
pub(super) fn read(text: &str, out: &mut Vec<Fact>) {
    if text.is_empty() {
        return;
    }
    let before = out.len();
    // Webhooks first: their words are somebody's, and may quote any other refusal.
    if let Some(refusal) = webhook::refusal(text) {
        out.push(Fact::Admission(refusal));
        return;
    }
    // As are those of policies.
    if let Some(refusal) = policy(text).or_else(|| pod_security(text)) {
        out.push(Fact::Admission(refusal));
        return;
    }
    limit_ranges(text, out);
    if out.len() == before {
        let refusal = refusal(text).unwrap_or_else(|| AdmissionRefusal::Other { detail: words(text) });
        out.push(Fact::Admission(refusal));
    }
}

/// What follows the object that was refused.
fn words(text: &str) -> String {
    const LEADS: &[&str] = &[
        " is forbidden: ",
        " failed error: ",
        "Error creating: ",
        "Error creating job: ",
        "Failed to create new replica set ",
    ];
    LEADS
        .iter()
        .find_map(|lead| after(text, lead))
        .map_or_else(|| detail(text), detail)
}

fn refusal(text: &str) -> Option<AdmissionRefusal> {
    quota(text)
        .or_else(|| missing(text))
        .or_else(|| forbidden(text))
        .or_else(|| other_known(text))
}

fn quota(text: &str) -> Option<AdmissionRefusal> {
    // Capital letters until 1.3.
    if let Some(rest) = after(text, "xceeded quota: ") {
        let (quota, rest) = rest.split_once(',').unwrap_or((rest, ""));
        let requested = amounts(rest, "requested: ", Some(", used: "));
        let used = amounts(rest, "used: ", Some(", limited: "));
        let limited = amounts(rest, "limited: ", None);
        let find = |amounts: &[(String, String)], resource: &str| {
            amounts
                .iter()
                .find(|(name, _)| name == resource)
                .map(|(_, value)| value.clone())
        };
        let items = requested.into_iter().filter_map(|(resource, requested)| {
            // A resource whose numbers are cut off is left out.
            let used = find(&used, &resource)?;
            let limited = find(&limited, &resource)?;
            Some(QuotaItem {
                resource,
                requested,
                used,
                limited,
            })
        });
        return Some(AdmissionRefusal::QuotaExceeded {
            quota: quota.trim().to_owned(),
            items: items.take(ITEMS_MAX).collect(),
        });
    }
    let rest = after(text, "ailed quota: ")?;
    let (quota, rest) = rest.split_once(':')?;
    let resources = after(rest, "must specify ").unwrap_or_default();
    // 1.24 on: `limits.cpu for: app,side; limits.memory for: app`.
    let resources = resources
        .split(';')
        .flat_map(|part| list(part.split(" for:").next().unwrap_or(part)));
    let resources = resources
        .map(|name| name.trim_end_matches('.').to_owned())
        .take(ITEMS_MAX)
        .collect();
    Some(AdmissionRefusal::QuotaMustSpecify {
        quota: quota.trim().to_owned(),
        resources,
    })
}

/// `requests.cpu=2,pods=1`; the last part has no close: it ends the sentence.
fn amounts(text: &str, open: &str, close: Option<&str>) -> Vec<(String, String)> {
    let Some(rest) = after(text, open) else {
        return Vec::new();
    };
    let body = match close {
        Some(close) => rest.split_once(close).map_or("", |(body, _)| body),
        None => rest
            .split([' ', ';', '"'])
            .next()
            .unwrap_or(rest)
            .trim_end_matches('.'),
    };
    body.split(',')
        .filter_map(|item| item.trim().split_once('='))
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .take(ITEMS_MAX)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// `[maximum cpu usage per Container is 2, but limit is 4, minimum ...]`: each broken bound is a fact.
fn limit_ranges(text: &str, out: &mut Vec<Fact>) {
    const BOUNDS: &[(&str, LimitBound)] = &[("minimum ", LimitBound::Min), ("maximum ", LimitBound::Max)];
    const PER: &[&str] = &[" usage per ", " max limit to request ratio per "];
    if !any(text, PER) {
        return;
    }
    for (lead, bound) in BOUNDS {
        for (at, _) in text.match_indices(lead).take(ITEMS_MAX) {
            let rest = &text[at + lead.len()..];
            if let Some((resource, rest)) = rest.split_once(" usage per ")
                && !resource.contains(' ')
                && let Some(fact) = limit_range(*bound, resource, rest)
            {
                out.push(Fact::Admission(fact));
            }
        }
    }
    for (at, marker) in text
        .match_indices(" max limit to request ratio per ")
        .take(ITEMS_MAX)
    {
        let resource = text[..at].rsplit([' ', '[']).next().unwrap_or_default();
        if let Some(fact) = limit_range(LimitBound::Ratio, resource, &text[at + marker.len()..]) {
            out.push(Fact::Admission(fact));
        }
    }
}

/// `Container is 2, but limit is 4`, `Container is 2.  No limit is specified`.
fn limit_range(bound: LimitBound, resource: &str, rest: &str) -> Option<AdmissionRefusal> {
    let (scope, rest) = rest.split_once(" is ")?;
    let limit = rest.split([',', ' ', ']']).next()?.trim_end_matches('.');
    let sentence = rest.split(", m").next().unwrap_or(rest);
    let value = name_after_any(
        sentence,
        &["but request is ", "but limit is ", "but provided ratio is "],
    );
    let value = value.map(|value| value.trim_end_matches(['!', ';']));
    let value = value.filter(|value| value.starts_with(|char: char| char.is_ascii_digit()));
    (!limit.is_empty() && !scope.contains(' ')).then(|| AdmissionRefusal::LimitRange {
        bound,
        resource: resource.to_owned(),
        scope: scope.to_owned(),
        limit: limit.to_owned(),
        value: value.map(str::to_owned),
    })
}

fn pod_security(text: &str) -> Option<AdmissionRefusal> {
    let rest = after(text, "violates PodSecurity ")?;
    let level = name(rest)?.to_owned();
    let body = rest.split_once(": ").map_or("", |(_, body)| body);
    Some(AdmissionRefusal::PodSecurity {
        level,
        violations: violations(body),
    })
}

/// The controls; commas inside parentheses and quotes belong to one.
fn violations(body: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut depth = 0_u32;
    let mut start = 0;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                out.push(&body[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    // An open parenthesis at the end is a cut control.
    if depth == 0 {
        out.push(&body[start..]);
    }
    out.into_iter()
        .map(str::trim)
        .filter(|control| !control.is_empty())
        .take(ITEMS_MAX)
        .map(detail)
        .collect()
}

/// PodSecurityPolicy, OpenShift's SCC, and policies in CEL.
fn policy(text: &str) -> Option<AdmissionRefusal> {
    if any(
        text,
        &[
            "unable to validate against any",
            "PodSecurityPolicy: ",
            "unable to admit pod: ",
        ],
    ) {
        return Some(AdmissionRefusal::SecurityPolicy { detail: words(text) });
    }
    let rest = after(text, "ValidatingAdmissionPolicy ")?;
    let policy = name(rest)?.to_owned();
    let said = after(rest, "denied request: ").map_or_else(|| detail(rest), detail);
    Some(AdmissionRefusal::PolicyDenied { policy, detail: said })
}

/// Objects that the pod names and that are not there.
fn missing(text: &str) -> Option<AdmissionRefusal> {
    if text.contains("error looking up service account") && text.contains(" not found") {
        let path = name_after(text, "error looking up service account ")?.trim_end_matches(':');
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        return Some(AdmissionRefusal::ServiceAccountMissing { name });
    }
    if let Some(name) = name_after(text, "no PriorityClass with name ") {
        return Some(AdmissionRefusal::PriorityClassMissing {
            name: name.to_owned(),
        });
    }
    if text.contains("RuntimeClass ") && text.contains(" not found") {
        let name = name_after(text, "RuntimeClass ")?.to_owned();
        return Some(AdmissionRefusal::RuntimeClassMissing { name });
    }
    None
}

/// `User "x" cannot create resource "pods" in API group "" ...`; before 1.12 `User "x" cannot create pods ...`.
fn forbidden(text: &str) -> Option<AdmissionRefusal> {
    let user = name_after(text, "User ")?;
    let rest = after(text, " cannot ")?;
    let (verb, rest) = rest.split_once(' ')?;
    let rest = rest.strip_prefix("resource ").unwrap_or(rest);
    Some(AdmissionRefusal::Forbidden {
        user: user.to_owned(),
        verb: verb.to_owned(),
        resource: name(rest)?.to_owned(),
    })
}

fn other_known(text: &str) -> Option<AdmissionRefusal> {
    const TIMEOUTS: &[&str] = &[
        "request did not complete within",
        "unable to return a response in the time allotted",
        "Timeout: ",
        "context deadline exceeded",
        "etcdserver: request timed out",
    ];
    if text.contains("because it is being terminated") {
        let namespace = name_after(text, "in namespace ")
            .or_else(|| name_before(text, " because it is being terminated"))?;
        return Some(AdmissionRefusal::NamespaceTerminating {
            namespace: namespace.to_owned(),
        });
    }
    if any(text, TIMEOUTS) {
        return Some(AdmissionRefusal::RequestTimeout);
    }
    let invalid = after(text, " is invalid: ")?;
    // `[field: words, field: words]`, or one of them.
    Some(AdmissionRefusal::Invalid {
        detail: detail(invalid.trim_start_matches('[').trim_end_matches(']')),
    })
}
