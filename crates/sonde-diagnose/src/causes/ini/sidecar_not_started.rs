//! INI-SIDECAR-NOT-STARTED: a sidecar's startup probe never succeeds, so the containers behind it are not started.

use sonde_grammar::Fact;
use sonde_grammar::fact::{KillReason, ProbeFact, ProbeKind, ProbeOutcome};
use sonde_model::{Code, Risk};
use sonde_world::view::{Container, Probe};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("INI-SIDECAR-NOT-STARTED"),
    title: "sidecar never counts as started",
    explains: &[Symptom::InitBlocked, Symptom::Terminated],
    reads: &[],
    state,
    page: page!("INI-SIDECAR-NOT-STARTED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((container, path)) = facts.container().filter(|(it, _)| it.restart_policy == "Always") else {
        return;
    };
    // Once it has started, the pod goes on, whatever becomes of the sidecar.
    let Some((text, _)) = facts.held_back() else {
        return;
    };
    let Some(probe) = &container.startup_probe else {
        return;
    };
    let failed = facts.find(|fact| match fact {
        Fact::Probe(ProbeFact {
            probe: ProbeKind::Startup,
            outcome,
            ..
        }) => Some(outcome),
        _ => None,
    });
    let killed = facts.find(|fact| {
        matches!(
            fact,
            Fact::Killing {
                reason: KillReason::Startup,
                ..
            }
        )
        .then_some(())
    });
    // A run that ended by itself has its own cause.
    if facts.episode.symptom == Symptom::Terminated && killed.is_none() {
        return;
    }
    if let Some(((), message)) = &killed {
        case.proven_by(message.seen());
    }
    if let Some((_, message)) = &failed {
        case.proven_by(message.seen());
    }
    let asks = asks(probe, container);
    let field = facts.field(&format!("{path}.startupProbe"), &asks);
    if killed.is_none() && failed.is_none() {
        case.supported_by(field.clone());
    }
    let name = &container.name;
    case.step(
        format!(
            "{name} is a sidecar (restartPolicy: Always): the pod goes on when its startup probe succeeds"
        ),
        [],
    );
    case.step(format!("the probe asks {asks}"), [field]);
    let met = failed.map_or("it has not succeeded", |(outcome, _)| outcome_text(outcome));
    if let Some((_, message)) = failed {
        case.step(met.to_owned(), [message.seen()]);
    }
    if let Some(((), message)) = killed {
        case.step(
            "so the kubelet ends and restarts it, again and again",
            [message.seen()],
        );
    }
    case.headline(format!(
        "sidecar {name} never counts as started, and {}: its startup probe asks {asks}, and {met}",
        blocked(&text)
    ));
    if let Some(want) = facts.want_log().filter(|_| facts.log().is_none()) {
        case.wants(want, "what the sidecar does instead");
    }
    case.advice(
        format!("let the probe ask where {name} answers, or give it more time: failureThreshold times periodSeconds is {}", crate::wording::count(probe.budget_seconds(), "second")),
        Risk::Restart,
    );
}

/// `container app waits`, from the step about what is held back.
fn blocked(step: &str) -> String {
    let what = step.split_once(" blocks ").map_or("the pod", |(_, rest)| rest);
    let what = what.split(" until ").next().unwrap_or(what);
    format!("{what} is not started")
}

fn asks(probe: &Probe, container: &Container) -> String {
    let port = probe
        .port(container)
        .map_or_else(|| "its port".to_owned(), |port| format!("port {port}"));
    if let Some(http) = &probe.http_get {
        let path = if http.path.is_empty() { "/" } else { &http.path };
        return format!("{path} at {port}");
    }
    if let Some(exec) = &probe.exec {
        return format!("the command {}", exec.command.join(" "));
    }
    port
}

