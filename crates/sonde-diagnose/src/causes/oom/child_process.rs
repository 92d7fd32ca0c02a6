//! OOM-CHILD-PROCESS: the kernel killed a child process for the container's memory limit; the main process lives on or
//! ended in its own way.

use sonde_grammar::fact::OomConstraint;
use sonde_grammar::log::NodeLog;
use sonde_model::{Code, Risk, Severity, bytes_text};

use super::kills::{
    Limit, container_limit, early_kill, files_in_memory, kill_text, kills, last_kill, limit_of, only_a_child,
    raise_limit, went_on,
};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("OOM-CHILD-PROCESS"),
    title: "a child process was killed at the memory limit",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("OOM-CHILD-PROCESS"),
};

const KILLED: i64 = 137;

fn state(facts: &Facts<'_>, case: &mut Case) {
    if facts.is_text() {
        return;
    }
    let who = facts.container_phrase();
    let limit = container_limit(facts);
    let Some((code, ended)) = facts.ended() else {
        // The container runs: only the kernel's log shows it.
        let Some((kill, seen)) = kills(facts).into_iter().next_back() else {
            return;
        };
        if facts.episode.container.is_none() || limit_of(facts, kill).is_some_and(|it| it != Limit::Container)
        {
            return;
        }
        if files_in_memory(facts, kill).is_some() {
            case.hinted_by(seen.clone());
        } else {
            case.proven_by(seen.clone());
        }
        case.severity(Severity::Warning);
        case.step(
            format!("the kernel killed a child process of {who}: {}", kill_text(kill)),
            [seen],
        );
        case.step(
            "the main process lives on, so no restart and no event shows it",
            running(facts),
        );
        case.headline(format!(
            "{who} loses child processes to its memory limit{} while its main process runs on",
            limit
                .as_ref()
                .map_or(String::new(), |(bytes, _)| format!(" of {}", bytes_text(*bytes)))
        ));
        finish(facts, case, limit.map(|(bytes, _)| bytes));
        return;
    };
    let says_oom = facts
        .episode
        .run
        .as_ref()
        .is_some_and(|run| run.end.reason == "OOMKilled");
    // Without the code it may be the main process that was killed.
    let Some(code) = code else { return };
    if facts.killing().is_some() {
        return;
    }
    let alone = last_kill(facts).is_some_and(|(kill, _)| only_a_child(facts, kill).is_some());
    if code == KILLED && !alone {
        // What went on after the kill may have ended with its child's code.
        if let Some((_, seen)) = last_kill(facts).filter(|(kill, _)| went_on(facts, kill).is_some()) {
            case.hinted_by(seen);
            case.headline(format!("a child process of {who} was killed at its memory limit, and the main process ended with that code later"));
        }
        return;
    }
    let kill = last_kill(facts).or_else(|| early_kill(facts));
    if let Some((kill, seen)) = &kill
        && limit_of(facts, kill).is_some_and(|it| it != Limit::Container)
    {
        case.refuted_by(
            seen.clone(),
            "the kernel names another limit than the container's",
        );
        return;
    }
    match &kill {
        Some((kill, seen)) if files_in_memory(facts, kill).is_some() => case.hinted_by(seen.clone()),
        Some((kill, seen))
            if limit_of(facts, kill).is_some() || kill.constraint == Some(OomConstraint::Cgroup) =>
        {
            case.proven_by(seen.clone())
        }
        Some((_, seen)) => case.supported_by(seen.clone()),
        // The runtime says so of a kill for any limit, the whole machine's included.
        None if says_oom => {
            if limit.is_none() && !facts.is_partial() {
                if let Some((_, path)) = facts.container() {
                    let seen = facts.unset(&format!("{path}.resources.limits.memory"));
                    case.refuted_by(seen, "the container has no memory limit to reach");
                }
                return;
            }
            if let Some(want) = facts.want_kernel_log() {
                case.wants(
                    want,
                    "whose limit the kernel killed for: the container's, or the whole node was out of memory",
                );
            }
            case.supported_by(ended.clone())
        }
        None => {
            // An application that fails for a killed child need not say so.
            let open = code != 0 && limit.is_some() && facts.log_read(NodeLog::Kernel).is_none();
            if let Some(want) = facts.want_kernel_log().filter(|_| open) {
                case.wants(
                    want,
                    "whether the kernel killed a child process at the memory limit",
                );
            }
            return;
        }
    };
    if let Some((bytes, seen)) = &limit {
        case.step(
            format!("{who} may use {} of memory", bytes_text(*bytes)),
            [seen.clone()],
        );
    }
    match &kill {
        Some((kill, seen)) => case.step(
            format!("the kernel killed a child process: {}", kill_text(kill)),
            [seen.clone()],
        ),
        None => case.step(
            "the kernel killed one of its processes, not the main one",
            [ended.clone()],
        ),
    };
    case.step(
        format!("the main process ended by itself with exit code {code}"),
        [ended],
    );
    case.headline(format!(
        "a child process of {who} was killed at the memory limit{}; the main process then ended with exit code {code}",
        limit.as_ref().map_or(String::new(), |(bytes, _)| format!(" of {}", bytes_text(*bytes)))
    ));
    finish(facts, case, limit.map(|(bytes, _)| bytes));
}

