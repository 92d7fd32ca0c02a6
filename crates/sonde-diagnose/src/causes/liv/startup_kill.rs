//! LIV-STARTUP-KILL: the kubelet killed the container because its startup probe did not pass in time.

use sonde_grammar::fact::ProbeKind;
use sonde_model::{Code, Risk};

use super::killed::{Killed, Strong, killed};
use crate::cause::page;
use crate::probing::{Failing, GRPC_UNMET, OTHER_HOST_ADVICE, Why};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LIV-STARTUP-KILL"),
    title: "killed by the startup probe",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("LIV-STARTUP-KILL"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    // A sidecar that holds the pod back has a cause of its own, which tells of the same kill.
    let sidecar = facts
        .container()
        .is_some_and(|(it, _)| it.restart_policy == "Always");
    if sidecar && facts.held_back().is_some() && facts.killing().is_some() {
        return;
    }
    let Some(killed) = killed(facts, ProbeKind::Startup) else {
        let Some((container, _)) = facts.container() else {
            return;
        };
        let ended = facts.exit().is_some_and(|(code, _)| matches!(code, 137 | 143));
        if ended
            && container.startup_probe.is_some()
            && facts.killing().is_none()
            && let Some(want) = facts.want_kubelet_log()
        {
            case.wants(
                want,
                "whether the kubelet killed the container for its startup probe",
            );
        }
        return;
    };
    let (reason, shown) = match &killed.why {
        Some(Why::TooSlow {
            seconds: Some(seconds),
            seen,
            ..
        }) => (
            format!("by its log the application is up only {seconds} s after its start"),
            Some(seen.clone()),
        ),
        Some(Why::TooSlow { seen, .. }) => (
            "its last words are those of a program that is still starting".into(),
            Some(seen.clone()),
        ),
        Some(Why::WrongPort { listens, seen }) => {
            (format!("the application listens {listens}"), Some(seen.clone()))
        }
        Some(Why::OtherHost { is, seen }) => (format!("the probe asks {is}"), Some(seen.clone())),
        _ if killed.failing.as_ref().is_some_and(Failing::is_grpc_unmet) => (GRPC_UNMET.to_owned(), None),
        _ => (String::new(), None),
    };
    killed.state(facts, case, Strong::Proof, &reason, shown);
    if let Some((text, seen)) = killed
        .failing
        .as_ref()
        .and_then(|it| it.declared_elsewhere(facts))
    {
        case.step(text, [seen]);
    }
    let budget = killed.budget().map_or("its time".into(), |seconds| {
        format!("the {seconds} s that it gives")
    });
    let met = killed
        .failing
        .as_ref()
        .map(Failing::met)
        .map_or(String::new(), |met| format!(": {met}"));
    case.headline(format!(
        "{} {} its startup probe, which does not pass within {budget}{met}",
        killed.who, killed.is
    ));
    if matches!(killed.why, Some(Why::OtherHost { .. })) {
        case.advice(OTHER_HOST_ADVICE, Risk::Restart);
        return;
    }
    let seconds = match killed.why {
        Some(Why::TooSlow {
            seconds: Some(seconds),
            ..
        }) => seconds,
        _ => killed.budget().unwrap_or(100),
    };
    let fitting = fitting_advice(&killed);
    if let Some((advice, _)) = &fitting {
        case.advice(advice.clone(), Risk::Restart);
    }
    if fitting
        .as_ref()
        .is_none_or(|(_, more_time_may_help)| *more_time_may_help)
    {
        killed.give_time(facts, case, seconds.saturating_mul(3));
    }
    if fitting.is_none() {
        case.advice(
            "if the application is up sooner than that, see that the probe asks the right port and path, and that the application listens on all addresses",
            Risk::Restart,
        );
    }
}

