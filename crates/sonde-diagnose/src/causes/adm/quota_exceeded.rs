//! ADM-QUOTA-EXCEEDED: the namespace's quota has no room for the pod.

use sonde_grammar::fact::{AdmissionRefusal, QuotaItem};
use sonde_model::{Code, Kind, ObjectRef, Quantity, Risk};

use super::refusal::{cannot_create, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-QUOTA-EXCEEDED"),
    title: "quota exceeded",
    explains: &[Symptom::PodsNotCreated],
    reads: &[Kind::ResourceQuota],
    state,
    page: page!("ADM-QUOTA-EXCEEDED"),
};

/// How many users of the quota are named.
const USERS: usize = 3;

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((AdmissionRefusal::QuotaExceeded { quota, items }, message)) = newest(facts) else { return };
    case.proven_by(message.seen());
    let object = ObjectRef::new(Kind::ResourceQuota, &facts.episode.subject.namespace, quota);
    for item in items {
        let known = facts.snapshot.get(&object).map(|_| {
            field_on(&object, &format!("status.used[{}]", item.resource), format!("{} of {}", item.used, item.limited))
        });
        case.step(
            format!("quota {quota} allows {} of {}, {} are used", item.limited, item.resource, item.used),
            known.into_iter().chain([message.seen()]),
        );
        if let Some((users, seen)) = biggest_users(facts, &item.resource) {
            case.step(format!("the biggest users of {} are {users}", item.resource), [seen]);
        }
    }
    let short: Vec<String> = items.iter().filter_map(short_by).collect();
    case.step(format!("one more pod needs {}", asked(items)), [message.seen()]);
    pods_are_missing(facts, case);
    let short = if short.is_empty() { String::new() } else { format!(", short by {}", short.join(" and ")) };
    case.headline(format!("{}: quota {quota} is used up{short}", cannot_create(facts)));
    case.root(object.clone());
    case.fix(
        "raise the quota, or lower what the namespace's workloads ask for",
        format!("kubectl edit {}", object.kubectl()),
        Risk::Wide,
    );
}

fn asked(items: &[QuotaItem]) -> String {
    items.iter().map(|item| format!("{} {}", item.requested, item.resource)).collect::<Vec<_>>().join(" and ")
}

/// `400m requests.cpu`: what is missing.
fn short_by(item: &QuotaItem) -> Option<String> {
    let read = |text: &str| Quantity::parse(text).ok();
    let short = read(&item.used)?.plus(read(&item.requested)?).minus(read(&item.limited)?);
    (short > Quantity::ZERO).then(|| {
        let amount = if item.resource.contains("memory") || item.resource.contains("storage") {
            sonde_model::bytes_text(short.units())
        } else if item.resource.contains("cpu") {
            sonde_model::cpu_text(short.milli())
        } else {
            short.to_string()
        };
        format!("{amount} {}", item.resource)
    })
}

/// The workloads of the namespace that ask for most of a resource.
fn biggest_users(facts: &Facts<'_>, resource: &str) -> Option<(String, Seen)> {
    let namespace = &facts.episode.subject.namespace;
    let plain = resource.strip_prefix("requests.").unwrap_or(resource);
    if plain.starts_with("limits.") || !facts.snapshot.is_complete(&Kind::Pod, namespace) {
        return None;
    }
    let mut users = std::collections::BTreeMap::<ObjectRef, i64>::new();
    for object in facts.snapshot.in_namespace(Kind::Pod, namespace) {
        let Some(pod) = object.pod().filter(|pod| !pod.is_terminal()) else { continue };
        let amount = if plain == "pods" || plain == "count/pods" { 1 } else { pod.requests.get(plain) };
        *users.entry(facts.snapshot.root_owner(&object.reference)).or_default() += amount;
    }
    let mut users: Vec<_> = users.into_iter().filter(|(_, amount)| *amount > 0).collect();
    users.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let text = users
        .iter()
        .take(USERS)
        .map(|(workload, amount)| {
            let amount = match plain {
                "cpu" => sonde_model::cpu_text(*amount),
                "memory" | "ephemeral-storage" => sonde_model::bytes_text(*amount),
                _ => amount.to_string(),
            };
            format!("{workload} ({amount})")
        })
        .collect::<Vec<_>>()
        .join(", ");
    (!text.is_empty()).then(|| {
        let seen = facts.computed(format!("sum of {resource} of the pods in {namespace}"), &text);
        (text, seen)
    })
}
