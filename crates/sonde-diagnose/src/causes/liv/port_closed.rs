//! LIV-PORT-CLOSED: the kubelet killed the container because nothing listens where its liveness probe asks.

use sonde_grammar::fact::ProbeKind;
use sonde_model::{Code, Risk};

use super::killed::{Strong, killed};
use crate::cause::page;
use crate::probing::{OTHER_HOST_ADVICE, Why};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LIV-PORT-CLOSED"),
    title: "liveness probe: nothing listens where it asks",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("LIV-PORT-CLOSED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(killed) = killed(facts, ProbeKind::Liveness) else {
        return;
    };
    let Some((failing, why)) = killed.failing.as_ref().zip(killed.why.as_ref()) else {
        return;
    };
    let (who, is) = (&killed.who, killed.is);
    let port = failing.port_text();
    let (reason, shown) = match why {
        Why::NothingListens => (String::new(), None),
        Why::OtherHost { is, seen } => (format!("the probe asks {is}"), Some(seen.clone())),
        Why::WrongPort { listens, seen } => {
            (format!("the application listens {listens}"), Some(seen.clone()))
        }
        _ => return,
    };
    killed.state(facts, case, Strong::Proof, &reason, shown);
    if let Some((text, seen)) = failing.declared_elsewhere(facts) {
        case.step(text, [seen]);
    }
    case.headline(match why {
        Why::WrongPort { listens, .. } => {
            format!("{who} {is} its liveness probe: it asks {port}, and the application listens {listens}")
        }
        Why::OtherHost { is: host, .. } => {
            format!("{who} {is} its liveness probe: it asks {port} of {host}")
        }
        _ => format!(
            "{who} {is} its liveness probe: nothing listens on {}",
            failing.place_text()
        ),
    });
    if matches!(why, Why::OtherHost { .. }) {
        case.advice(OTHER_HOST_ADVICE, Risk::Restart);
        return;
    }
    if facts.log().is_none()
        && let Some(want) = facts.want_log()
    {
        case.wants(want, "which port the application listens on, and when");
    }
    case.advice(
        "let the probe ask the port on which the application listens on all addresses (0.0.0.0 or ::): bound to 127.0.0.1 it listens inside the pod only (netstat -ltn in the container shows it); if the application has not finished starting by then, use a startup probe",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use serde_json::json;

    use super::super::killed::tests::{REFUSED, TIMED_OUT, calm_while_it_runs_on, http, scene};
    use crate::testing::{Scene, crashed, pod};

    #[test]
    fn found_when_the_connection_is_refused() {
        let outcome = scene(http(8080), REFUSED, true).diagnose();
        let finding = outcome.finds_only("LIV-PORT-CLOSED", Verdict::Proven);
        assert!(finding.headline.contains("8080"), "{}", finding.headline);
    }

    #[test]
    fn names_the_port_on_which_the_application_listens() {
        let log = "Server listening on port 9090\n";
        let outcome = scene(http(8080), REFUSED, true)
            .log("shop/app-1", "app", true, log)
            .diagnose();
        assert!(
            outcome
                .finds_only("LIV-PORT-CLOSED", Verdict::Proven)
                .headline
                .contains("9090")
        );
    }

    /// A refused connection tells of the asked address alone.
    #[test]
    fn another_host_than_the_pod_is_the_settings_fault() {
        let said = "Liveness probe failed: Get \"http://127.0.0.1:8080/\": dial tcp 127.0.0.1:8080: connect: connection refused";
        let probe = json!({"livenessProbe": {"httpGet": {"host": "127.0.0.1", "port": 8080}}});
        let outcome = scene(probe.clone(), said, true).diagnose();
        let finding = outcome.finds_only("LIV-PORT-CLOSED", Verdict::Proven);
        assert!(
            finding.headline.contains("loopback address of the node"),
            "{}",
            finding.headline
        );
        assert!(
            !finding.headline.contains("nothing listens"),
            "{}",
            finding.headline
        );
        // On the node's network it is the pod's own.
        let own = pod(json!({
            "spec": {"hostNetwork": true, "containers": [{"name": "app", "livenessProbe": probe["livenessProbe"]}]},
            "status": {"containerStatuses": [crashed(137, "Error")]}
        }));
        let outcome = Scene::new()
            .object(own)
            .container_event("Pod/shop/app-1", "app", "Unhealthy", said, "2026-03-01T11:57:30Z")
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                "Container app failed liveness probe, will be restarted",
                "2026-03-01T11:57:30Z",
            )
            .diagnose();
        let finding = outcome.finds_only("LIV-PORT-CLOSED", Verdict::Proven);
        assert!(
            finding
                .headline
                .contains("nothing listens on port 8080 of 127.0.0.1"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn only_the_pods_address_is_spoken_of() {
        let outcome = scene(http(8080), REFUSED, true).diagnose();
        let finding = outcome.finds_only("LIV-PORT-CLOSED", Verdict::Proven);
        assert!(
            finding.headline.contains("of the pod's address"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn only_likely_without_the_kubelets_word_and_not_for_a_time_out() {
        scene(http(8080), REFUSED, false)
            .diagnose()
            .finds_only("LIV-PORT-CLOSED", Verdict::Likely);
        scene(http(8080), TIMED_OUT, true)
            .diagnose()
            .lacks("LIV-PORT-CLOSED");
    }

    #[test]
    fn calm_when_the_container_runs_on() {
        calm_while_it_runs_on("LIV-PORT-CLOSED");
    }
}
