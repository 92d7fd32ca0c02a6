//! The pods of a StatefulSet find each other by names that its headless service gives.

use sonde_grammar::log::AppSign;
use sonde_model::{Kind, ObjectRef, Risk};
use sonde_world::view::StatefulSet;

use crate::{Case, Facts, field_on};

/// Tells of a container that runs and does not become ready, where its log says that it cannot resolve a peer and that
/// peer's name cannot exist.
pub(crate) fn tell(facts: &Facts<'_>, case: &mut Case) {
    let hosts: Vec<_> = facts
        .own_words()
        .into_iter()
        .filter_map(|(line, seen)| match line.sign {
            AppSign::NameResolution { host: Some(host) } => Some((host, seen)),
            _ => None,
        })
        .collect();
    for (host, seen) in hosts {
        let before = case.steps.len();
        if pod_of_service(facts, case, &host) {
            case.step(
                format!("the application says that it cannot resolve {host}"),
                [seen],
            );
            // What it says comes before why that is so.
            case.steps[before..].rotate_right(1);
            return;
        }
    }
}

/// A name of one pod, `db-1.db.shop.svc.cluster.local`: it exists by the headless service of the pod's StatefulSet.
/// True where that service does not exist.
pub(crate) fn pod_of_service(facts: &Facts<'_>, case: &mut Case, host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let own = facts.episode.subject.namespace.to_string();
    let (service, namespace) = match labels.as_slice() {
        [_, service, namespace, "svc", ..] => (*service, *namespace),
        // Short forms, which end where they like: only those of a set that is known.
        [_, service] | [_, service, _] => (*service, labels.get(2).copied().unwrap_or(&own)),
        _ => return false,
    };
    let set = facts
        .snapshot
        .in_namespace(Kind::StatefulSet, namespace)
        .find(|set| {
            let ordinal = labels[0].strip_prefix(&*set.reference.name);
            ordinal.is_some_and(|it| it.starts_with('-'))
                && set
                    .encoded
                    .decode::<StatefulSet>()
                    .is_ok_and(|it| it.spec.service_name == service)
        });
    let Some(set) = set else { return false };
    let missing = ObjectRef::new(Kind::Service, namespace, service);
    let Some(seen) = facts.absence(&missing) else {
        return false;
    };
    case.step(
        format!(
            "{host} is a name of a pod of {}, which its service {service} gives, and no service {service} exists in namespace {namespace}",
            set.reference
        ),
        [
            seen,
            field_on(&set.reference, "spec.serviceName", service),
        ],
    );
    case.advice(
        format!(
            "create the headless service {service} (clusterIP: None, with the labels of the set's pods as selector; publishNotReadyAddresses: true where they must find each other before they are ready)"
        ),
        Risk::None,
    );
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Kind;

    use crate::testing::{Scene, pod, status};

    /// It is not ready because nothing listens, and its log says for whom it looks in vain.
    #[test]
    fn a_set_without_its_service_is_told_where_its_pods_miss_each_other() {
        let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "zk", "namespace": "shop"},
            "spec": {"replicas": 3, "serviceName": "zk", "podManagementPolicy": "Parallel"}, "status": {"replicas": 3}});
        let service =
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "zk", "namespace": "shop"}});
        let waiting = json!({"ready": false, "state": {"running": {"startedAt": "2026-03-01T11:00:00Z"}}});
        let it = pod(
            json!({"spec": {"containers": [{"name": "app", "readinessProbe": {"tcpSocket": {"port": 2181}}}]},
            "status": {"conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [status(waiting)]}}),
        );
        for (exists, log, expected) in [
            (
                false,
                "java.net.UnknownHostException: zk-1.zk.shop.svc.cluster.local\n",
                true,
            ),
            (
                true,
                "java.net.UnknownHostException: zk-1.zk.shop.svc.cluster.local\n",
                false,
            ),
            (
                false,
                "java.net.UnknownHostException: other.shop.svc.cluster.local\n",
                false,
            ),
        ] {
            let mut scene = Scene::new()
                .object(it.clone())
                .object(set.clone())
                .complete(&[Kind::Service])
                .container_event(
                    "Pod/shop/app-1",
                    "app",
                    "Unhealthy",
                    "Readiness probe failed: dial tcp 10.0.0.7:2181: connect: connection refused",
                    "2026-03-01T11:59:00Z",
                )
                .log("shop/app-1", "app", false, log);
            if exists {
                scene = scene.object(service.clone());
            }
            let outcome = scene.diagnose();
            let told = outcome
                .report
                .findings
                .iter()
                .flat_map(|it| &it.fixes)
                .any(|fix| fix.text.contains("headless service zk"));
            assert_eq!(told, expected, "{log} {}", outcome.summary());
        }
    }
}
