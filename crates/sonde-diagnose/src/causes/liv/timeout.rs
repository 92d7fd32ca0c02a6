//! LIV-TIMEOUT: the kubelet killed the container because its liveness probe got no answer in time.

use sonde_grammar::fact::ProbeKind;
use sonde_model::{Code, Risk};

use super::killed::{Strong, killed};
use crate::cause::page;
use crate::probing::{Why, want_counters};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LIV-TIMEOUT"),
    title: "liveness probe: no answer in time",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("LIV-TIMEOUT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(killed) = killed(facts, ProbeKind::Liveness) else {
        return;
    };
    let Some((failing, why)) = killed.failing.as_ref().zip(killed.why.as_ref()) else {
        return;
    };
    let (who, is) = (&killed.who, killed.is);
    let asks = failing.asks();
    let (cause, reason, shown) = match why {
        Why::Timeout => ("the application is too slow or hangs", String::new(), None),
        Why::TimeoutCpuLimit(seen) => (
            "its CPU limit throttles it",
            "the container is at its CPU limit".into(),
            Some(seen.clone()),
        ),
        Why::TimeoutNodeLoad { others, strain } => (
            if strain.is_some() {
                "the node is overloaded"
            } else {
                "the node may be overloaded"
            },
            format!(
                "probes of {} other workloads on the node, which usually pass, timed out in the same minutes",
                others.len()
            ),
            strain.clone().or_else(|| others.first().cloned()),
        ),
        _ => return,
    };
    if super::oscillation::is_oscillating(facts) {
        return;
    }
    killed.state(facts, case, Strong::Proof, &reason, shown);
    want_counters(facts, case);
    if let Some((container, path)) = facts.container()
        && let Some(limit) = container.limit("cpu")
    {
        case.step(
            format!("its CPU limit is {limit}: throttling at the limit slows answers down"),
            [facts.field(&format!("{path}.resources.limits.cpu"), limit)],
        );
    }
    let timeout = failing.spec.as_ref().map_or(String::new(), |(_, probe, _)| {
        format!(" within {} s", probe.timeout())
    });
    case.headline(format!(
        "{who} {is} its liveness probe: {asks} does not answer{timeout}; {cause}"
    ));
    case.advice(
        "give the probe a longer timeoutSeconds and failureThreshold; answer it from a thread of its own; give the container more CPU if it is throttled (container_cpu_cfs_throttled_periods_total)",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use super::super::killed::tests::{REFUSED, TIMED_OUT, calm_while_it_runs_on, http, scene};

    #[test]
    fn found_for_answers_that_come_too_late() {
        for said in [
            TIMED_OUT,
            "Liveness probe failed: Get \"http://10.0.0.9:8080/healthz\": net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
            "Liveness probe failed: dial tcp 10.0.0.9:8080: i/o timeout",
        ] {
            scene(http(8080), said, true)
                .diagnose()
                .finds_only("LIV-TIMEOUT", Verdict::Proven);
        }
    }

    #[test]
    fn not_found_for_a_refused_connection() {
        scene(http(8080), REFUSED, true).diagnose().lacks("LIV-TIMEOUT");
    }

    #[test]
    fn calm_when_the_container_runs_on() {
        calm_while_it_runs_on("LIV-TIMEOUT");
    }
}
