//! ROL-AUTOSCALER-NO-METRICS: an autoscaler gets no metrics, so it does not scale.

use sonde_grammar::Fact;
use sonde_grammar::fact::WorkloadFact;
use sonde_model::{Code, Kind, ObjectRef, Risk, Severity};
use sonde_world::view::{ApiService, HorizontalPodAutoscaler};

use super::autoscaler_no_request::said_in;
use crate::cause::page;
use crate::triage::METRICS_PATIENCE;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-AUTOSCALER-NO-METRICS"),
    title: "autoscaler without metrics",
    explains: &[Symptom::NotScaling],
    reads: &[Kind::HorizontalPodAutoscaler, Kind::APIService],
    state,
    page: page!("ROL-AUTOSCALER-NO-METRICS"),
};

/// What is said while the pods' first measurements are under way.
const NOT_YET: &[&str] = &[
    "did not receive metrics for",
    "no metrics returned from",
    "pods might be unready",
];

/// The controller's words alone.
fn told(facts: &Facts<'_>, case: &mut Case) {
    let said = facts.find(|fact| match fact {
        Fact::Workload(WorkloadFact::NoMetrics { metric, .. }) => Some(metric),
        _ => None,
    });
    let Some((metric, message)) = said.filter(|_| facts.is_text()) else {
        return;
    };
    case.supported_by(message.seen());
    let of = metric
        .as_ref()
        .map_or(String::new(), |metric| format!(" of {metric}"));
    case.step(
        format!("the autoscaler asks for metrics{of} and gets none"),
        [message.seen()],
    );
    case.headline(format!("an autoscaler does not scale: it gets no metrics{of}"));
    case.severity(Severity::Warning);
    case.look(
        "whether the metrics API answers",
        "kubectl get apiservices v1beta1.metrics.k8s.io",
    );
}

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts.snapshot.view::<HorizontalPodAutoscaler>(subject) else {
        return told(facts, case);
    };
    let conditions = it.conditions();
    if facts.is_partial() && conditions.is_empty() {
        return by_its_row(facts, &it, case);
    }
    let active = conditions
        .iter()
        .find(|it| it.kind == "ScalingActive" && it.is_false());
    let Some(active) = active
        .filter(|it| !is_about_the_target(&it.reason))
        // It has metrics, and nothing to compare them with.
        .filter(|it| said_in(&it.reason, &it.message).is_none())
    else {
        return;
    };
    let seen = facts.field(
        "status.conditions[ScalingActive]",
        format!("{}: {}", active.reason, active.message),
    );
    // Pods that were just started have no metrics yet.
    let not_yet = NOT_YET.iter().any(|words| active.message.contains(words));
    let known = !facts.is_partial() || active.last_transition_time.0.is_some();
    let from = it
        .metadata
        .creation_timestamp
        .0
        .filter(|_| known)
        .max(active.last_transition_time.0);
    let young = facts
        .now
        .zip(from)
        .is_some_and(|(now, from)| now.duration_since(from) < METRICS_PATIENCE);
    if not_yet && young {
        case.hinted_by(seen.clone());
    } else {
        case.proven_by(seen.clone());
    }
    if not_yet {
        // Pods that do not come up have none, for a reason of their own.
        let target = &it.spec.scale_target_ref;
        case.explained_by(ObjectRef::new(
            Kind::from_name(&target.kind),
            &subject.namespace,
            &target.name,
        ));
    }
    let target = format!(
        "{}/{}",
        it.spec.scale_target_ref.kind.to_lowercase(),
        it.spec.scale_target_ref.name
    );
    let service = ObjectRef::cluster(Kind::APIService, "v1beta1.metrics.k8s.io");
    match metrics_service(facts, &service) {
        Some(text) => {
            case.step(
                format!("the metrics API is not there: {text}"),
                [field_on(&service, "status.conditions[Available]", text)],
            );
        }
        None => {
            case.look(
                "whether the metrics API answers",
                "kubectl get apiservice v1beta1.metrics.k8s.io; kubectl top pods -A",
            );
        }
    }
    case.headline(format!("{subject} does not scale {target}: it gets no metrics"));
    case.advice(
        "install or mend the metrics server (or the adapter of the metric that is asked for)",
        Risk::Wide,
    );
    case.step("the autoscaler cannot compute how many pods are needed", [seen]);
    case.severity(Severity::Warning);
}

/// A row of a table shows `<unknown>` in place of each metric, and not why.
fn by_its_row(facts: &Facts<'_>, it: &HorizontalPodAutoscaler, case: &mut Case) {
    if it.status.current_metrics.as_ref().is_none_or(|it| !it.is_empty()) {
        return;
    }
    let subject = &facts.episode.subject;
    let seen = facts.field("status.currentMetrics", "<unknown>");
    case.hinted_by(seen.clone());
    case.step("none of the metrics that it compares is known", [seen]);
    case.step("the autoscaler cannot compute how many pods are needed", []);
    case.headline(format!(
        "{subject} does not scale: its metrics are unknown, because the metrics API does not give them or its pods make no requests"
    ));
    case.severity(Severity::Warning);
    case.look(
        "what it says of that",
        format!("kubectl describe {}", subject.kubectl()),
    );
}

/// Reasons of `ScalingActive` that are about what is scaled, not about metrics.
pub(super) fn is_about_the_target(reason: &str) -> bool {
    matches!(
        reason,
        "AmbiguousSelector" | "InvalidSelector" | "SelectorRequired" | "FailedGetScale"
    )
}

/// Why the metrics API is not available, where the snapshot says so.
fn metrics_service(facts: &Facts<'_>, service: &ObjectRef) -> Option<String> {
    if facts.snapshot.is_absent(service) {
        return Some("no metrics server is registered".into());
    }
    let view: ApiService = facts.snapshot.view(service)?;
    let available = view
        .status
        .conditions
        .iter()
        .find(|it| it.kind == "Available" && it.is_false())?;
    Some(format!("{}: {}", available.reason, available.message))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::Scene;

    fn autoscaler(status: &str, reason: &str, message: &str) -> Value {
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-03-01T10:00:00Z"},
            "spec": {"maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "web"}},
            "status": {"conditions": [{"type": "ScalingActive", "status": status, "reason": reason, "message": message}]}})
    }

    const FAILED: &str = "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";
    #[test]
    fn found_with_what_is_missing() {
        let outcome = Scene::new()
            .object(autoscaler("False", "FailedGetResourceMetric", FAILED))
            .diagnose();
        outcome.finds_only("ROL-AUTOSCALER-NO-METRICS", Verdict::Proven);
    }

    #[test]
    fn silent_when_it_scales_or_is_switched_off() {
        Scene::new()
            .object(autoscaler("True", "ValidMetricFound", "ok"))
            .diagnose()
            .is_calm();
        Scene::new()
            .object(autoscaler("False", "ScalingDisabled", "replicas is 0"))
            .diagnose()
            .is_calm();
    }
}
