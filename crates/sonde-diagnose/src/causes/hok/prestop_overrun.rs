//! HOK-PRESTOP-OVERRUN: the preStop hook used up the grace period, so the process got no time of its own and was killed.

use jiff::SignedDuration;
use sonde_grammar::Fact;
use sonde_grammar::fact::{HookKind, KillReason};
use sonde_model::{Code, Risk};

use crate::cause::page;
use crate::deaths::Sent;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("HOK-PRESTOP-OVERRUN"),
    title: "preStop hook outlived the grace period",
    explains: &[Symptom::Terminated, Symptom::HookFailed, Symptom::Deleting],
    reads: &[],
    state,
    page: page!("HOK-PRESTOP-OVERRUN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let pod = facts.pod();
    let hooked: Vec<_> = pod
        .spec
        .containers
        .iter()
        .enumerate()
        .filter(|(_, container)| {
            facts
                .episode
                .container
                .as_deref()
                .is_none_or(|name| name == container.name)
        })
        .filter_map(|(at, container)| {
            let hook = container.lifecycle.as_ref()?.pre_stop.as_ref()?;
            Some((
                container,
                hook,
                format!("spec.containers[{at}].lifecycle.preStop"),
            ))
        })
        .collect();
    if let Some(run) = &facts.episode.run {
        if run.end.exit_code != Some(137) {
            return;
        }
        if hooked.is_empty() && !facts.is_partial() {
            let path = facts
                .container()
                .map_or("spec.containers[]".to_owned(), |(_, path)| path);
            case.refuted_by(
                facts.unset(&format!("{path}.lifecycle.preStop")),
                "the container has no preStop hook",
            );
            return;
        }
        if facts.episode.symptom == Symptom::Terminated
            && let Some((KillReason::Liveness | KillReason::Startup | KillReason::PostStartHook, _)) =
                facts.killing()
        {
            // Whether the hook used up the time of that end is told of the hook.
            return;
        }
    }
    let Some((container, hook, path)) = hooked.first() else {
        return;
    };
    let overran = facts.find(|fact| match fact {
        Fact::Hook(it) if it.hook == HookKind::PreStop && it.overran => Some(()),
        _ => None,
    });
    // A hook that ends with 137 was killed while it ran: at the end of the grace period the kubelet does that.
    let killed = facts.find(|fact| match fact {
        Fact::Hook(it) if it.hook == HookKind::PreStop && it.exit_code == Some(137) => Some(()),
        _ => None,
    });
    let (grace, grace_seen) = facts.grace();
    let late = late_signal(facts, grace);
    let command = hook.exec.as_ref().map(|exec| exec.command.join(" "));
    let sleeps = hook
        .sleep
        .as_ref()
        .map(|sleep| sleep.seconds)
        .or_else(|| sleep_of(command.as_deref()?));
    let what = match (&command, sleeps) {
        (Some(command), _) => format!("exec: {command}"),
        (None, Some(seconds)) => format!("sleep: {seconds}s"),
        (None, None) => "httpGet".into(),
    };
    let hook_seen = facts.field(path, &what);
    if let Some((_, message)) = &overran {
        case.proven_by(message.seen());
    } else if let Some(Late::Proven(asked)) = &late {
        case.proven_by(asked.seen.clone());
    } else if let Some((_, message)) = &killed {
        case.supported_by(message.seen());
    } else if let Some(Late::Likely(asked)) = &late {
        case.supported_by(asked.seen.clone());
    } else if sleeps.is_some_and(|seconds| seconds >= grace) {
        // The sleep alone is as long as the grace period: nothing else can come after it.
        case.supported_by(hook_seen.clone());
    } else {
        // An overrun leaves no event in any version; only the kubelet's log tells.
        if let Some(want) = facts.want_kubelet_log() {
            case.wants(
                want,
                "whether the preStop hook was still running when the grace period ended",
            );
        }
        return;
    }
    let name = &container.name;
    case.step(
        format!("at its end {name} has {grace}s for preStop hook and shutdown together"),
        [grace_seen],
    );
    case.step(
        "the kubelet runs the preStop hook before it sends SIGTERM",
        [hook_seen],
    );
    case.step(
        "the hook is still running when the time is up",
        overran.or(killed).map(|(_, message)| message.seen()),
    );
    if let Some(Late::Proven(asked) | Late::Likely(asked)) = &late {
        case.step(
            format!("only then {} sends {}", asked.from(), asked.name()),
            [asked.seen.clone()],
        );
    }
    case.step(
        "the process gets SIGTERM and two seconds later SIGKILL",
        facts.exit().map(|(_, ended)| ended),
    );
    let end = facts.exit().map_or(String::new(), |(code, _)| {
        format!(", so it is killed (exit code {code})")
    });
    case.headline(format!(
        "the preStop hook of {name} takes longer than the grace period of {grace}s{end}"
    ));
    let text = "give the pod more grace than hook and shutdown need together, or shorten the hook";
    match facts.template_owner() {
        Some(owner) => case.fix(
            text,
            format!(
                "kubectl patch {} --type merge -p '{{\"spec\":{{\"template\":{{\"spec\":{{\"terminationGracePeriodSeconds\":{}}}}}}}}}'",
                owner.kubectl(),
                grace.saturating_mul(2).max(60)
            ),
            Risk::Restart,
        ),
        None => case.advice(text, Risk::Restart),
    };
}