fn running(facts: &Facts<'_>) -> Option<crate::Seen> {
    let (status, path) = facts.status()?;
    let running = status.state.running.as_ref()?;
    let since = running
        .started_at
        .0
        .map_or(String::new(), |time| format!("since {time}"));
    Some(facts.field(&format!("{path}.state.running"), since))
}

fn finish(facts: &Facts<'_>, case: &mut Case, limit: Option<i64>) {
    if let Some(limit) = limit {
        raise_limit(facts, case, limit);
    }
    case.advice(
        "run fewer child processes at once (workers, make -j, forks), so that they fit together",
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

    pub(super) fn kernel(time: &str) -> String {
        let id = "c".repeat(64);
        let pod = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice";
        format!(
            "{time}+00:00 n1 kernel: worker invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=999\n\
             {time}+00:00 n1 kernel: memory: usage 65536kB, limit 65536kB, failcnt 12\n\
             {time}+00:00 n1 kernel: oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg={pod}/cri-containerd-{id}.scope,task_memcg={pod}/cri-containerd-{id}.scope,task=worker,pid=4711,uid=0\n\
             {time}+00:00 n1 kernel: Memory cgroup out of memory: Killed process 4711 (worker) total-vm:70000kB, anon-rss:64000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:999\n"
        )
    }

    #[test]
    fn found_when_the_main_process_ended_otherwise() {
        for code in [0, 1, 143] {
            let scene = || Scene::new().object(limited(crashed(code, "OOMKilled")));
            // Who asked it to end may be the whole story of a 143.
            if code != 143 {
                scene()
                    .diagnose()
                    .finds_only("OOM-CHILD-PROCESS", Verdict::Likely);
            }
            scene()
                .kernel("n1", &kernel("2026-03-01T11:57:40"))
                .diagnose()
                .finds_only("OOM-CHILD-PROCESS", Verdict::Proven);
            // The kernel counts a kill for the whole machine there as well.
            let global = kernel("2026-03-01T11:57:59")
                .replace("CONSTRAINT_MEMCG", "CONSTRAINT_NONE")
                .replace("oom_memcg=", "global_oom,was=")
                .replace("Memory cgroup out of memory", "Out of memory");
            scene()
                .kernel("n1", &global)
                .diagnose()
                .finds_only("OOM-NODE", Verdict::Proven);
        }
        let outcome = Scene::new()
            .object(limited(crashed(1, "Error")))
            .kernel("n1", &kernel("2026-03-01T11:57:40"))
            .diagnose();
        outcome.finds_only("OOM-CHILD-PROCESS", Verdict::Proven);
    }

    #[test]
    fn found_in_the_kernel_log_while_the_main_process_lives() {
        let outcome = Scene::new()
            .object(limited(status(json!({}))))
            .kernel("n1", &kernel("2026-03-01T11:40:00"))
            .diagnose();
        let finding = outcome.finds_only("OOM-CHILD-PROCESS", Verdict::Proven);
        assert!(finding.headline.contains("64Mi"), "{}", finding.headline);
    }

    #[test]
    fn not_found_when_the_main_process_was_killed() {
        Scene::new()
            .object(limited(crashed(137, "OOMKilled")))
            .diagnose()
            .lacks("OOM-CHILD-PROCESS");
    }

    #[test]
    fn calm_without_a_kill_and_when_it_was_long_ago() {
        Scene::new()
            .object(limited(status(json!({}))))
            .diagnose()
            .is_calm();
        Scene::new()
            .object(limited(status(json!({}))))
            .kernel("n1", &kernel("2026-03-01T10:05:00"))
            .diagnose()
            .is_calm();
    }
}
