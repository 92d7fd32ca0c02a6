//! HOK-POSTSTART-HUNG: the postStart hook does not end, so the container never counts as started.

use jiff::SignedDuration;
use sonde_grammar::fact::HookKind;
use sonde_model::{Code, Risk, Severity};

use super::hooks::{phrase, spec, spec_seen};
use crate::cause::page;
use crate::message::Origin;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("HOK-POSTSTART-HUNG"),
    title: "postStart hook does not end",
    explains: &[Symptom::NotStarting, Symptom::Deleting],
    reads: &[],
    state,
    page: page!("HOK-POSTSTART-HUNG"),
};

/// The kubelet shows a started container within seconds. A guess.
const SHOWN: SignedDuration = SignedDuration::from_secs(20);
/// Hooks may work for a while; until then it is a warning. A guess.
const LONG: SignedDuration = SignedDuration::from_mins(5);

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((name, _, _)) = spec(facts, HookKind::PostStart) else {
        return;
    };
    let waits = facts
        .pod()
        .container_status(name)
        .is_none_or(|(status, _)| status.state.waiting.is_some());
    if !waits {
        return;
    }
    let alone = facts.pod().spec.containers.len() == 1 && facts.pod().spec.init_containers.is_empty();
    // From 1.35 on the text does not name the container; the event's field path does.
    let started = facts.all_messages().find(|message| {
        message.origin == Origin::Event
            && message.reason == "Started"
            && (message.container.as_deref() == Some(name)
                || alone
                || message.seen.text.ends_with(&format!("container {name}")))
    });
    let Some(started) = started else { return };
    let age = facts
        .now
        .zip(started.seen.time)
        .map(|(now, time)| now.duration_since(time));
    let Some(age) = age.filter(|age| *age > SHOWN) else {
        return;
    };
    case.supported_by(started.seen());
    if age < LONG {
        case.severity(Severity::Warning);
    }
    let phrase = phrase(facts, HookKind::PostStart, None);
    case.step(
        format!("container {name} was started {} s ago", age.as_secs()),
        [started.seen()],
    );
    case.step(
        "the kubelet waits for its postStart hook before it goes on",
        spec_seen(facts, HookKind::PostStart),
    );
    if let Some((status, path)) = facts.pod().container_status(name)
        && let Some(waiting) = &status.state.waiting
    {
        case.step(
            "until then the container is shown as being created, and those after it are not started",
            [facts.field(&format!("{path}.state.waiting"), &waiting.reason)],
        );
    }
    let ends = facts.episode.symptom == Symptom::Deleting;
    let follows = if ends {
        "the pod cannot end"
    } else {
        "the container does not count as started"
    };
    case.headline(format!(
        "the {phrase} has not ended for {} s, so {follows}",
        age.as_secs()
    ));
    if ends {
        let deletion = facts.pod().metadata.deletion_timestamp.0;
        case.step(
            "the kubelet ends the pod only after the hook",
            deletion.map(|time| facts.field("metadata.deletionTimestamp", time)),
        );
        case.fix(
            crate::causes::trm::forced_delete_leaves(facts),
            format!(
                "kubectl delete {} --grace-period=0 --force",
                facts.episode.subject.kubectl()
            ),
            Risk::DataLoss,
        );
    }
    if let Some(want) = facts.want_kubelet_log() {
        case.wants(want, "whether the kubelet still waits for the hook");
    }
    case.advice(
        "give the hook a time-out of its own, or let the main program do its work; a hook has no time limit",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, pod, status};

    fn creating(hook: Value) -> Value {
        pod(json!({
            "spec": {"containers": [{"name": "app", "lifecycle": hook}]},
            "status": {"phase": "Pending", "containerStatuses": [status(json!({"ready": false, "started": false,
                "state": {"running": null, "waiting": {"reason": "ContainerCreating"}}}))]}
        }))
    }

    fn hung() -> Value {
        creating(json!({"postStart": {"exec": {"command": ["sleep", "100000"]}}}))
    }

    #[test]
    fn found_when_it_was_started_and_is_still_being_created() {
        for time in ["2026-03-01T11:59:15Z", "2026-03-01T10:00:05Z"] {
            let outcome = Scene::new()
                .object(hung())
                .container_event("Pod/shop/app-1", "app", "Started", "Started container app", time)
                .diagnose();
            let finding = outcome.finds_only("HOK-POSTSTART-HUNG", Verdict::Likely);
            assert!(finding.headline.contains("postStart"), "{}", finding.headline);
        }
    }

    #[test]
    fn not_found_before_the_start_or_without_a_hook() {
        Scene::new().object(hung()).diagnose().lacks("HOK-POSTSTART-HUNG");
        let plain = Scene::new().object(creating(json!({})));
        plain
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Started",
                "Started container app",
                "2026-03-01T10:00:05Z",
            )
            .diagnose()
            .lacks("HOK-POSTSTART-HUNG");
    }

    #[test]
    fn calm_right_after_the_start() {
        let mut young = hung();
        young["metadata"]["creationTimestamp"] = "2026-03-01T11:59:40Z".into();
        young["status"]["startTime"] = "2026-03-01T11:59:40Z".into();
        let it = Scene::new().object(young);
        it.container_event(
            "Pod/shop/app-1",
            "app",
            "Started",
            "Started container app",
            "2026-03-01T11:59:50Z",
        )
        .diagnose()
        .is_calm();
    }
}
