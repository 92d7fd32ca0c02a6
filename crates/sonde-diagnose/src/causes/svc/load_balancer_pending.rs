//! SVC-LOAD-BALANCER-PENDING: a service of type LoadBalancer waits for an address that nobody gives it.

use sonde_model::{Code, Kind, Risk, Severity};
use sonde_world::view::Service;

use crate::cause::page;
use crate::triage::ADDRESS_PATIENCE;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SVC-LOAD-BALANCER-PENDING"),
    title: "nobody gives the service an address",
    explains: &[Symptom::NoAddress],
    reads: &[Kind::Service],
    state,
    page: page!("SVC-LOAD-BALANCER-PENDING"),
};

/// Clouds' controllers set it before they make anything (`k8s.io/cloud-provider/service/helpers`).
const TAKEN: &str = "service.kubernetes.io/load-balancer-cleanup";
/// How controllers of load balancers say that they failed.
const FAILURES: &[&str] = &[
    "SyncLoadBalancerFailed",
    "UpdateLoadBalancerFailed",
    "AllocationFailed",
];

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(service) = facts.snapshot.view::<Service>(subject) else {
        return;
    };
    let none = facts.field("status.loadBalancer.ingress", "none");
    let of_type = facts.field("spec.type", "LoadBalancer");
    let said = facts
        .messages()
        .find(|it| it.warning && FAILURES.contains(&it.reason.as_str()));
    let young = facts
        .now
        .zip(facts.snapshot.get(subject).and_then(|it| it.created))
        .is_some_and(|(now, created)| now.duration_since(created) <= ADDRESS_PATIENCE);
    // Controllers take minutes; one that says that it failed has failed.
    let early = young && said.is_none();
    case.severity(if early { Severity::Info } else { Severity::Warning });
    case.step("the service asks for a load balancer", [of_type]);
    case.step("it has no address so far", [none.clone()]);
    if let Some(message) = said {
        case.proven_by(message.seen());
        case.step("its controller says why it cannot make one", [message.seen()]);
        case.headline(format!(
            "{subject} gets no address: its controller cannot make a load balancer: {}",
            message.seen.text
        ));
        case.advice(
            "mend what the controller says; it tries again by itself",
            Risk::Wide,
        );
        return;
    }
    let finalizers = facts
        .metadata_of(subject)
        .map(|it| it.finalizers)
        .unwrap_or_default();
    if finalizers.iter().any(|it| it == TAKEN) {
        case.hinted_by(none);
        case.step(
            "a controller has taken it and does not finish",
            [facts.field("metadata.finalizers", TAKEN)],
        );
        case.headline(format!(
            "{subject} gets no address: its controller does not finish"
        ));
        look_at_events(facts, case);
        return;
    }
    case.supported_by(none);
    let class = &service.spec.load_balancer_class;
    let who = if class.is_empty() {
        "no controller of load balancers".to_owned()
    } else {
        let field = facts.field("spec.loadBalancerClass", class);
        case.step(format!("it asks for the class {class}"), [field]);
        format!("no controller of the class {class}")
    };
    case.step(
        format!("{who} has taken it"),
        [facts.field("metadata.finalizers", "not those of a controller")],
    );
    case.headline(if early {
        format!("{subject} has no address yet: {who} has taken it so far, which may take minutes; a cluster without a cloud has none of its own")
    } else {
        format!("{subject} gets no address: {who} has taken it; a cluster without a cloud has none of its own")
    });
    case.advice(
        "let the cloud's controller manager run, or install one for bare metal (MetalLB, kube-vip); else use NodePort or an Ingress",
        Risk::Wide,
    );
    look_at_events(facts, case);
}

fn look_at_events(facts: &Facts<'_>, case: &mut Case) {
    case.look(
        "what controllers say about it",
        format!("kubectl describe {}", facts.episode.subject.kubectl()),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, merge};

    fn service(patch: Value) -> Value {
        let mut it = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "lb", "namespace": "shop",
            "creationTimestamp": "2026-03-01T10:00:00Z"},
            "spec": {"type": "LoadBalancer", "selector": {"app": "app"}, "ports": [{"port": 80}]}, "status": {"loadBalancer": {}}});
        merge(&mut it, patch);
        it
    }

    #[test]
    fn told_after_some_minutes_with_what_is_known() {
        let rows: &[(Value, Option<Verdict>, &str)] = &[
            (
                json!({}),
                Some(Verdict::Likely),
                "no controller of load balancers",
            ),
            (
                json!({"spec": {"loadBalancerClass": "example.com/lb"}}),
                Some(Verdict::Likely),
                "class example.com/lb",
            ),
            (
                json!({"metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}}),
                Some(Verdict::Possible),
                "does not finish",
            ),
            (
                json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}),
                None,
                "",
            ),
            (
                json!({"status": {"loadBalancer": {"ingress": [{"hostname": "a.example.com"}]}}}),
                None,
                "",
            ),
            (json!({"spec": {"type": "ClusterIP"}}), None, ""),
            (
                json!({"metadata": {"creationTimestamp": "2026-03-01T11:58:00Z"}}),
                None,
                "",
            ),
            (
                json!({"metadata": {"deletionTimestamp": "2026-03-01T11:59:50Z"}}),
                None,
                "",
            ),
        ];
        for (patch, expected, words) in rows {
            let outcome = Scene::new().object(service(patch.clone())).diagnose();
            match expected {
                Some(verdict) => {
                    let finding = outcome.finds_only("SVC-LOAD-BALANCER-PENDING", *verdict);
                    assert!(finding.headline.contains(words), "{}", finding.headline);
                }
                None => {
                    outcome.is_calm();
                }
            }
        }
    }

    /// Who names it wants to know why it has none; in a wider look it is just young.
    #[test]
    fn a_young_one_is_told_to_who_asks_for_it() {
        let young = json!({"metadata": {"creationTimestamp": "2026-03-01T11:58:00Z"}});
        let outcome = Scene::new()
            .object(service(young))
            .named(&["Service/shop/lb"])
            .diagnose();
        outcome.is_calm();
        let finding = outcome.finding("SVC-LOAD-BALANCER-PENDING");
        assert!(
            finding.headline.contains("no address yet"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn its_controller_says_why() {
        let text = "Error syncing load balancer: failed to ensure load balancer: quota exceeded";
        let outcome = Scene::new()
            .object(service(json!({})))
            .event(
                "Service/shop/lb",
                "SyncLoadBalancerFailed",
                text,
                "2026-03-01T11:59:00Z",
            )
            .diagnose();
        let finding = outcome.finds_only("SVC-LOAD-BALANCER-PENDING", Verdict::Proven);
        assert!(
            finding.headline.contains("quota exceeded"),
            "{}",
            finding.headline
        );
    }
}
