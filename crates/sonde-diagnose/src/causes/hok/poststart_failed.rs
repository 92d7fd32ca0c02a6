//! HOK-POSTSTART-FAILED: the postStart hook failed, so the kubelet killed the container.

use sonde_grammar::Fact;
use sonde_grammar::fact::{HookKind, KillReason};
use sonde_model::{Code, Risk};

use super::hooks::{detail, died_of_memory, ended_with_container, failed_before, phrase, said, spec_seen};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("HOK-POSTSTART-FAILED"),
    title: "postStart hook failed",
    explains: &[Symptom::HookFailed, Symptom::Terminated],
    reads: &[],
    state,
    page: page!("HOK-POSTSTART-FAILED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let words = said(facts, HookKind::PostStart);
    let killing = facts.heard(|fact| match fact {
        Fact::Killing {
            reason: KillReason::PostStartHook,
            ..
        } => Some(()),
        _ => None,
    });
    let hook = words.first().map(|(hook, _)| *hook);
    let Some(message) = words
        .first()
        .map(|(_, message)| *message)
        .or(killing.map(|(_, message)| message))
    else {
        return in_an_old_loop(facts, case);
    };
    if hook.is_some_and(ended_with_container) {
        return;
    }
    // Without a detail the hook may just have ended with its container.
    if hook.is_none_or(|hook| detail(hook).is_empty())
        && let Some(seen) = died_of_memory(facts)
    {
        case.refuted_by(seen, "the container was killed for memory while the hook ran");
        return;
    }
    case.generally_proven_by(message.seen());
    let known = hook.map_or(String::new(), detail);
    let phrase = phrase(facts, HookKind::PostStart, hook);
    case.step(
        "the kubelet runs the postStart hook as soon as the container has started",
        spec_seen(facts, HookKind::PostStart),
    );
    case.step(format!("the hook fails{known}"), [message.seen()]);
    case.step(
        "the kubelet kills the container for it",
        killing.map(|(_, message)| message.seen()),
    );
    if let Some((code, ended)) = facts.exit() {
        case.step(format!("its process ends with exit code {code}"), [ended]);
    }
    if known.is_empty()
        && let Some(want) = facts.want_kubelet_log()
    {
        case.wants(want, "why the hook failed: events from 1.26 on do not say it");
    }
    case.headline(format!(
        "the {phrase} fails, so the container is killed each time{known}"
    ));
    case.advice("run the hook's command in the container by hand; what may fail belongs in the main program or an init container", Risk::None);
}

/// The runs before were killed for the hook, one after the other; of this one nothing is told.
fn in_an_old_loop(facts: &Facts<'_>, case: &mut Case) {
    let as_if = facts.exit().filter(|(code, _)| matches!(code, 137 | 143));
    let Some(((code, ended), (hook, message, times))) = as_if.zip(failed_before(facts, HookKind::PostStart))
    else {
        return;
    };
    if ended_with_container(hook) || spec_seen(facts, HookKind::PostStart).is_none() {
        return;
    }
    let phrase = phrase(facts, HookKind::PostStart, Some(hook));
    case.supported_by(message.seen());
    case.headline(format!("the {phrase} fails{}", detail(hook)));
    case.step(
        "the kubelet runs the postStart hook as soon as the container has started",
        spec_seen(facts, HookKind::PostStart),
    );
    case.step(
        format!("the hook failed in {times} earlier runs; of an old loop the kubelet tells no more, as it sends few events about one pod"),
        [message.seen()],
    );
    case.step(
        format!("its process ended with exit code {code}, as the kubelet ends it for a failed hook"),
        [ended],
    );
    if let Some(want) = facts.want_kubelet_log() {
        case.wants(want, "whether the kubelet killed the container for its hook");
    }
    case.advice(
        "see what the hook's command needs, and let the hook succeed where it is not essential",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    fn hooked(status: Value) -> Value {
        pod(json!({
            "spec": {"containers": [{"name": "app", "lifecycle": {"postStart": {"exec": {"command": ["/bin/register"]}}}}]},
            "status": {"containerStatuses": [status]}
        }))
    }

    fn waiting(message: &str) -> Value {
        hooked(status(json!({"ready": false, "state": {"running": null,
            "waiting": {"reason": "PostStartHookError", "message": message}}})))
    }

    #[test]
    fn found_by_the_waiting_message_with_its_detail() {
        let outcome = Scene::new()
            .object(waiting(
                "PostStartHook failed: command '/bin/register' exited with 4: , message: \"no license\"",
            ))
            .diagnose();
        let finding = outcome.finds_only("HOK-POSTSTART-FAILED", Verdict::Proven);
        assert!(
            finding.headline.contains("postStart") && finding.headline.contains('4'),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn found_by_an_event_without_detail_which_is_wanted() {
        for (reason, message) in [
            ("FailedPostStartHook", "PostStartHook failed"),
            (
                "FailedPostStartHook",
                "Exec lifecycle hook ([/bin/register]) for Container \"app\" in Pod \"app-1_shop(0f2f)\" failed - error: command '/bin/register' exited with 1: , message: \"\"",
            ),
            ("Killing", "FailedPostStartHook"),
        ] {
            let outcome = Scene::new()
                .object(hooked(crashed(137, "Error")))
                .container_event("Pod/shop/app-1", "app", reason, message, "2026-03-01T11:57:50Z")
                .diagnose();
            outcome.finds_only("HOK-POSTSTART-FAILED", Verdict::Proven);
        }
    }

    #[test]
    fn not_this_runs_and_calm_when_it_runs() {
        let earlier = Scene::new()
            .object(hooked(crashed(137, "Error")))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "FailedPostStartHook",
                "PostStartHook failed",
                "2026-03-01T11:40:00Z",
            );
        earlier.diagnose().lacks("HOK-POSTSTART-FAILED");
        Scene::new()
            .object(hooked(status(json!({}))))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "FailedPostStartHook",
                "PostStartHook failed",
                "2026-03-01T10:00:00Z",
            )
            .diagnose()
            .is_calm();
    }
}
