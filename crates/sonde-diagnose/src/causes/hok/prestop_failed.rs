//! HOK-PRESTOP-FAILED: the preStop hook failed, so the container was ended without what the hook should have done.

use sonde_grammar::Fact;
use sonde_grammar::fact::HookKind;
use sonde_model::{Code, Risk, Severity};

use super::hooks::{detail, phrase, said, spec_seen};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("HOK-PRESTOP-FAILED"),
    title: "preStop hook failed",
    explains: &[Symptom::HookFailed],
    reads: &[],
    state,
    page: page!("HOK-PRESTOP-FAILED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    // A hook that ends with 137 was itself killed: it ran longer than it may.
    let killed = facts.find(|fact| match fact {
        Fact::Hook(it) if it.hook == HookKind::PreStop && it.exit_code == Some(137) => Some(()),
        _ => None,
    });
    if let Some((_, message)) = killed {
        case.refuted_by(message.seen(), "the hook was killed while it still ran");
        return;
    }
    let words = said(facts, HookKind::PreStop);
    let Some((hook, message)) = words.first().copied() else {
        return;
    };
    case.generally_proven_by(message.seen());
    case.severity(Severity::Warning);
    let known = detail(hook);
    let phrase = phrase(facts, HookKind::PreStop, Some(hook));
    case.step(
        "the kubelet runs the preStop hook before it ends the container",
        spec_seen(facts, HookKind::PreStop),
    );
    case.step(format!("the hook fails{known}"), [message.seen()]);
    case.step(
        "the container is ended all the same, without what the hook should have done",
        [],
    );
    if known.is_empty()
        && let Some(want) = facts.want_kubelet_log()
    {
        case.wants(want, "why the hook failed: events from 1.26 on do not say it");
    }
    case.headline(format!(
        "the {phrase} fails whenever the container is ended{known}"
    ));
    case.advice(
        "run the hook's command in the container by hand, and see that the image has it",
        Risk::None,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    fn hooked(status: Value) -> Value {
        pod(json!({
            "spec": {"containers": [{"name": "app", "lifecycle": {"preStop": {"exec": {"command": ["/opt/drain.sh"]}}},
                "livenessProbe": {"exec": {"command": ["false"]}}}]},
            "status": {"containerStatuses": [status]}
        }))
    }

    #[test]
    fn found_beside_the_reason_of_the_restart() {
        let outcome = Scene::new()
            .object(hooked(crashed(137, "Error")))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Unhealthy",
                "Liveness probe failed: ",
                "2026-03-01T11:57:50Z",
            )
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                "Container app failed liveness probe, will be restarted",
                "2026-03-01T11:57:50Z",
            )
            .container_event(
                "Pod/shop/app-1",
                "app",
                "FailedPreStopHook",
                "PreStopHook failed",
                "2026-03-01T11:57:51Z",
            )
            .diagnose();
        assert_eq!(outcome.finding("HOK-PRESTOP-FAILED").verdict, Verdict::Proven);
        assert_eq!(outcome.finding("LIV-EXEC-PROBE-FAILS").verdict, Verdict::Proven);
    }

    #[test]
    fn calm_when_the_container_has_run_well_since_long() {
        let recovered = status(json!({
            "restartCount": 1, "state": {"running": {"startedAt": "2026-03-01T11:20:00Z"}},
            "lastState": {"terminated": {"exitCode": 143, "reason": "Error",
                "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T11:19:58Z"}}
        }));
        Scene::new()
            .object(hooked(recovered))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "FailedPreStopHook",
                "PreStopHook failed",
                "2026-03-01T11:19:51Z",
            )
            .diagnose()
            .is_calm();
    }
}
