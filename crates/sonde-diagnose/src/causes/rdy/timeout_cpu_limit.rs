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
    let Some((failing, why)) = unready(facts) else { return };
    let Why::TimeoutCpuLimit(seen) = why else { return };
    let timeout = failing.spec.as_ref().map_or(1, |(_, probe, _)| probe.timeout());
    let told = Told {
        what: format!("is not ready: {} does not answer within {timeout} s, because its CPU limit throttles it ({})", failing.asks(), seen.text),
        fault: "the CPU limit",
        reason: Some(("the container is at its CPU limit".into(), Some(seen))),
        advice: "raise or remove the CPU limit, or give the workload more replicas",
    };
    unready_state(facts, case, &failing, told);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::unready::tests::scene;

    const TIMED_OUT: &str = "Readiness probe failed: Get \"http://10.0.0.9:8080/ready\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";

    fn metrics(cpu: &str) -> serde_json::Value {
        json!({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": {"name": "app-1", "namespace": "shop"},
            "containers": [{"name": "app", "usage": {"cpu": cpu, "memory": "40Mi"}}]})
    }

    #[test]
    fn found_when_usage_is_at_the_limit() {
        let limited = || json!({"resources": {"limits": {"cpu": "200m"}}});
        let outcome = scene(limited(), TIMED_OUT).object(metrics("199m")).diagnose();
        outcome.finds_only("RDY-TIMEOUT-CPU-LIMIT", Verdict::Proven);
        scene(limited(), TIMED_OUT).object(metrics("20m")).diagnose().finds_only("RDY-TIMEOUT", Verdict::Proven);
        scene(limited(), TIMED_OUT).diagnose().finds_only("RDY-TIMEOUT", Verdict::Proven);
    }
}
