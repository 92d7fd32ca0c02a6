//! RDY-STATUS-CODE: the application answers the readiness probe with an error.

use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-STATUS-CODE"),
    title: "an error status",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-STATUS-CODE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else {
        return;
    };
    let Why::Status(code) = why else { return };
    let asks = failing.asks();
    let before = failing.passed_before(facts);
    let worked = if before.is_some() {
        "; it passed before"
    } else {
        ""
    };
    let (fault, reason) = match code {
        404 => (
            "the application: the page was there before in this run",
            before.map(|seen| ("the probe passed before".into(), Some(seen))),
        ),
        401 | 403 => ("the configuration: the page wants a login", None),
        500.. => {
            let word = facts.own_words().into_iter().next();
            (
                "the application: it says itself that it is not well",
                word.map(|(line, seen)| (format!("its log says: {}", line.text), Some(seen))),
            )
        }
        _ => (
            "the configuration or the application: it refuses the probe's request",
            None,
        ),
    };
    let told = Told {
        what: format!("is not ready: {asks} answers with HTTP status {code}{worked}"),
        fault,
        reason,
        sure: true,
        advice: "see in its log, and in the body of that page, what the application lacks (often a database or another service)",
    };
    unready_state(facts, case, &failing, told);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use super::super::unready::tests::scene;
    use crate::testing::{Scene, pod, status};

    const ABSENT: &str = "Readiness probe failed: HTTP probe failed with statuscode: 404";

    #[test]
    fn a_page_that_was_there_before_is_no_wrong_path() {
        let lost = |container: Value, since: &str| {
            let it = pod(json!({
                "spec": {"containers": [container]},
                "status": {
                    "conditions": [{"type": "ContainersReady", "status": "False", "lastTransitionTime": since}],
                    "containerStatuses": [status(json!({"ready": false}))]
                }
            }));
            Scene::new().object(it).container_event(
                "Pod/shop/app-1",
                "app",
                "Unhealthy",
                ABSENT,
                "2026-03-01T11:59:00Z",
            )
        };
        let probe = json!({"httpGet": {"path": "/ready", "port": 8080}});
        let plain = json!({"name": "app", "readinessProbe": probe});
        let outcome = lost(plain.clone(), "2026-03-01T11:40:00Z").diagnose();
        let finding = outcome.finds_only("RDY-STATUS-CODE", Verdict::Proven);
        assert!(
            finding.headline.contains("404; it passed before"),
            "{}",
            finding.headline
        );
        // The condition follows the container's start only.
        lost(plain, "2026-03-01T10:00:05Z")
            .diagnose()
            .finds_only("RDY-WRONG-PATH", Verdict::Proven);
        // The startup probe asked the same page, and passed.
        let twice = json!({"name": "app", "startupProbe": probe, "readinessProbe": probe});
        lost(twice, "2026-03-01T10:00:00Z")
            .diagnose()
            .finds_only("RDY-STATUS-CODE", Verdict::Proven);
        scene(json!({}), ABSENT)
            .diagnose()
            .finds_only("RDY-WRONG-PATH", Verdict::Proven);
    }
}
