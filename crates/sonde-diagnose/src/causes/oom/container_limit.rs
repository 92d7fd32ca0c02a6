//! OOM-CONTAINER-LIMIT: the kernel killed the container's main process because the container had reached its own
//! memory limit.

use sonde_grammar::Fact;
use sonde_grammar::fact::{OomConstraint, RuntimeFact};
use sonde_model::{Code, Kind, Risk, bytes_text};

use super::jvm_heap::beyond_limit;
use super::kills::{
    Files, Limit, container_limit, files_in_memory, kill_text, kills, last_kill, limit_of, memory_volumes,
    only_a_child, raise_limit, went_on,
};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("OOM-CONTAINER-LIMIT"),
    title: "killed at the container's memory limit",
    explains: &[Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("OOM-CONTAINER-LIMIT"),
};

/// 128 + SIGKILL.
const KILLED: i64 = 137;

fn state(facts: &Facts<'_>, case: &mut Case) {
    if facts.is_text() {
        return from_text(facts, case);
    }
    let Some((code, ended)) = facts.ended() else {
        return;
    };
    let says_oom = facts
        .episode
        .run
        .as_ref()
        .is_some_and(|run| run.end.reason == "OOMKilled");
    // A table of pods shows the reason alone, which a killed child gives as well.
    if code.map_or(!says_oom, |code| code != KILLED) {
        return;
    }
    let kill = last_kill(facts);
    if let Some((kill, seen)) = &kill
        && matches!(limit_of(facts, kill), Some(Limit::Pod | Limit::Node))
    {
        case.refuted_by(
            seen.clone(),
            "the kernel names another limit than the container's",
        );
        return;
    }
    if let Some(left) = kill.as_ref().and_then(|(kill, _)| only_a_child(facts, kill)) {
        case.refuted_by(left, "only a child was killed; the main process left by itself");
        return;
    }
    let at_limit = kill.filter(|(kill, _)| limit_of(facts, kill) == Some(Limit::Container));
    let spec = container_limit(facts);
    // A table of pods says OOMKilled and shows no limits.
    let unseen =
        (spec.is_none() || code.is_none()) && says_oom && facts.is_partial() && facts.killing().is_none();
    if spec.is_none() && at_limit.is_none() && !unseen {
        if says_oom
            && !facts.is_partial()
            && let Some((_, path)) = facts.container()
        {
            let seen = facts.unset(&format!("{path}.resources.limits.memory"));
            case.refuted_by(seen, "the container has no memory limit to reach");
        }
        return;
    }
    // The kubelet's own kill ended it, unless the runtime says that the kernel did.
    if facts.killing().is_some() && !says_oom {
        return;
    }
    let later = at_limit.as_ref().and_then(|(kill, _)| went_on(facts, kill));
    match &at_limit {
        Some((kill, seen)) if matches!(files_in_memory(facts, kill), Some(Files::Inferred(..))) => {
            case.hinted_by(seen.clone());
        }
        Some((_, seen)) if later.is_some() => {
            case.supported_by(seen.clone());
        }
        Some((_, seen)) => {
            case.generally_proven_by(seen.clone());
        }
        None if says_oom && beyond_limit(facts).is_some() => {
            case.hinted_by(ended.clone());
        }
        // A runtime says OOMKilled when the counter `oom_kill` of the container's control group has grown, and the kernel
        // counts there whatever limit the kill was for, the whole machine's included (Documentation/admin-guide/
        // cgroup-v2.rst, memory.events). No event need tell of that. So the reason fits, and only the kernel's line proves.
        None if says_oom => {
            case.supported_by(ended.clone());
        }
        None => return,
    }
    let who = facts.container_phrase();
    // The kernel's line may be all that shows the limit.
    let kernels = || {
        let kib = i64::try_from(at_limit.as_ref()?.0.limit_kib?).ok()?;
        Some(kib.saturating_mul(1024))
    };
    let limit = spec.as_ref().map(|(bytes, _)| *bytes).or_else(kernels);
    let of = limit.map_or(String::new(), |limit| format!(" of {}", bytes_text(limit)));
    if let Some((bytes, seen)) = spec {
        case.step(format!("{who} may use {} of memory", bytes_text(bytes)), [seen]);
    }
    if let Some((kill, seen)) = &at_limit {
        case.step(kill_text(kill), [seen.clone()]);
    } else if let Some(want) = facts.want_kernel_log() {
        case.wants(
            want,
            "whose limit the kernel killed for (the container's, or the whole node was out of memory), and the usage then",
        );
    }
    match later {
        Some(seconds) => {
            case.step(format!("the kernel killed one of its processes; the container ended {seconds} s later with exit code 137"), [ended]);
            case.headline(format!(
                "a process of {who} was killed because they need more than their memory limit{of}"
            ));
        }
        None => {
            case.step(
                match code {
                    Some(_) => "the kernel killed its main process (SIGKILL, exit code 137)",
                    None => "the kernel killed a process of it for memory, and the container ended",
                },
                [ended],
            );
            case.headline(format!(
                "{who} was killed because it needs more than its memory limit{of}"
            ));
        }
    }
    if let Some(limit) = limit {
        raise_limit(facts, case, limit);
    }
    case.advice(
        "if its memory grows without end, a higher limit only delays the kill: look at its usage over time",
        Risk::None,
    );
    if let Some((_, volume, ..)) = memory_volumes(facts).next() {
        case.advice(
            format!("files in its memory-backed volume {volume} count against the limit too"),
            Risk::None,
        );
    }
}

