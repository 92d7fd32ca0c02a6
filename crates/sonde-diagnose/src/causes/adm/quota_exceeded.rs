//! ADM-QUOTA-EXCEEDED: the namespace's quota has no room for the pod.

use sonde_grammar::fact::{AdmissionRefusal, QuotaItem};
use sonde_model::{Code, Kind, ObjectRef, Quantity, Risk};
use sonde_world::view::{Container, Pod, PodSpec, ReplicaSet, ResourceList, ResourceQuota};

use super::refusal::{cannot_create, mended, newest, pods_are_missing};
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
    let Some((AdmissionRefusal::QuotaExceeded { quota, items }, message)) = newest(facts) else {
        return;
    };
    let object = ObjectRef::new(Kind::ResourceQuota, &facts.episode.subject.namespace, quota);
    if let Some(seen) = facts.absence(&object) {
        mended(
            facts,
            case,
            message,
            &format!("quota {quota} was used up"),
            ("the quota is gone", seen, None),
        );
        return;
    }
    if let Some(seen) = has_room(facts, &object, items) {
        mended(
            facts,
            case,
            message,
            &format!("quota {quota} was used up"),
            ("the quota has room by now", seen, None),
        );
        return;
    }
    case.proven_by(message.seen());
    for item in items {
        let known = facts.snapshot.get(&object).map(|_| {
            field_on(
                &object,
                &format!("status.used[{}]", item.resource),
                format!("{} of {}", item.used, item.limited),
            )
        });
        case.step(
            format!(
                "quota {quota} allows {} of {}, {} are used",
                item.limited, item.resource, item.used
            ),
            known.into_iter().chain([message.seen()]),
        );
        if let Some((users, seen)) = biggest_users(facts, &item.resource) {
            case.step(
                format!("the biggest users of {} are {users}", item.resource),
                [seen],
            );
        }
    }
    let short: Vec<String> = items.iter().filter_map(|item| short_by(item, 1)).collect();
    let lacking = super::refusal::lacking(facts).filter(|(missing, _)| *missing > 1);
    let missing = lacking.as_ref().map(|(missing, _)| *missing);
    // What the next pod does not lack, the pods after it may.
    let others = other_resources(facts, &object, items);
    let mut for_all: Vec<String> = missing
        .into_iter()
        .flat_map(|missing| {
            items
                .iter()
                .chain(&others)
                .filter_map(move |item| short_by(item, missing))
        })
        .collect();
    for_all.dedup();
    let more = if items
        .iter()
        .all(|item| matches!(item.resource.as_str(), "pods" | "count/pods"))
    {
        "one more pod is more than that".to_owned()
    } else {
        format!("one more pod would use {}", asked(items))
    };
    case.step(more, [message.seen()]);
    pods_are_missing(facts, case);
    let short = if short.is_empty() {
        String::new()
    } else {
        match (missing, for_all.is_empty()) {
            (Some(missing), false) => format!(
                ", short by {} for one more pod and by {} for all {missing} that {} lacks",
                short.join(" and "),
                for_all.join(" and "),
                lacking.map_or_else(String::new, |(_, who)| who.to_string())
            ),
            _ => format!(", short by {}", short.join(" and ")),
        }
    };
    case.headline(format!(
        "{}: quota {quota} is used up{short}",
        cannot_create(facts)
    ));
    case.root(object.clone());
    old_revision_serves(facts, case);
    case.fix(
        "raise the quota, or lower what the namespace's workloads ask for",
        format!("kubectl edit {}", object.kubectl()),
        Risk::Wide,
    );
}

/// A rollout that is stuck for want of room to surge: what is there serves on, and may make the room.
fn old_revision_serves(facts: &Facts<'_>, case: &mut Case) {
    let deployment = facts.workload();
    let me = &facts.episode.subject;
    if deployment.kind != Kind::Deployment || deployment == *me {
        return;
    }
    let others = facts
        .snapshot
        .owned_by(&deployment)
        .filter(|it| it.reference != *me);
    let serving = others
        .filter_map(|it| {
            Some((
                &it.reference,
                facts
                    .snapshot
                    .view::<ReplicaSet>(&it.reference)?
                    .status
                    .ready_replicas,
            ))
        })
        .find(|(_, ready)| *ready > 0);
    let Some((set, ready)) = serving else { return };
    case.step(
        format!("the revision before ({set}) still serves, with {ready} ready"),
        [field_on(set, "status.readyReplicas", ready)],
    );
    case.fix(
        "let an old replica go before the new one comes: the update then needs no more room than what runs",
        crate::causes::sch::without_surge(&deployment),
        Risk::Restart,
    );
}

/// That every resource that was short is there by now, where the quota itself says so.
fn has_room(facts: &Facts<'_>, object: &ObjectRef, items: &[QuotaItem]) -> Option<Seen> {
    let status = facts.snapshot.view::<ResourceQuota>(object)?.status;
    let mut room = Vec::new();
    for item in items {
        let read = |list: &ResourceList| list.get(&item.resource)?.quantity();
        let (hard, used) = (read(&status.hard)?, read(&status.used)?);
        let requested = Quantity::parse(&item.requested).ok()?;
        if used.plus(requested).minus(hard) > Quantity::ZERO {
            return None;
        }
        room.push(format!("{}: {used} of {hard} used", item.resource));
    }
    (!room.is_empty()).then(|| field_on(object, "status", room.join(", ")))
}

