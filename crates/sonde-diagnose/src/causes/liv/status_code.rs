//! LIV-STATUS-CODE: the kubelet killed the container because its liveness probe got an HTTP error.

use sonde_grammar::fact::ProbeKind;
use sonde_model::{Code, Risk};

use super::killed::{Strong, killed};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LIV-STATUS-CODE"),
    title: "liveness probe: an error status",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("LIV-STATUS-CODE"),
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
    let (code, reason) = match why {
        Why::WrongPath => (
            404,
            "the application answers, but has no such page: the path is wrong",
        ),
        Why::Status(code @ (401 | 403)) => (*code, "the application wants a login for this page"),
        Why::Status(code) => (*code, "the application says itself that it is not well"),
        _ => return,
    };
    killed.state(facts, case, Strong::Proof, reason, None);
    case.headline(format!(
        "{who} {is} its liveness probe: {asks} answers with HTTP status {code}"
    ));
    case.advice(
        "let the probe ask a page that answers 200 as long as a restart would not help; failures of databases and other services belong in the readiness probe",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use super::super::killed::tests::{REFUSED, calm_while_it_runs_on, http, scene};

    /// A loop of an hour: the newest run ended at 11:58, and the kubelet's last events are of 11:30.
    fn old_loop(kills: i64) -> crate::testing::Scene {
        let event = |name: &str, reason: &str, kind: &str, message: &str, count: i64| {
            serde_json::json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "shop"},
                "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "app-1", "fieldPath": "spec.containers{app}"},
                "reason": reason, "message": message, "type": kind, "count": count,
                "firstTimestamp": "2026-03-01T11:00:00Z", "lastTimestamp": "2026-03-01T11:30:00Z", "source": {"component": "kubelet"}})
        };
        let said = "Liveness probe failed: HTTP probe failed with statuscode: 404";
        let killed = "Container app failed liveness probe, will be restarted";
        scene(http(8080), "", false)
            .object(event("e-unhealthy", "Unhealthy", "Warning", said, kills * 3))
            .object(event("e-killing", "Killing", "Normal", killed, kills))
    }

    #[test]
    fn likely_in_an_old_loop_of_which_the_kubelet_tells_no_more() {
        let outcome = old_loop(4).diagnose();
        let finding = outcome.finds_only("LIV-STATUS-CODE", Verdict::Likely);
        assert!(
            finding
                .chain
                .iter()
                .any(|step| step.text.contains("4 earlier runs")),
            "{:?}",
            finding.chain
        );
        // One or two kills before make no habit.
        let outcome = old_loop(1).diagnose();
        assert!(!outcome.claims("LIV-STATUS-CODE"), "{}", outcome.summary());
    }

    #[test]
    fn found_with_code_and_path() {
        for code in ["404", "500", "503", "401"] {
            let said = format!("Liveness probe failed: HTTP probe failed with statuscode: {code}");
            let outcome = scene(http(8080), &said, true).diagnose();
            let finding = outcome.finds_only("LIV-STATUS-CODE", Verdict::Proven);
            assert!(
                finding.headline.contains(code) && finding.headline.contains("/healthz"),
                "{}",
                finding.headline
            );
        }
    }

    #[test]
    fn not_found_for_a_refused_connection() {
        scene(http(8080), REFUSED, true)
            .diagnose()
            .lacks("LIV-STATUS-CODE");
    }

    #[test]
    fn calm_when_the_container_runs_on() {
        calm_while_it_runs_on("LIV-STATUS-CODE");
    }
}
