//! ROL-AUTOSCALER-AT-MAXIMUM: an autoscaler wants more pods than it may have.

use crate::wording::count;
use sonde_model::{Code, Kind, Risk, Severity};
use sonde_world::view::HorizontalPodAutoscaler;

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-AUTOSCALER-AT-MAXIMUM"),
    title: "autoscaler at its maximum",
    explains: &[Symptom::NotScaling],
    reads: &[Kind::HorizontalPodAutoscaler],
    state,
    page: page!("ROL-AUTOSCALER-AT-MAXIMUM"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts.snapshot.view::<HorizontalPodAutoscaler>(subject) else {
        return;
    };
    let conditions = it.conditions();
    let limited = conditions
        .iter()
        .find(|it| it.kind == "ScalingLimited" && it.is_true());
    let Some(limited) = limited.filter(|it| it.reason == "TooManyReplicas") else {
        return;
    };
    let seen = facts.field(
        "status.conditions[ScalingLimited]",
        format!("{}: {}", limited.reason, limited.message),
    );
    let used = it.utilizations().unwrap_or_default();
    let words: Vec<String> = used
        .iter()
        .map(|(name, used, target)| format!("{name} {used}% of the request, target {target}%"))
        .collect();
    let metrics = facts.field("status.currentMetrics", words.join("; "));
    // It steps down late: for minutes it "wants" what somebody else had set, or what the load was.
    if it.is_content() {
        case.refuted_by(metrics, "none of its metrics is above the target");
        return;
    }
    case.proven_by(seen.clone());
    let most = it.spec.max_replicas;
    case.step(
        format!("it may have {}", count(most, "pod")),
        [facts.field("spec.maxReplicas", most)],
    );
    let measured = (!used.is_empty()).then_some(metrics);
    case.step("its metrics ask for more", measured.into_iter().chain([seen]));
    case.headline(format!(
        "{subject} is at its maximum of {} and wants more",
        count(most, "pod")
    ));
    // The workload runs, as far as it may.
    case.severity(Severity::Warning);
    case.fix(
        "let it have more pods, if the load is wanted",
        format!(
            "kubectl patch {} --type merge -p '{{\"spec\":{{\"maxReplicas\":{}}}}}'",
            subject.kubectl(),
            most.saturating_mul(2)
        ),
        Risk::Wide,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use crate::testing::Scene;

    #[test]
    fn not_found_while_its_metrics_ask_for_no_more() {
        for (used, found) in [(95, true), (80, false), (3, false)] {
            let outcome = Scene::new()
                .object(json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                    "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-03-01T10:00:00Z"},
                    "spec": {"maxReplicas": 5, "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 80}}}]},
                    "status": {"currentReplicas": 5,
                        "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu",
                            "current": {"averageUtilization": used, "averageValue": "1m"}}}],
                        "conditions": [{"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas",
                            "message": "the desired replica count is more than the maximum replica count"}]}}))
                .diagnose();
            match found {
                true => {
                    let finding = outcome.finds_only("ROL-AUTOSCALER-AT-MAXIMUM", Verdict::Proven);
                    assert!(finding.evidence.iter().any(|it| it.text.contains("cpu 95%")));
                }
                false => {
                    outcome.is_calm();
                }
            }
        }
    }

    #[test]
    fn found_only_at_the_upper_end() {
        for (reason, found) in [("TooManyReplicas", true), ("TooFewReplicas", false)] {
            let outcome = Scene::new()
                .object(json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                    "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-03-01T10:00:00Z"},
                    "spec": {"maxReplicas": 5}, "status": {"currentReplicas": 5,
                    "conditions": [{"type": "ScalingLimited", "status": "True", "reason": reason, "message": "m"}]}}))
                .diagnose();
            if found {
                outcome.finds_only("ROL-AUTOSCALER-AT-MAXIMUM", Verdict::Proven);
            } else {
                outcome.is_calm();
            }
        }
    }
}