/// What an agent saw of a hook that used up the time: the runtime's SIGTERM came when it was over.
enum Late<'a> {
    /// So long after the kubelet's word that it stops the container.
    Proven(Sent<'a>),
    /// Right before SIGKILL; who asked for an end with little time is not known.
    Likely(Sent<'a>),
}

/// Between the two signals the kubelet leaves two seconds at least (`minimumGracePeriodInSeconds`).
const LEFT_MOST: SignedDuration = SignedDuration::from_millis(3_500);

fn late_signal<'a>(facts: &Facts<'a>, grace: i64) -> Option<Late<'a>> {
    let witness = facts.witness();
    let asked = witness.asked().filter(|sent| sent.by_runtime())?;
    let kill = witness.kill().filter(|sent| sent.by_runtime())?;
    let left = kill.time.duration_since(asked.time);
    if left > LEFT_MOST || grace / 2 < LEFT_MOST.as_secs() {
        return None;
    }
    let told = facts.killing().and_then(|(_, message)| message.seen.time);
    match told.map(|told| asked.time.duration_since(told).as_secs()) {
        Some(waited) if waited >= grace.saturating_sub(LEFT_MOST.as_secs()) => {
            Some(Late::Proven(asked.clone()))
        }
        Some(_) => None,
        None => Some(Late::Likely(asked.clone())),
    }
}

/// The seconds of a command that only sleeps, or sleeps first: `sleep 60`, `sh -c "sleep 60; ..."`.
fn sleep_of(command: &str) -> Option<i64> {
    let (_, after) = command.split_once("sleep ")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod};

    const OVERRUN: &str = "I0301 11:58:00.000000    812 kuberuntime_container.go:642] \"PreStop hook not completed in grace period\" pod=\"shop/app-1\" podUID=\"0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60\" containerName=\"app\" containerID=\"containerd://cc\" gracePeriod=30";

    fn hooked(hook: Value) -> Value {
        pod(json!({
            "spec": {"containers": [{"name": "app", "lifecycle": {"preStop": hook}}]},
            "status": {"containerStatuses": [crashed(137, "Error")]}
        }))
    }

    fn slow() -> Value {
        hooked(json!({"exec": {"command": ["/bin/drain"]}}))
    }

    #[test]
    fn the_kubelets_line_that_does_not_say_which_hook_is_about_the_one_that_there_is() {
        let lines = "I0301 11:58:00.000000 29 handlers.go:86] \"Exec lifecycle hook for Container in Pod failed\" execCommand=[\"/bin/sh\",\"-c\",\"drain\"] containerName=\"app\" pod=\"shop/app-1\" message=\"\" err=\"command '/bin/sh -c drain' exited with 137: \"";
        let it = pod(
            json!({"spec": {"containers": [{"name": "app", "lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", "drain"]}}}}]},
            "status": {"containerStatuses": [crashed(137, "Error")]}}),
        );
        let outcome = Scene::new()
            .object(it)
            .container_event(
                "Pod/shop/app-1",
                "app",
                "FailedPreStopHook",
                "PreStopHook failed",
                "2026-03-01T11:58:00Z",
            )
            .kubelet("n1", lines)
            .diagnose();
        outcome
            .lacks("HOK-POSTSTART-KILLED")
            .lacks("HOK-POSTSTART-FAILED")
            .finding("HOK-PRESTOP-OVERRUN");
    }

    #[test]
    fn found_from_the_kubelet_log() {
        let outcome = Scene::new().object(slow()).kubelet("n1", OVERRUN).diagnose();
        outcome.finds_only("HOK-PRESTOP-OVERRUN", Verdict::Proven);
    }

    #[test]
    fn likely_when_the_sleep_alone_is_as_long() {
        let outcome = Scene::new()
            .object(hooked(json!({"sleep": {"seconds": 30}})))
            .diagnose();
        outcome.finds_only("HOK-PRESTOP-OVERRUN", Verdict::Likely);
    }

    #[test]
    fn likely_beside_a_liveness_kill_when_the_command_sleeps_too_long() {
        let mut it = hooked(json!({"exec": {"command": ["sleep", "60"]}}));
        crate::testing::merge(
            &mut it["spec"]["containers"][0],
            json!({"livenessProbe": {"exec": {"command": ["false"]}}}),
        );
        let outcome = Scene::new()
            .object(it)
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                "Container app failed liveness probe, will be restarted",
                "2026-03-01T11:57:30Z",
            )
            .diagnose();
        assert_eq!(outcome.finding("HOK-PRESTOP-OVERRUN").verdict, Verdict::Likely);
        assert_eq!(outcome.finding("LIV-LIVENESS-KILL").verdict, Verdict::Proven);
    }

    #[test]
    fn refuted_without_a_hook() {
        let outcome = Scene::new().object(hooked(Value::Null)).diagnose();
        outcome
            .lacks("HOK-PRESTOP-OVERRUN")
            .rules_out("HOK-PRESTOP-OVERRUN");
    }

    #[test]
    fn unknown_without_the_kubelet_log() {
        let outcome = Scene::new().object(slow()).diagnose();
        outcome.lacks("HOK-PRESTOP-OVERRUN");
        assert!(!outcome.wants.is_empty());
    }

    #[test]
    fn silent_within_the_grace_period() {
        let mut ending = slow();
        crate::testing::merge(
            &mut ending,
            json!({"metadata": {"deletionTimestamp": "2026-03-01T12:00:10Z", "deletionGracePeriodSeconds": 30}}),
        );
        Scene::new().object(ending).diagnose().is_calm();
    }
}