/// The kernel's lines alone: they name the limit and its cgroup.
fn from_text(facts: &Facts<'_>, case: &mut Case) {
    let kills = kills(facts);
    let of = |wanted| kills.iter().find(|(kill, _)| limit_of(facts, kill) == wanted);
    // Without the lines that name the cgroup it may be the container's limit or its pod's.
    let unnamed = || {
        let found = of(None)?;
        let by_limit = found.0.constraint == Some(OomConstraint::Cgroup)
            && !crate::causes::cre::is_runtimes_process(found.0);
        by_limit.then_some(found)
    };
    let Some((kill, seen)) = of(Some(Limit::Container)).or_else(unnamed) else {
        return by_the_runtime(facts, case);
    };
    let named = limit_of(facts, kill).is_some();
    if named {
        case.generally_proven_by(seen.clone());
    } else {
        case.supported_by(seen.clone());
    }
    case.step(kill_text(kill), [seen.clone()]);
    let limit = super::kills::kib_text(kill.limit_kib).map_or(String::new(), |limit| format!(" of {limit}"));
    let what = kill.process.as_deref().unwrap_or("a process");
    let whose = if named {
        "its container"
    } else {
        "its container, or the pod,"
    };
    case.headline(format!(
        "the kernel killed {what} because {whose} had reached its memory limit{limit}"
    ));
    if !named {
        case.look(
            "the kernel's line before it (oom-kill:constraint=) names the limit that was reached: the container's or its pod's",
            "dmesg -T | grep oom-kill",
        );
    }
    case.root_key(kill.container_id().unwrap_or_default());
    case.advice(
        "give the container a higher memory limit if its work needs it, or find out why its memory grows",
        Risk::Restart,
    );
}

