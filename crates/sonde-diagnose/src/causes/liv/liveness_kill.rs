//! LIV-LIVENESS-KILL: the kubelet killed the container because its liveness probe failed too often.

use sonde_grammar::Fact;
use sonde_grammar::fact::{KillReason, ProbeKind};
use sonde_model::{Code, Risk};

use crate::cause::page;
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
    let Some(run) = &facts.episode.run else { return };
    let Some((container, path)) = facts.container() else { return };
    let ended = facts.field(&run.path, format!("exitCode: {}, reason: {}", run.end.exit_code, run.end.reason));
    let Some(probe) = &container.liveness_probe else {
        if !facts.is_partial() && matches!(run.end.exit_code, 137 | 143) {
            let seen = facts.field(&format!("{path}.livenessProbe"), "not set");
            case.refuted_by(seen, "the container has no liveness probe");
        }
        return;
    };
    let killing = facts.find(|fact| match fact {
        Fact::Killing { reason: KillReason::Liveness, .. } => Some(()),
        _ => None,
    });
    let failing = facts.find(|fact| match fact {
        Fact::Probe(it) if it.probe == ProbeKind::Liveness => Some(it),
        _ => None,
    });
    let settings = facts.field(
        &format!("{path}.livenessProbe"),
        format!(
            "every {}s, time-out {}s, kill after {} failures",
            probe.period(),
            probe.timeout(),
            probe.failures()
        ),
    );
    match (&killing, &failing) {
        (Some((_, message)), _) => {
            case.proven_by(message.seen());
        }
        (None, Some((_, message))) if matches!(run.end.exit_code, 137 | 143) => {
            case.supported_by(message.seen());
        }
        _ => {
            if matches!(run.end.exit_code, 137 | 143)
                && let Some(want) = facts.want_kubelet_log() {
                    case.wants(want, "whether the kubelet killed the container for its liveness probe");
                }
            return;
        }
    }
    let name = &container.name;
    case.step("the kubelet asks the container whether it is alive", [settings]);
    if let Some((_, message)) = &failing {
        case.step("the answers fail", [message.seen()]);
    }
    case.step("the kubelet stops the container", killing.map(|(_, message)| message.seen()));
    case.step(format!("its process ends with exit code {}", run.end.exit_code), [ended]);
    case.headline(format!("container {name} is killed again and again by its liveness probe"));
    case.advice(
        "find out why the probe fails: the application hangs, is too slow under load, or the probe asks the wrong thing",
        Risk::None,
    );
    case.look(
        "what the container did before it was killed",
        format!("kubectl logs {} -c {name} --previous --tail=200", facts.episode.subject.kubectl()),
    );
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
                "Liveness probe failed: HTTP probe failed with statuscode: 503",
                "2026-03-01T11:57:30Z",
            )
            .diagnose();
        outcome.finds_only("LIV-LIVENESS-KILL", Verdict::Proven);
    }

    #[test]
    fn not_found_when_the_kill_belongs_to_an_earlier_run() {
        let outcome = killing(Scene::new().object(probed(crashed(1, "Error"))), "2026-03-01T11:30:00Z").diagnose();
        outcome.lacks("LIV-LIVENESS-KILL");
    }

    #[test]
    fn unknown_when_no_event_is_left() {
        Scene::new().object(probed(crashed(137, "Error"))).diagnose().does_not_claim("LIV-LIVENESS-KILL");
    }

    #[test]
    fn silent_on_a_healthy_pod_with_an_old_failure() {
        let outcome = Scene::new()
            .object(probed(status(json!({}))))
            .container_event("Pod/shop/app-1", "app", "Unhealthy", "Liveness probe failed: ", "2026-03-01T10:30:00Z")
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