/// What to do about an answer that no longer start changes, and whether more time may help all the same.
fn fitting_advice(killed: &Killed<'_>) -> Option<(String, bool)> {
    let asks = killed.failing.as_ref()?.asks();
    Some(match killed.why.as_ref()? {
        // Once it has passed, a startup probe is asked no more: the page was never there.
        Why::WrongPath | Why::Status(404) => (
            format!(
                "correct the path of the startup probe: {asks} is answered with 404, which more time does not change"
            ),
            false,
        ),
        Why::WrongScheme => (
            "set the scheme of the startup probe to the one that the port speaks (HTTP or HTTPS)".into(),
            false,
        ),
        Why::WrongPort { .. } => (
            "let the startup probe ask the port on which the application listens".into(),
            false,
        ),
        Why::ExecBroken => (
            "correct the command of the startup probe: the image does not have it".into(),
            false,
        ),
        Why::Status(code @ (401 | 403)) => (
            format!(
                "let the page that the startup probe asks be read without a login: it is answered with {code}"
            ),
            false,
        ),
        Why::Status(code @ 400..=499) => (
            format!(
                "correct what the startup probe asks: {asks} is answered with {code}, which more time does not change"
            ),
            false,
        ),
        Why::Status(code) => (
            format!("see in its log, and in the body of that page, why {asks} is answered with {code}"),
            true,
        ),
        Why::ExecFails => (
            "run the probe's command in the container by hand, and see what it lacks".into(),
            true,
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::killed::tests::{http, scene};
    use crate::testing::{Scene, pod, status};

    const REFUSED: &str = "Startup probe failed: dial tcp 10.0.0.9:8080: connect: connection refused";

    fn startup() -> serde_json::Value {
        json!({"startupProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 3}})
    }

    #[test]
    fn found_with_its_time_and_what_it_met() {
        let outcome = scene(startup(), REFUSED, true).diagnose();
        let finding = outcome.finds_only("LIV-STARTUP-KILL", Verdict::Proven);
        for word in ["startup", "3 s", "8080"] {
            assert!(finding.headline.contains(word), "{}", finding.headline);
        }
    }

    #[test]
    fn only_likely_without_the_kubelets_word_and_silent_for_liveness() {
        scene(startup(), REFUSED, false)
            .diagnose()
            .finds_only("LIV-STARTUP-KILL", Verdict::Likely);
        scene(http(8080), "", true).diagnose().lacks("LIV-STARTUP-KILL");
    }

    #[test]
    fn calm_while_the_start_is_within_its_time() {
        let starting = pod(json!({
            "spec": {"containers": [{"name": "app", "startupProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 10, "failureThreshold": 30}}]},
            "status": {"containerStatuses": [status(json!({"ready": false, "started": false, "state": {"running": {"startedAt": "2026-03-01T11:59:00Z"}}}))]}
        }));
        Scene::new()
            .object(starting)
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Unhealthy",
                REFUSED,
                "2026-03-01T11:59:50Z",
            )
            .diagnose()
            .is_calm();
    }

    /// Each row: what the startup probe met; words of the first advice, and whether more time is advised at all.
    #[test]
    fn the_advice_fits_what_the_probe_meets() {
        for (met, first, more_time) in [
            (
                "HTTP probe failed with statuscode: 404",
                "correct the path",
                false,
            ),
            ("HTTP probe failed with statuscode: 401", "without a login", false),
            (
                "HTTP probe failed with statuscode: 410",
                "correct what the startup probe asks",
                false,
            ),
            ("HTTP probe failed with statuscode: 503", "why HTTP GET", true),
            (
                "dial tcp 10.0.0.9:8080: connect: connection refused",
                "more time",
                true,
            ),
        ] {
            let said = format!("Startup probe failed: {met}");
            let asks = json!({"startupProbe": {"httpGet": {"path": "/started", "port": 8080}, "failureThreshold": 3}});
            let outcome = scene(asks, &said, true)
                .container_event(
                    "Pod/shop/app-1",
                    "app",
                    "Killing",
                    "Container app failed startup probe, will be restarted",
                    "2026-03-01T11:57:57Z",
                )
                .diagnose();
            let finding = outcome.finding("LIV-STARTUP-KILL");
            assert!(
                finding.fixes[0].text.contains(first),
                "{met}: {:?}",
                finding.fixes
            );
            let gives = finding
                .fixes
                .iter()
                .any(|it| it.text.contains("more time: failureThreshold"));
            assert_eq!(gives, more_time, "{met}: {:?}", finding.fixes);
        }
    }
}
