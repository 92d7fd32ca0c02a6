//! HOK-PRESTOP-FAILED: the preStop hook failed, so the container was ended without what the hook should have done.

use sonde_grammar::Fact;
use sonde_grammar::fact::HookKind;
use sonde_model::{Code, Risk, Severity};

use super::hooks::{at_each_rollout, detail, phrase, said, spec_seen};
use crate::cause::page;
use crate::{Case, Cause, Facts, Message, Symptom, Want};

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
    at_each_rollout(facts, case);
    let want = facts
        .want_kubelet_log()
        .or_else(|| kubelet_log_of(facts, message));
    if known.is_empty()
        && let Some(want) = want
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

/// The log of the kubelet that sent the event: of a pod that is gone nothing else tells the node.
fn kubelet_log_of(facts: &Facts<'_>, message: &Message) -> Option<Want> {
    let events = facts.snapshot.events_about(&facts.episode.subject);
    let event = events
        .iter()
        .filter_map(|it| it.event())
        .find(|it| it.last == message.seen.time && !it.host.is_empty())?;
    Some(Want::KubeletLog {
        node: event.host.clone(),
        around: event.last,
    })
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

    /// The pod that was replaced, its set, its deployment with this hook, and how long ago the hook failed.
    fn replaced(today: &Value, minute: &str) -> Scene {
        let spec = |hook: &Value| json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "lifecycle": hook}]}});
        let drain = json!({"preStop": {"exec": {"command": ["/bin/drain"]}}});
        let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u-web", "controller": true}]);
        Scene::new()
            .object(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web-6f7c", "namespace": "shop", "ownerReferences": owner},
                "spec": {"replicas": 0, "template": spec(&drain)}, "status": {}}))
            .object(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "uid": "u-web"},
                "spec": {"replicas": 0, "template": spec(today)}, "status": {}}))
            .complete(&[sonde_model::Kind::Pod])
            .object(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "web-6f7c-abcde.1", "namespace": "shop"},
                "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web-6f7c-abcde", "fieldPath": "spec.containers{app}"},
                "type": "Warning", "reason": "FailedPreStopHook", "message": "PreStopHook failed", "count": 1,
                "source": {"component": "kubelet", "host": "n1"},
                "firstTimestamp": format!("2026-03-01T{minute}:00Z"), "lastTimestamp": format!("2026-03-01T{minute}:00Z")}))
    }

    #[test]
    fn a_hook_that_failed_with_a_replaced_pod_fails_at_each_rollout() {
        let drain = json!({"preStop": {"exec": {"command": ["/bin/drain"]}}});
        let outcome = replaced(&drain, "11:59").diagnose();
        let finding = outcome.finds_only("HOK-PRESTOP-FAILED", Verdict::Proven);
        assert_eq!(finding.severity, sonde_model::Severity::Warning);
        assert!(
            finding.headline.contains("exec /bin/drain") && finding.headline.contains("deploy/web"),
            "{}",
            finding.headline
        );
        assert!(!outcome.wants.is_empty(), "the kubelet's log tells why");
        // The kubelet's log says why, without naming the hook.
        let line = "I0301 11:59:00.000000    30 handlers.go:86] \"Exec lifecycle hook for Container in Pod failed\" execCommand=[\"/bin/drain\"] containerName=\"app\" pod=\"shop/web-6f7c-abcde\" message=\"\" err=\"rpc error: code = Unknown desc = failed to exec in container: failed to start exec \\\"3f\\\": OCI runtime exec failed: exec failed: unable to start container process: exec: \\\"/bin/drain\\\": stat /bin/drain: no such file or directory: unknown\"";
        let outcome = replaced(&drain, "11:59").kubelet("n1", line).diagnose();
        let finding = outcome.finds_only("HOK-COMMAND-MISSING", Verdict::Proven);
        assert_eq!(finding.severity, sonde_model::Severity::Warning);
        assert!(
            finding.headline.starts_with("the preStop hook") && finding.subject.name.as_ref() == "web",
            "{finding:?}"
        );
        // Mended since, taken out since, or long ago.
        let other = json!({"preStop": {"exec": {"command": ["/bin/true"]}}});
        for (today, minute) in [(&other, "11:59"), (&Value::Null, "11:59"), (&drain, "10:30")] {
            replaced(today, minute).diagnose().is_calm();
        }
    }
}