fn asked(items: &[QuotaItem]) -> String {
    items
        .iter()
        .map(|item| format!("{} {}", item.requested, item.resource))
        .collect::<Vec<_>>()
        .join(" and ")
}

/// Nobody waits for more; a hostile object may say so.
const PODS_MAX: i64 = 10_000;

/// `400m requests.cpu`: what is missing for so many pods more.
fn short_by(item: &QuotaItem, pods: i64) -> Option<String> {
    let read = |text: &str| Quantity::parse(text).ok();
    let one = read(&item.requested)?;
    let wanted = (1..pods.min(PODS_MAX)).fold(one, |sum, _| sum.plus(one));
    let short = read(&item.used)?.plus(wanted).minus(read(&item.limited)?);
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

/// The resources of the quota that the refusal does not name, with what one of the missing pods asks of each.
fn other_resources(facts: &Facts<'_>, object: &ObjectRef, items: &[QuotaItem]) -> Vec<QuotaItem> {
    let Some(status) = facts.snapshot.view::<ResourceQuota>(object).map(|it| it.status) else {
        return Vec::new();
    };
    let Some(spec) = missing_pod(facts) else {
        return Vec::new();
    };
    let named = |resource: &str| items.iter().any(|item| item.resource == resource);
    status
        .hard
        .iter()
        .filter(|(resource, _)| !named(resource))
        .filter_map(|(resource, limited)| {
            Some(QuotaItem {
                resource: resource.clone(),
                requested: asked_of(&spec, resource)?.to_string(),
                used: status.used.get(resource)?.to_string(),
                limited: limited.to_string(),
            })
        })
        .collect()
}

/// What the pods that are missing look like: as one that was made, with the defaults that admission gave it, else as the
/// template says.
fn missing_pod(facts: &Facts<'_>) -> Option<PodSpec> {
    let me = &facts.episode.subject;
    let made = facts.snapshot.owned_by(me).find(|it| it.pod().is_some());
    if let Some(pod) = made.and_then(|it| facts.snapshot.view::<Pod>(&it.reference)) {
        return Some(pod.spec);
    }
    // All that make pods keep their template at the same place.
    let set = facts.snapshot.view::<ReplicaSet>(me)?;
    Some(set.spec.template.spec).filter(|spec| !spec.containers.is_empty())
}

/// What a pod counts for in a resource of a quota; `None` where it does not count.
fn asked_of(spec: &PodSpec, resource: &str) -> Option<Quantity> {
    if matches!(resource, "pods" | "count/pods") {
        return Quantity::parse("1").ok();
    }
    let amount = |container: &Container| match resource.strip_prefix("limits.") {
        Some(plain) => container.limit(plain)?.quantity(),
        None => container
            .request(resource.strip_prefix("requests.").unwrap_or(resource))?
            .quantity(),
    };
    let sidecars = spec
        .init_containers
        .iter()
        .filter(|it| it.restart_policy == "Always");
    let sum = spec
        .containers
        .iter()
        .chain(sidecars)
        .filter_map(amount)
        .fold(Quantity::ZERO, Quantity::plus);
    (sum > Quantity::ZERO).then_some(sum)
}

/// The workloads of the namespace that ask for most of a resource.
fn biggest_users(facts: &Facts<'_>, resource: &str) -> Option<(String, Seen)> {
    let namespace = &facts.episode.subject.namespace;
    let plain = resource
        .strip_prefix("requests.")
        .or(resource.strip_prefix("limits."))
        .unwrap_or(resource);
    if !facts.snapshot.is_complete(&Kind::Pod, namespace) {
        return None;
    }
    let mut users = std::collections::BTreeMap::<ObjectRef, i64>::new();
    for object in facts.snapshot.in_namespace(Kind::Pod, namespace) {
        let Some(pod) = object.pod().filter(|pod| !pod.is_terminal()) else {
            continue;
        };
        let amount = if plain == "pods" || plain == "count/pods" {
            1
        } else if resource.starts_with("limits.") {
            limits(facts, &object.reference, plain)
        } else {
            pod.requests.get(plain)
        };
        let user = users
            .entry(facts.snapshot.root_owner(&object.reference))
            .or_insert(0_i64);
        *user = user.saturating_add(amount);
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

/// What a pod's containers may use of a resource at most; CPU in millicores.
fn limits(facts: &Facts<'_>, pod: &ObjectRef, resource: &str) -> i64 {
    let Some(pod) = facts.snapshot.view::<Pod>(pod) else {
        return 0;
    };
    let limit = |container: &Container| {
        let quantity = container.limit(resource)?.quantity()?;
        Some(if resource == "cpu" {
            quantity.milli()
        } else {
            quantity.units()
        })
    };
    pod.spec
        .containers
        .iter()
        .filter_map(limit)
        .fold(0, i64::saturating_add)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::{Kind, Verdict};

    use super::super::testing::refused;
    use crate::testing::pod;

    #[test]
    fn a_surge_without_room_leaves_the_old_revision_serving() {
        let of = |name: &str, replicas: i64, ready: i64| {
            json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name, "namespace": "shop",
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u-web", "controller": true}]},
                "spec": {"replicas": replicas}, "status": {"replicas": ready, "readyReplicas": ready}})
        };
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "uid": "u-web"},
            "spec": {"replicas": 2}});
        let message = "Error creating: pods \"app-x7z\" is forbidden: exceeded quota: compute, requested: requests.cpu=500m, used: requests.cpu=1, limited: requests.cpu=1";
        let outcome = refused(message)
            .object(of("app", 1, 0))
            .object(of("old", 2, 2))
            .object(deployment)
            .diagnose();
        let finding = outcome.finding("ADM-QUOTA-EXCEEDED");
        assert!(
            finding
                .chain
                .iter()
                .any(|step| step.text.contains("rs/old) still serves, with 2 ready")),
            "{:?}",
            finding.chain
        );
        assert!(
            finding
                .fixes
                .iter()
                .any(|fix| fix.command.as_ref().is_some_and(|it| it.contains("maxSurge"))),
            "{:?}",
            finding.fixes
        );
    }

    /// What is advised is enough for every missing pod in every resource of the quota, and the deployment's pods are
    /// counted. Each row: the quota's hard and used pods; what the headline says.
    #[test]
    fn the_advice_is_enough_for_all_resources_of_the_quota() {
        let message = "Error creating: pods \"app-x7z\" is forbidden: exceeded quota: team, requested: requests.cpu=400m, used: requests.cpu=800m, limited: requests.cpu=1";
        let template = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "app", "image": "a:1",
            "resources": {"requests": {"cpu": "400m"}}}]}});
        let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u-web", "controller": true}]);
        let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "app", "namespace": "shop", "ownerReferences": owner},
            "spec": {"replicas": 4, "template": template}, "status": {"replicas": 2, "readyReplicas": 2}});
        let deployment = |have: i64| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "uid": "u-web"},
                "spec": {"replicas": 4}, "status": {"replicas": have}})
        };
        for (hard, have, says) in [
            (
                "3",
                2,
                "by 600m requests.cpu and 1 pods for all 2 that deploy/web lacks",
            ),
            ("10", 2, "by 600m requests.cpu for all 2 that deploy/web lacks"),
            ("10", 3, "by 600m requests.cpu for all 2 that rs/app lacks"),
            ("10", 0, "by 1.4 requests.cpu for all 4 that deploy/web lacks"),
            ("3", 2, "(it has 2 of 4 pods)"),
            ("3", 3, "(it has 3 of 4 pods, its present revision 2 of 4 pods)"),
        ] {
            let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team", "namespace": "shop"},
                "spec": {"hard": {"pods": hard, "requests.cpu": "1"}},
                "status": {"hard": {"pods": hard, "requests.cpu": "1", "count/secrets": "5"},
                    "used": {"pods": "2", "requests.cpu": "800m", "count/secrets": "5"}}});
            let outcome = refused(message)
                .object(set.clone())
                .object(deployment(have))
                .object(quota)
                .diagnose();
            let finding = outcome.finding("ADM-QUOTA-EXCEEDED");
            assert!(finding.headline.contains(says), "{}", finding.headline);
        }
    }

    #[test]
    fn the_biggest_users_are_named() {
        for (resource, place) in [("requests.cpu", "requests"), ("limits.cpu", "limits")] {
            let message = format!(
                "Error creating: pods \"app-x7z\" is forbidden: exceeded quota: compute, requested: {resource}=500m, used: {resource}=900m, limited: {resource}=1"
            );
            let user = |name: &str, owner: &str, cpu: &str, phase: &str| {
                pod(
                    json!({"metadata": {"name": name, "uid": name, "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner, "controller": true}]},
                    "spec": {"containers": [{"name": "app", "image": "a", "resources": {place: {"cpu": cpu}}}]},
                    "status": {"phase": phase}}),
                )
            };
            let outcome = refused(&message)
                .object(user("a-1", "small", "100m", "Running"))
                .object(user("b-1", "big", "400m", "Running"))
                .object(user("b-2", "big", "400m", "Running"))
                .object(user("c-1", "ended", "4", "Succeeded"))
                .complete(&[Kind::Pod])
                .diagnose();
            let finding = outcome.finding("ADM-QUOTA-EXCEEDED");
            assert_eq!(finding.verdict, Verdict::Proven);
            let users = format!("the biggest users of {resource} are rs/big (800m), rs/small (100m)");
            assert!(
                finding.chain.iter().any(|step| step.text.contains(&users)),
                "{:?}",
                finding.chain
            );
            assert!(finding.headline.contains("short by 400m"), "{}", finding.headline);
        }
    }
}
