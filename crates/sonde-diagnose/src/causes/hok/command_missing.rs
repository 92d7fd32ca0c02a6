//! HOK-COMMAND-MISSING: the command of a hook is not in the image.

use sonde_grammar::fact::HookKind;
use sonde_model::{Code, Risk, Severity};

use super::hooks::{at_each_rollout, detail, phrase, said, spec_seen};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("HOK-COMMAND-MISSING"),
    title: "the command of a hook is missing",
    explains: &[Symptom::HookFailed, Symptom::Terminated],
    reads: &[],
    state,
    page: page!("HOK-COMMAND-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    // A preStop hook that fails does not end the container; only a postStart hook explains an end.
    let kinds: &[HookKind] = match facts.episode.symptom {
        Symptom::Terminated => &[HookKind::PostStart],
        _ => &[HookKind::PostStart, HookKind::PreStop],
    };
    let found = kinds.iter().find_map(|kind| {
        let missing = said(facts, *kind)
            .into_iter()
            .find(|(hook, _)| hook.command_missing)?;
        Some((*kind, missing))
    });
    let Some((kind, (hook, message))) = found else {
        return;
    };
    case.proven_by(message.seen());
    let phrase = phrase(facts, kind, Some(hook));
    case.step("the hook's command", spec_seen(facts, kind));
    case.step(format!("it cannot be run{}", detail(hook)), [message.seen()]);
    match kind {
        HookKind::PostStart => {
            case.step(
                "the kubelet kills the container because its postStart hook fails",
                facts.exit().map(|(_, ended)| ended),
            );
            case.headline(format!("the {phrase} cannot be run: its command is not in the image; the container is killed each time"));
        }
        HookKind::PreStop => {
            at_each_rollout(facts, case);
            case.severity(Severity::Warning);
            case.headline(format!(
                "the {phrase} cannot be run: its command is not in the image"
            ));
        }
    }
    case.advice(
        "install the command in the image, or name it by its full path; images without a shell have no sh",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    const MISSING: &str = "PostStartHook failed: rpc error: code = Unknown desc = failed to exec in container: failed to start exec \"8f\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"/opt/register.sh\": stat /opt/register.sh: no such file or directory: unknown";

    fn hooked(status: Value) -> Value {
        pod(json!({
            "spec": {"containers": [{"name": "app", "lifecycle": {"postStart": {"exec": {"command": ["/opt/register.sh"]}}}}]},
            "status": {"containerStatuses": [status]}
        }))
    }

    #[test]
    fn found_by_the_waiting_message() {
        let waiting = status(
            json!({"ready": false, "state": {"running": null, "waiting": {"reason": "PostStartHookError", "message": MISSING}}}),
        );
        let outcome = Scene::new().object(hooked(waiting)).diagnose();
        let finding = outcome.finds_only("HOK-COMMAND-MISSING", Verdict::Proven);
        assert!(
            finding.headline.contains("/opt/register.sh"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn found_by_the_kubelet_log_where_the_event_says_nothing() {
        let log = "E0301 11:57:50.000000     812 kuberuntime_container.go:301] \"Failed to execute PostStartHook\" err=\"rpc error: code = Unknown desc = failed to exec in container: OCI runtime exec failed: exec failed: unable to start container process: exec: \\\"/opt/register.sh\\\": stat /opt/register.sh: no such file or directory: unknown\" pod=\"shop/app-1\" podUID=\"0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60\" containerName=\"app\" containerID=\"containerd://cc\"";
        let outcome = Scene::new()
            .object(hooked(crashed(137, "Error")))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "FailedPostStartHook",
                "PostStartHook failed",
                "2026-03-01T11:57:50Z",
            )
            .kubelet("n1", log)
            .diagnose();
        outcome.finds_only("HOK-COMMAND-MISSING", Verdict::Proven);
    }

    #[test]
    fn not_claimed_by_the_bare_event() {
        let outcome = Scene::new()
            .object(hooked(crashed(137, "Error")))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "FailedPostStartHook",
                "PostStartHook failed",
                "2026-03-01T11:57:50Z",
            )
            .diagnose();
        outcome.lacks("HOK-COMMAND-MISSING");
    }
}
