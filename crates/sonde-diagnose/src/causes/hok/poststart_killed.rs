//! HOK-POSTSTART-KILLED: the postStart hook did not fail by itself: its container ended, or was killed, under it.

use sonde_grammar::fact::{HookFact, HookKind};
use sonde_model::{Code, Risk};

use super::hooks::{detail, died_of_memory, ended_with_container, phrase, said, spec_seen};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("HOK-POSTSTART-KILLED"),
    title: "postStart hook ended with its container",
    explains: &[Symptom::HookFailed],
    reads: &[],
    state,
    page: page!("HOK-POSTSTART-KILLED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let words = said(facts, HookKind::PostStart);
    let memory = died_of_memory(facts);
    let cut_off =
        |hook: &HookFact| ended_with_container(hook) || (memory.is_some() && detail(hook).is_empty());
    let Some((hook, message)) = words.into_iter().find(|(hook, _)| cut_off(hook)) else {
        return;
    };
    case.proven_by(message.seen());
    if let Some(seen) = memory {
        case.proven_by(seen.clone());
        case.step("the kernel kills the container for memory", [seen]);
    }
    let phrase = phrase(facts, HookKind::PostStart, Some(hook));
    case.step(
        "the kubelet runs the postStart hook beside the main process",
        spec_seen(facts, HookKind::PostStart),
    );
    case.step(
        format!(
            "the container ends while the hook runs, and the hook with it{}",
            detail(hook)
        ),
        [message.seen()],
    );
    case.headline(format!(
        "the {phrase} was cut off because its container ended under it"
    ));
    case.advice(
        "find out why the container itself ends: its exit code and its log say it; the hook is not to blame",
        Risk::None,
    );
    if facts.episode.container.is_some() && !facts.is_text() {
        case.look("why the container ended", facts.logs_command());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use crate::testing::{Scene, pod, status};

    fn waiting(message: &str) -> serde_json::Value {
        pod(json!({
            "spec": {"containers": [{"name": "app", "lifecycle": {"postStart": {"exec": {"command": ["/bin/register"]}}}}]},
            "status": {"containerStatuses": [status(json!({"ready": false, "state": {"running": null,
                "waiting": {"reason": "PostStartHookError", "message": message}}}))]}
        }))
    }

    #[test]
    fn found_when_the_hook_was_cut_off() {
        let outcome = Scene::new()
            .object(waiting(
                "PostStartHook failed: command '/bin/register' exited with 137: , message: \"\"",
            ))
            .diagnose();
        outcome.finds_only("HOK-POSTSTART-KILLED", Verdict::Proven);
    }

    #[test]
    fn not_found_when_the_hook_itself_fails() {
        let outcome = Scene::new()
            .object(waiting(
                "PostStartHook failed: command '/bin/register' exited with 1: , message: \"\"",
            ))
            .diagnose();
        outcome.lacks("HOK-POSTSTART-KILLED");
    }
}
