//! ADM-WEBHOOK-NO-ENDPOINTS: a webhook must approve the pod, and nothing runs behind its service.

use sonde_grammar::Fact;
use sonde_grammar::fact::{AdmissionRefusal, WebhookFailure};
use sonde_model::{Code, Kind, ObjectRef, Risk, Severity};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-WEBHOOK-NO-ENDPOINTS"),
    title: "admission webhook without endpoints",
    explains: &[Symptom::PodsNotCreated],
    reads: &[
        Kind::ValidatingWebhookConfiguration,
        Kind::MutatingWebhookConfiguration,
        Kind::Service,
        Kind::EndpointSlice,
    ],
    state,
    page: page!("ADM-WEBHOOK-NO-ENDPOINTS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let said = facts.find(|fact| match fact {
        Fact::Admission(AdmissionRefusal::WebhookCall { webhook, service, failure, .. })
            if matches!(failure, WebhookFailure::NoEndpoints | WebhookFailure::ServiceMissing) =>
        {
            Some((webhook, service, *failure))
        }
        _ => None,
    });
    let Some(((webhook, service, failure), message)) = said else { return };
    case.proven_by(message.seen());
    let configuration = configuration_of(facts, webhook);
    if let Some((configuration, path)) = &configuration {
        case.step(
            format!("{configuration} sends every such request to webhook {webhook}"),
            [field_on(configuration, path, webhook)],
        );
    }
    let what = match (service, failure) {
        (Some(service), WebhookFailure::ServiceMissing) => format!("its service {service} does not exist"),
        (Some(service), _) => format!("its service {service} has no ready endpoint"),
        (None, _) => "its service has no ready endpoint".into(),
    };
    case.step(what.clone(), [message.seen()]);
    case.step(
        format!("the API server refuses to create the pods of {}", facts.episode.subject),
        [facts.field("status.replicas", &facts.episode.word)],
    );
    case.headline(format!("pods cannot be created: webhook {webhook} must approve them and {what}"));
    case.severity(Severity::Critical);
    let root = configuration.map_or_else(
        || ObjectRef::cluster(Kind::Other("Webhook".into()), webhook),
        |(configuration, _)| configuration,
    );
    if root.kind.info().is_some() {
        case.advice(
            format!("if {webhook} may be skipped for a while, set failurePolicy: Ignore in {root}"),
            Risk::Wide,
        );
    }
    case.root(root).root_key(webhook.as_str());
    if let Some((namespace, name)) = service.as_deref().and_then(|service| service.split_once('/')) {
        case.fix(
            "bring the webhook's own pods back",
            format!("kubectl get svc,endpointslices,pods -n {namespace} -l kubernetes.io/service-name={name}"),
            Risk::None,
        );
    }
}

/// The configuration that holds the webhook, with the path of its entry.
fn configuration_of(facts: &Facts<'_>, webhook: &str) -> Option<(ObjectRef, String)> {
    [Kind::ValidatingWebhookConfiguration, Kind::MutatingWebhookConfiguration].into_iter().find_map(|kind| {
        facts.snapshot.of_kind(kind).find_map(|object| {
            let view: sonde_world::view::WebhookConfiguration = object.encoded.decode().ok()?;
            let at = view.webhooks.iter().position(|it| it.name == webhook)?;
            Some((object.reference.clone(), format!("webhooks[{at}].name")))
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use crate::testing::Scene;

    const REFUSED: &str = "Error creating: Internal error occurred: failed calling webhook \"pods.policy.example\": failed to call webhook: Post \"https://policy.guard.svc:443/check?timeout=10s\": no endpoints available for service \"policy\"";
    const DENIED: &str =
        "Error creating: admission webhook \"pods.policy.example\" denied the request: no image from outside";

    fn replica_set(name: &str, have: i64) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": name, "namespace": "shop", "creationTimestamp": "2026-03-01T11:50:00Z"},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": name}}},
            "status": {"replicas": have}
        })
    }

    fn configuration() -> Value {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "policy"},
            "webhooks": [{"name": "pods.policy.example", "failurePolicy": "Fail"}]
        })
    }

    fn refused(scene: Scene, name: &str, message: &str) -> Scene {
        scene.object(replica_set(name, 0)).event(
            &format!("ReplicaSet/shop/{name}"),
            "FailedCreate",
            message,
            "2026-03-01T11:59:00Z",
        )
    }

    #[test]
    fn one_webhook_that_refuses_two_workloads_is_one_finding() {
        let scene = refused(refused(Scene::new(), "app", REFUSED), "web", REFUSED).object(configuration());
        let outcome = scene.diagnose();
        let finding = outcome.finds_only("ADM-WEBHOOK-NO-ENDPOINTS", Verdict::Proven);
        assert_eq!(finding.subject.kind, Kind::ValidatingWebhookConfiguration);
        assert_eq!(finding.explains.len(), 2);
    }

    #[test]
    fn not_found_when_the_webhook_itself_says_no() {
        refused(Scene::new(), "app", DENIED).diagnose().lacks("ADM-WEBHOOK-NO-ENDPOINTS");
    }

    #[test]
    fn unknown_when_no_event_is_left() {
        let outcome = Scene::new().object(replica_set("app", 0)).diagnose();
        outcome.lacks("ADM-WEBHOOK-NO-ENDPOINTS");
        assert_eq!(outcome.finding("ADM-UNKNOWN").verdict, Verdict::Unknown);
    }

    #[test]
    fn silent_when_every_pod_is_there_again() {
        let scene = Scene::new().object(replica_set("app", 3)).event(
            "ReplicaSet/shop/app",
            "FailedCreate",
            REFUSED,
            "2026-03-01T11:52:00Z",
        );
        scene.diagnose().is_calm();
    }
}