/// The runtime's line alone: a process in the container's control group was killed for memory. The kernel counts that
/// there whatever limit was reached.
fn by_the_runtime(facts: &Facts<'_>, case: &mut Case) {
    let told = facts.find(|fact| matches!(fact, Fact::Runtime(RuntimeFact::OomEvent)).then_some(()));
    let Some(((), message)) = told else { return };
    case.supported_by(message.seen());
    case.step(
        "the runtime sees that the kernel killed a process of a container for memory",
        [message.seen()],
    );
    case.headline(
        "a process of a container was killed for memory; mostly because the container reached its limit",
    );
    case.look(
        "the kernel's lines of that second: whose limit it was, and which process it killed",
        "dmesg -T | grep -i -A1 oom-kill",
    );
    case.advice(
        "give the container a higher memory limit if its work needs it, or find out why its memory grows",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    fn limited(status: Value) -> Value {
        pod(json!({
            "spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]},
            "status": {"containerStatuses": [status]}
        }))
    }

    #[test]
    fn likely_when_the_status_says_oom_and_there_is_a_limit() {
        let outcome = Scene::new().object(limited(crashed(137, "OOMKilled"))).diagnose();
        let finding = outcome.finds_only("OOM-CONTAINER-LIMIT", Verdict::Likely);
        assert!(finding.headline.contains("64Mi"), "{}", finding.headline);
        assert!(!outcome.wants.is_empty(), "the kernel's line is wanted");
        let look = &finding.next[0];
        let decides: Vec<&str> = look.decides.iter().map(|code| code.as_str()).collect();
        assert_eq!(decides, ["OOM-CONTAINER-LIMIT", "OOM-NODE"], "{}", look.text);
    }

    #[test]
    fn a_process_that_went_on_after_the_kill_was_not_the_main_one_for_sure() {
        let id = "c".repeat(64);
        let scope = format!(
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice/cri-containerd-{id}.scope"
        );
        let kernel = |time: &str| {
            format!(
                "2026-03-01T{time}+00:00 n1 kernel: oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg={scope},task_memcg={scope},task=sh,pid=4711,uid=0\n"
            )
        };
        let scene = |time| {
            Scene::new()
                .object(limited(crashed(137, "OOMKilled")))
                .kernel("n1", &kernel(time))
                .diagnose()
        };
        scene("11:57:59").finds_only("OOM-CONTAINER-LIMIT", Verdict::Proven);
        let outcome = scene("11:57:54");
        let finding = outcome.finds_only("OOM-CONTAINER-LIMIT", Verdict::Likely);
        assert!(
            finding
                .chain
                .iter()
                .all(|step| !step.text.contains("main process")),
            "{:?}",
            finding.chain
        );
        assert!(
            finding.chain.iter().any(|step| step.text.contains("6 s later")),
            "{:?}",
            finding.chain
        );
    }

    #[test]
    fn refuted_when_the_liveness_probe_killed_it() {
        let outcome = Scene::new()
            .object(limited(crashed(137, "Error")))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                "Container app failed liveness probe, will be restarted",
                "2026-03-01T11:57:30Z",
            )
            .diagnose();
        outcome.lacks("OOM-CONTAINER-LIMIT");
    }

    #[test]
    fn refuted_without_a_limit() {
        let unlimited = pod(json!({"status": {"containerStatuses": [crashed(137, "OOMKilled")]}}));
        Scene::new()
            .object(unlimited)
            .diagnose()
            .lacks("OOM-CONTAINER-LIMIT")
            .rules_out("OOM-CONTAINER-LIMIT");
    }

    #[test]
    fn unknown_when_nobody_says_who_sent_the_signal() {
        let outcome = Scene::new().object(limited(crashed(137, "Error"))).diagnose();
        outcome.does_not_claim("OOM-CONTAINER-LIMIT");
    }

    #[test]
    fn silent_on_a_healthy_pod() {
        Scene::new()
            .object(limited(status(json!({}))))
            .diagnose()
            .is_calm();
    }

    #[test]
    fn over_when_it_has_run_well_since() {
        let recovered = status(json!({
            "restartCount": 1,
            "state": {"running": {"startedAt": "2026-03-01T11:20:00Z"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled",
                "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T11:19:58Z"}}
        }));
        let outcome = Scene::new().object(limited(recovered)).diagnose();
        assert!(outcome.is_calm().finding("OOM-CONTAINER-LIMIT").ended.is_some());
    }
}
