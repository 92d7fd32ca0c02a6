//! RDY-TIMEOUT-CPU-LIMIT: the readiness probe gets no answer in time, and the container is at its CPU limit.

use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-TIMEOUT-CPU-LIMIT"),
    title: "no answer in time: throttled",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-TIMEOUT-CPU-LIMIT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else {
        return;
    };
    let Why::TimeoutCpuLimit(seen) = why else { return };
    let timeout = failing.spec.as_ref().map_or(1, |(_, probe, _)| probe.timeout());
    let told = Told {
        what: format!(
            "is not ready: {} does not answer within {timeout} s, because its CPU limit throttles it ({})",
            failing.asks(),
            seen.text
        ),
        fault: "the CPU limit",
        reason: Some(("the container is at its CPU limit".into(), Some(seen))),
        sure: true,
        advice: "raise or remove the CPU limit, or give the workload more replicas",
    };
    unready_state(facts, case, &failing, told);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::unready::tests::scene;
    use crate::Want;
    use crate::testing::{Scene, pod};

    const TIMED_OUT: &str = "Readiness probe failed: Get \"http://10.0.0.9:8080/ready\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";

    fn metrics(cpu: &str) -> serde_json::Value {
        json!({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": {"name": "app-1", "namespace": "shop"},
            "containers": [{"name": "app", "usage": {"cpu": cpu, "memory": "40Mi"}}]})
    }

    fn limited() -> Scene {
        scene(json!({"resources": {"limits": {"cpu": "200m"}}}), TIMED_OUT)
    }

    #[test]
    fn found_when_usage_is_at_the_limit() {
        limited()
            .object(metrics("199m"))
            .diagnose()
            .finds_only("RDY-TIMEOUT-CPU-LIMIT", Verdict::Proven);
        limited()
            .object(metrics("20m"))
            .diagnose()
            .finds_only("RDY-TIMEOUT", Verdict::Proven);
    }

    #[test]
    fn found_when_the_kernel_counts_it_as_throttled() {
        let outcome = limited().throttled("app-1", "app", 1000, 812).diagnose();
        let finding = outcome.finds_only("RDY-TIMEOUT-CPU-LIMIT", Verdict::Proven);
        assert!(
            finding.headline.contains("812 of 1000 periods"),
            "{}",
            finding.headline
        );
        limited()
            .throttled("app-1", "app", 1000, 120)
            .diagnose()
            .finds_only("RDY-TIMEOUT", Verdict::Proven);
    }

    #[test]
    fn open_when_nobody_counted() {
        let outcome = limited().diagnose();
        outcome.finds_only("RDY-TIMEOUT", Verdict::Likely);
        assert!(
            outcome
                .wants
                .iter()
                .any(|want| matches!(want, Want::Counters { .. }))
        );
        // Of another container, or of too short a run.
        limited()
            .throttled("app-1", "other", 1000, 812)
            .diagnose()
            .finds_only("RDY-TIMEOUT", Verdict::Likely);
        limited()
            .throttled("app-1", "app", 20, 20)
            .diagnose()
            .finds_only("RDY-TIMEOUT", Verdict::Likely);
    }

    #[test]
    fn calm_without_a_limit_to_reach() {
        scene(json!({}), TIMED_OUT)
            .throttled("app-1", "app", 1000, 812)
            .diagnose()
            .finds_only("RDY-TIMEOUT", Verdict::Proven);
        Scene::new()
            .object(pod(json!({})))
            .throttled("app-1", "app", 1000, 999)
            .diagnose()
            .is_calm();
    }
}
