//! ROL-AUTOSCALER-NO-METRICS: an autoscaler gets no metrics, so it does not scale.

use sonde_grammar::Fact;
use sonde_grammar::fact::WorkloadFact;
use sonde_model::{Code, Kind, ObjectRef, Risk, Severity};
use sonde_world::view::{ApiService, HorizontalPodAutoscaler};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-AUTOSCALER-NO-METRICS"),
    title: "autoscaler without metrics",
    explains: &[Symptom::NotScaling],
    reads: &[Kind::HorizontalPodAutoscaler, Kind::APIService],
    state,
    page: page!("ROL-AUTOSCALER-NO-METRICS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts.snapshot.view::<HorizontalPodAutoscaler>(subject) else { return };
    let active = it.status.conditions.iter().find(|it| it.kind == "ScalingActive" && it.is_false());
    let Some(active) = active else { return };
    let seen = facts.field("status.conditions[ScalingActive]", format!("{}: {}", active.reason, active.message));
    case.proven_by(seen.clone());
    let request = facts.find(|fact| match fact {
        Fact::Workload(WorkloadFact::MissingRequest { resource, container }) => Some((resource, container)),
        _ => None,
    });
    let target = format!("{}/{}", it.spec.scale_target_ref.kind.to_lowercase(), it.spec.scale_target_ref.name);
    if let Some(((resource, container), message)) = request {
        let whose = container.as_ref().map_or_else(|| "its pods".to_owned(), |name| format!("container {name}"));
        case.step(format!("{whose} request no {resource}, so there is nothing to take a percentage of"), [message.seen()]);
        case.headline(format!("{subject} does not scale {target}: {whose} request no {resource}"));
        case.fix(
            format!("set a {resource} request on every container of {target}"),
            format!("kubectl set resources {target} -n {} --requests={resource}=100m", subject.namespace),
            Risk::Restart,
        );
    } else {
        let service = ObjectRef::cluster(Kind::APIService, "v1beta1.metrics.k8s.io");
        match metrics_service(facts, &service) {
            Some(text) => {
                case.step(format!("the metrics API is not there: {text}"), [field_on(&service, "status.conditions[Available]", text)]);
            }
            None => {
                case.look("whether the metrics API answers", "kubectl get apiservice v1beta1.metrics.k8s.io; kubectl top pods -A");
            }
        }
        case.headline(format!("{subject} does not scale {target}: it gets no metrics"));
        case.advice("install or mend the metrics server (or the adapter of the metric that is asked for)", Risk::Wide);
    }
    case.step("the autoscaler cannot compute how many pods are needed", [seen]);
    case.severity(Severity::Warning);
}

/// Why the metrics API is not available, where the snapshot says so.
fn metrics_service(facts: &Facts<'_>, service: &ObjectRef) -> Option<String> {
    if facts.snapshot.is_absent(service) {
        return Some("no metrics server is registered".into());
    }
    let view: ApiService = facts.snapshot.view(service)?;
    let available = view.status.conditions.iter().find(|it| it.kind == "Available" && it.is_false())?;
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
    const REQUEST: &str = "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container app of Pod web-1";

    #[test]
    fn found_with_what_is_missing() {
        let outcome = Scene::new().object(autoscaler("False", "FailedGetResourceMetric", FAILED)).diagnose();
        outcome.finds_only("ROL-AUTOSCALER-NO-METRICS", Verdict::Proven);
        let outcome = Scene::new().object(autoscaler("False", "FailedGetResourceMetric", REQUEST)).diagnose();
        let finding = outcome.finds_only("ROL-AUTOSCALER-NO-METRICS", Verdict::Proven);
        assert!(finding.headline.contains("request no cpu"), "{}", finding.headline);
    }

    #[test]
    fn silent_when_it_scales_or_is_switched_off() {
        Scene::new().object(autoscaler("True", "ValidMetricFound", "ok")).diagnose().is_calm();
        Scene::new().object(autoscaler("False", "ScalingDisabled", "replicas is 0")).diagnose().is_calm();
    }
}