fn outcome_text(outcome: &ProbeOutcome) -> &'static str {
    match outcome {
        ProbeOutcome::Refused { .. } => "nothing listens there on the pod's address",
        ProbeOutcome::ConnectTimeout { .. } => "it gets no connection",
        ProbeOutcome::AnswerTimeout { .. } => "it gets no answer in time",
        _ => "it fails",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, pod, status};

    const FAILED: &str = "Startup probe failed: dial tcp 10.1.0.5:15001: connect: connection refused";

    fn with(sidecar: Value, main_runs: bool) -> Value {
        let main = if main_runs {
            status(json!({}))
        } else {
            status(
                json!({"ready": false, "started": false, "state": {"running": null, "waiting": {"reason": "PodInitializing"}}}),
            )
        };
        pod(json!({
            "spec": {"initContainers": [{"name": "proxy", "image": "p", "restartPolicy": "Always",
                "startupProbe": {"tcpSocket": {"port": 15001}, "periodSeconds": 1, "failureThreshold": 30}}]},
            "status": {"phase": "Pending", "conditions": [], "initContainerStatuses": [sidecar], "containerStatuses": [main]}
        }))
    }

    fn starting() -> Value {
        status(
            json!({"name": "proxy", "ready": false, "started": false, "state": {"running": {"startedAt": "2026-03-01T11:50:00Z"}}}),
        )
    }

    #[test]
    fn proven_by_the_failed_probe() {
        let outcome = Scene::new()
            .object(with(starting(), false))
            .container_event(
                "Pod/shop/app-1",
                "proxy",
                "Unhealthy",
                FAILED,
                "2026-03-01T11:59:00Z",
            )
            .diagnose();
        let finding = outcome.finds_only("INI-SIDECAR-NOT-STARTED", Verdict::Proven);
        for words in [
            "proxy",
            "15001",
            "nothing listens",
            "container app is not started",
        ] {
            assert!(finding.headline.contains(words), "{words}: {}", finding.headline);
        }
    }

    #[test]
    fn likely_without_a_word() {
        Scene::new()
            .object(with(starting(), false))
            .diagnose()
            .finds_only("INI-SIDECAR-NOT-STARTED", Verdict::Likely);
    }

    #[test]
    fn found_when_the_kubelet_restarts_it() {
        let restarted = status(
            json!({"name": "proxy", "ready": false, "started": false, "restartCount": 3,
            "state": {"running": {"startedAt": "2026-03-01T11:59:30Z"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "Error", "startedAt": "2026-03-01T11:58:50Z", "finishedAt": "2026-03-01T11:59:28Z"}}}),
        );
        let outcome = Scene::new()
            .object(with(restarted, false))
            .container_event(
                "Pod/shop/app-1",
                "proxy",
                "Unhealthy",
                FAILED,
                "2026-03-01T11:59:20Z",
            )
            .container_event(
                "Pod/shop/app-1",
                "proxy",
                "Killing",
                "Container proxy failed startup probe, will be restarted",
                "2026-03-01T11:59:20Z",
            )
            .diagnose();
        // The kill by its startup probe is the same fact, and no rival.
        outcome.finds_only("INI-SIDECAR-NOT-STARTED", Verdict::Proven);
    }

    #[test]
    fn calm_once_it_has_started() {
        let started = status(
            json!({"name": "proxy", "ready": true, "started": true, "state": {"running": {"startedAt": "2026-03-01T10:00:01Z"}}}),
        );
        Scene::new()
            .object(with(started, true))
            .container_event(
                "Pod/shop/app-1",
                "proxy",
                "Unhealthy",
                FAILED,
                "2026-03-01T10:00:02Z",
            )
            .diagnose()
            .is_calm();
    }

    #[test]
    fn calm_within_its_own_budget() {
        let young = status(
            json!({"name": "proxy", "ready": false, "started": false, "state": {"running": {"startedAt": "2026-03-01T11:59:50Z"}}}),
        );
        Scene::new().object(with(young, false)).diagnose().is_calm();
    }
}
