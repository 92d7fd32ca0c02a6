//! SVC-INGRESS-BACKEND: an ingress sends to a service, or to a port of one, that does not exist.

use sonde_model::{Code, Kind, ObjectRef, Risk, Severity, nearest};
use sonde_world::view::{Ingress, Service};

use crate::cause::page;
use crate::triage::{Unrouted, unrouted};
use crate::wording::count;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SVC-INGRESS-BACKEND"),
    title: "ingress sends to a service or port that does not exist",
    explains: &[Symptom::NotRouted],
    reads: &[Kind::Ingress, Kind::Service],
    state,
    page: page!("SVC-INGRESS-BACKEND"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts.snapshot.view::<Ingress>(subject) else {
        return;
    };
    let missing = unrouted(facts.snapshot, subject, &it);
    let Some(first) = missing.first() else { return };
    case.severity(Severity::Warning);
    for lack in &missing {
        let (name, port) = (&lack.service, &lack.port);
        let field = facts.field(&lack.field, format!("{name}:{port}"));
        case.step(
            format!("{} goes to port {port} of service {name}", lack.route),
            [field],
        );
        let service = ObjectRef::new(Kind::Service, &subject.namespace, name);
        if lack.has_service {
            let ports = ports_of(facts, &service);
            let seen = field_on(&service, "spec.ports", &ports);
            case.proven_by(seen.clone());
            case.step(format!("the service has no port {port}; it has {ports}"), [seen]);
        } else if let Some(seen) = facts.absence(&service) {
            case.proven_by(seen.clone());
            case.step(
                format!("no service {name} exists in namespace {}", subject.namespace),
                [seen],
            );
        }
    }
    let more = match missing.len() {
        1 => String::new(),
        some => format!(
            " (and {})",
            count(
                i64::try_from(some).unwrap_or(i64::MAX).saturating_sub(1),
                "more route"
            )
        ),
    };
    case.headline(format!(
        "{subject} sends {} {}{more}: clients get an error there",
        first.route,
        lacks(first)
    ));
    let others: Vec<String> = facts
        .snapshot
        .in_namespace(Kind::Service, &subject.namespace)
        .map(|it| it.reference.name.to_string())
        .collect();
    let near = nearest(&first.service, others.iter().map(String::as_str)).filter(|_| !first.has_service);
    case.advice(
        match near {
            Some(near) => format!("correct the name in the ingress: {near} exists; or create the service {}", first.service),
            None if first.has_service => "name a port of the service in the ingress (its port, not the target port), or add the port to the service".into(),
            None => format!("create the service {}, or correct its name in the ingress; an ingress reaches services of its own namespace only", first.service),
        },
        Risk::Wide,
    );
}

fn lacks(it: &Unrouted) -> String {
    if it.has_service {
        format!(
            "to port {} of service {}, which has no such port",
            it.port, it.service
        )
    } else {
        format!("to service {}, which does not exist", it.service)
    }
}

fn ports_of(facts: &Facts<'_>, service: &ObjectRef) -> String {
    let ports = facts
        .snapshot
        .view::<Service>(service)
        .map(|it| it.spec.ports)
        .unwrap_or_default();
    let texts: Vec<String> = ports
        .iter()
        .map(|it| match it.name.as_str() {
            "" => it.port.to_string(),
            name => format!("{} ({name})", it.port),
        })
        .collect();
    if texts.is_empty() {
        "none".into()
    } else {
        texts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use crate::testing::{Scene, merge};

    fn scene(backend: Value, patch: Value) -> Scene {
        let mut ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "shop", "namespace": "shop", "creationTimestamp": "2026-03-01T10:00:00Z"},
            "spec": {"rules": [{"host": "shop.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": backend}}]}}]}});
        merge(&mut ingress, patch);
        Scene::new()
            .object(ingress)
            .object(json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]}}))
    }

    #[test]
    fn a_route_that_leads_nowhere_is_told_and_others_are_not() {
        let to = |name: &str, port: Value| json!({"name": name, "port": port});
        let rows: &[(Value, Value, Option<&str>)] = &[
            (
                to("wep", json!({"number": 80})),
                json!({}),
                Some("service wep, which does not exist"),
            ),
            (
                to("web", json!({"number": 8080})),
                json!({}),
                Some("no such port"),
            ),
            (
                to("web", json!({"name": "https"})),
                json!({}),
                Some("no such port"),
            ),
            (to("web", json!({"number": 80})), json!({}), None),
            (to("web", json!({"name": "http"})), json!({}), None),
            // Controllers of load balancers keep their own actions under such names.
            (to("redirect", json!({"name": "use-annotation"})), json!({}), None),
            (
                to("wep", json!({"number": 80})),
                json!({"metadata": {"creationTimestamp": "2026-03-01T11:59:30Z"}}),
                None,
            ),
            (
                to("wep", json!({"number": 80})),
                json!({"metadata": {"deletionTimestamp": "2026-03-01T11:59:50Z"}}),
                None,
            ),
            (
                to("web", json!({"number": 80})),
                json!({"spec": {"defaultBackend": {"service": {"name": "gone", "port": {"number": 80}}}}}),
                Some("service gone"),
            ),
        ];
        for (backend, patch, expected) in rows {
            let outcome = scene(backend.clone(), patch.clone())
                .complete(&[Kind::Service])
                .diagnose();
            match expected {
                Some(words) => {
                    let finding = outcome.finds_only("SVC-INGRESS-BACKEND", Verdict::Proven);
                    assert!(finding.headline.contains(words), "{}", finding.headline);
                }
                None => {
                    outcome.is_calm();
                }
            }
        }
    }

    /// Services that were not listed may exist.
    #[test]
    fn silent_where_services_were_not_read() {
        scene(json!({"name": "wep", "port": {"number": 80}}), json!({}))
            .diagnose()
            .is_calm();
    }
}
