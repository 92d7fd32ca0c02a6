//! LIV-LIVENESS-KILL: the kubelet killed the container because its liveness probe failed too often; why it failed is
//! not known, or has no cause of its own.

use sonde_grammar::fact::ProbeKind;
use sonde_model::{Code, Risk};

use super::killed::{Killed, Strong, killed};
use crate::cause::page;
use crate::probing::{Failing, GRPC_UNMET, GRPC_UNMET_ADVICE, Why};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LIV-LIVENESS-KILL"),
    title: "killed by the liveness probe",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("LIV-LIVENESS-KILL"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let code = facts.exit().map(|(code, _)| code);
    let Some(killed) = killed(facts, ProbeKind::Liveness) else {
        let Some((container, path)) = facts.container() else {
            return;
        };
        if !matches!(code, Some(137 | 143)) || facts.killing().is_some() {
            return;
        }
        if container.liveness_probe.is_some() {
            if let Some(want) = facts.want_kubelet_log() {
                case.wants(
                    want,
                    "whether the kubelet killed the container for its liveness probe",
                );
            }
        } else if !facts.is_partial() {
            case.refuted_by(
                facts.field(&format!("{path}.livenessProbe"), "not set"),
                "the container has no liveness probe",
            );
        }
        return;
    };
    if killed.why.as_ref().is_some_and(has_its_own_cause) {
        return;
    }
    let unmet = killed.failing.as_ref().is_some_and(Failing::is_grpc_unmet);
    let reason = if unmet { GRPC_UNMET } else { "" };
    killed.state(facts, case, Strong::General, reason, None);
    let Killed { who, failing, .. } = &killed;
    let restarts = facts.episode.run.as_ref().map_or(0, |run| run.restarts);
    let times = killed.killing.map_or(0, |message| message.count);
    let is_killed = if restarts > 1 || times > 1 {
        "is killed again and again by its liveness probe"
    } else {
        &format!("{} its liveness probe", killed.is)
    };
    case.headline(match failing.as_ref().map(Failing::met) {
        Some(met) => format!("{who} {is_killed}: {met}"),
        None => format!("{who} {is_killed}"),
    });
    if matches!(killed.why, Some(Why::WrongScheme)) {
        let (path, scheme) = failing.as_ref().and_then(|it| it.spec.as_ref()).map_or(
            ("livenessProbe.httpGet.scheme".to_owned(), "HTTPS"),
            |(_, probe, path)| {
                let http = probe.http_get.as_ref();
                let is_tls = http.is_some_and(|it| it.scheme == "HTTPS");
                (
                    format!("{path}.httpGet.scheme"),
                    if is_tls { "HTTPS" } else { "HTTP" },
                )
            },
        );
        let other = if scheme == "HTTPS" { "HTTP" } else { "HTTPS" };
        case.advice(
            format!("set {path} to {other}, which is what the application speaks there, or let it speak {scheme} on this port"),
            Risk::Restart,
        );
        return;
    }
    let is_grpc = matches!(killed.why, Some(Why::Grpc));
    case.advice(
        if unmet {
            GRPC_UNMET_ADVICE
        } else if is_grpc {
            "see that the application listens for gRPC on the port that the probe names, on the pod's address, and registers grpc.health.v1.Health"
        } else {
            "find out why the probe fails: the application hangs, is too slow under load, or the probe asks the wrong thing"
        },
        Risk::None,
    );
}

/// The reason is told by a more exact cause.
fn has_its_own_cause(why: &Why) -> bool {
    !matches!(why, Why::Other | Why::Grpc | Why::WrongScheme)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    const KILLED: &str = "Container app failed liveness probe, will be restarted";

    fn probed(status: Value) -> Value {
        pod(json!({
            "spec": {"containers": [{"name": "app",
                "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}}}]},
            "status": {"containerStatuses": [status]}
        }))
    }

    fn killing(scene: Scene, time: &str) -> Scene {
        scene.container_event("Pod/shop/app-1", "app", "Killing", KILLED, time)
    }

    #[test]
    fn found_when_the_kubelet_says_so() {
        let outcome = killing(Scene::new().object(probed(crashed(137, "Error"))), "2026-03-01T11:57:30Z")
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Unhealthy",
                "Liveness probe failed: Get \"http://10.0.0.9:8080/healthz\": read tcp 10.0.0.1:4000->10.0.0.9:8080: read: connection reset by peer",
                "2026-03-01T11:57:30Z",
            )
            .diagnose();
        outcome.finds_only("LIV-LIVENESS-KILL", Verdict::Proven);
    }

    #[test]
    fn not_found_when_the_kill_belongs_to_an_earlier_run() {
        let outcome = killing(
            Scene::new().object(probed(crashed(1, "Error"))),
            "2026-03-01T11:30:00Z",
        )
        .diagnose();
        outcome.lacks("LIV-LIVENESS-KILL");
    }

    #[test]
    fn unknown_when_no_event_is_left() {
        Scene::new()
            .object(probed(crashed(137, "Error")))
            .diagnose()
            .does_not_claim("LIV-LIVENESS-KILL");
    }

    #[test]
    fn silent_on_a_healthy_pod_with_an_old_failure() {
        let outcome = Scene::new()
            .object(probed(status(json!({}))))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Unhealthy",
                "Liveness probe failed: ",
                "2026-03-01T10:30:00Z",
            )
            .diagnose();
        outcome.is_calm();
    }

    #[test]
    fn over_when_it_has_run_well_since() {
        let recovered = status(json!({
            "restartCount": 1,
            "state": {"running": {"startedAt": "2026-03-01T11:20:00Z"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "Error",
                "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T11:19:58Z"}}
        }));
        let outcome = killing(Scene::new().object(probed(recovered)), "2026-03-01T11:19:30Z").diagnose();
        assert!(outcome.is_calm().finding("LIV-LIVENESS-KILL").ended.is_some());
    }
}
