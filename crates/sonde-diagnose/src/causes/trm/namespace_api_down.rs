//! TRM-NAMESPACE-API-DOWN: a namespace cannot be emptied because an API service is down: its objects cannot even be listed.

use sonde_model::{Code, Kind, ObjectRef, Risk, Severity};
use sonde_world::view::{ApiService, Namespace};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("TRM-NAMESPACE-API-DOWN"),
    title: "namespace held by an API service that is down",
    explains: &[Symptom::Deleting],
    reads: &[Kind::APIService, Kind::Namespace],
    state,
    page: page!("TRM-NAMESPACE-API-DOWN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(namespace) = facts
        .snapshot
        .view::<Namespace>(subject)
        .filter(|_| subject.kind == Kind::Namespace)
    else {
        return;
    };
    let failed = namespace
        .status
        .conditions
        .iter()
        .find(|it| it.kind == "NamespaceDeletionDiscoveryFailure");
    let Some(failed) = failed.filter(|it| it.is_true()) else {
        return;
    };
    let seen = facts.field(
        "status.conditions[NamespaceDeletionDiscoveryFailure]",
        &failed.message,
    );
    case.proven_by(seen.clone());
    let down = unavailable(facts)
        .into_iter()
        .find(|(_, group, _)| failed.message.contains(group.as_str()));
    let what = match &down {
        Some((service, _, message)) => {
            case.step(
                format!("{service} is not available"),
                [field_on(service, "status.conditions[Available]", message)],
            );
            service.to_string()
        }
        None => "an API service".into(),
    };
    case.step(
        "so the API server cannot list what the namespace holds of that group",
        [seen],
    );
    case.step(
        "and the namespace cannot be emptied",
        [facts.field("status.phase", &namespace.status.phase)],
    );
    case.headline(format!(
        "namespace {} cannot be deleted: {what} is down",
        subject.name
    ));
    case.severity(Severity::Error);
    case.advice(
        "do not remove the namespace's own finalizer: objects of the group that cannot be listed would stay behind, unseen",
        Risk::DataLoss,
    );
    match down {
        Some((service, ..)) => {
            case.fix(
                "bring the server behind it back, or remove the API service if it is no longer used",
                format!("kubectl get {service} -o wide"),
                Risk::Wide,
            );
            case.root(service);
        }
        None => {
            case.look(
                "which API services are down",
                "kubectl get apiservices | grep False",
            );
        }
    }
}

/// API services that are not available: reference, group, message.
fn unavailable(facts: &Facts<'_>) -> Vec<(ObjectRef, String, String)> {
    facts
        .snapshot
        .of_kind(Kind::APIService)
        .filter_map(|object| {
            let view: ApiService = object.encoded.decode().ok()?;
            let available = view.status.conditions.iter().find(|it| it.kind == "Available")?;
            available.is_false().then(|| {
                (
                    object.reference.clone(),
                    view.spec.group.clone(),
                    format!("{}: {}", available.reason, available.message),
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use crate::testing::Scene;

    pub(super) fn namespace(kind: &str, status: &str, message: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "old", "deletionTimestamp": "2026-03-01T11:30:00Z"}, "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Terminating", "conditions": [{"type": kind, "status": status, "message": message}]}})
    }

    const FAILED: &str = "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: stale GroupVersion discovery: metrics.k8s.io/v1beta1";

    #[test]
    fn found_with_the_service_that_is_down() {
        let service = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io"}, "spec": {"group": "metrics.k8s.io", "version": "v1beta1"},
            "status": {"conditions": [{"type": "Available", "status": "False", "reason": "MissingEndpoints", "message": "no endpoints"}]}});
        let outcome = Scene::new()
            .object(namespace("NamespaceDeletionDiscoveryFailure", "True", FAILED))
            .object(service)
            .diagnose();
        assert_eq!(
            outcome
                .finds_only("TRM-NAMESPACE-API-DOWN", Verdict::Proven)
                .subject
                .kind,
            Kind::APIService
        );
    }

    #[test]
    fn not_found_when_content_remains() {
        let remains = namespace(
            "NamespaceFinalizersRemaining",
            "True",
            "Some content in the namespace has finalizers remaining: guard.example/keep in 1 resource instances",
        );
        Scene::new()
            .object(remains)
            .diagnose()
            .lacks("TRM-NAMESPACE-API-DOWN");
    }
}
