//! OOM-TMPFS: files in memory (a memory-backed volume, /dev/shm) filled the container's memory limit.

use sonde_model::{Code, Risk, Severity, bytes_text};

use super::kills::{Files, container_limit, files_in_memory, kib_text, kills, last_kill, memory_volumes};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("OOM-TMPFS"),
    title: "files in memory filled the memory limit",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("OOM-TMPFS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let kill = if facts.is_text() {
        kills(facts).into_iter().next()
    } else {
        last_kill(facts)
    };
    let Some((kill, seen)) = kill else { return };
    let Some(files) = files_in_memory(facts, kill) else {
        return;
    };
    match files {
        Files::Counted(..) => case.proven_by(seen.clone()),
        Files::Inferred(..) => case.supported_by(seen.clone()),
    };
    let who = if facts.is_text() {
        "a container".to_owned()
    } else {
        facts.container_phrase()
    };
    if let Some((bytes, seen)) = container_limit(facts) {
        case.step(
            format!(
                "{who} may use {} of memory, files in memory included",
                bytes_text(bytes)
            ),
            [seen],
        );
    }
    let mut named = Vec::new();
    for (at, name, bound, path) in memory_volumes(facts) {
        let bound = bound.map_or("no size limit".to_owned(), |it| format!("sizeLimit {it}"));
        named.push(format!("{name} at {path}"));
        case.step(
            format!("its volume {name} at {path} lives in memory, {bound}"),
            [facts.field(
                &format!("spec.volumes[{at}].emptyDir"),
                format!("medium: Memory, {bound}"),
            )],
        );
    }
    let text = |kib| kib_text(Some(kib)).unwrap_or_default();
    let taken = match files {
        Files::Counted(files, limit) => {
            case.step(
                format!(
                    "{} of {} were files in memory when the limit was reached",
                    text(files),
                    text(limit)
                ),
                [seen],
            );
            format!("took {} of {}", text(files), text(limit))
        }
        Files::Inferred(held, limit) => {
            let of = text(limit);
            case.step(format!("when the limit of {of} was reached, its processes held only {}; files in memory count as well", text(held)), [seen]);
            format!("took most of {of}")
        }
    };
    if let Some((code, ended)) = facts.exit() {
        case.step(
            format!("the kernel killed its process (exit code {code})"),
            [ended],
        );
    } else if !facts.is_text() {
        case.severity(Severity::Warning);
    }
    let place = if named.is_empty() {
        "in memory (tmpfs, /dev/shm)".to_owned()
    } else {
        format!("in its memory volume {}", named.join(", "))
    };
    let killed = if facts.is_text() || facts.exit().is_some() {
        who
    } else {
        format!("a process of {who}")
    };
    case.headline(format!(
        "{killed} was killed at its memory limit because files {place} {taken}"
    ));
    case.advice("give the volume a sizeLimit well below the memory limit, and raise the memory limit by what the files need", Risk::Restart);
    case.advice(
        "or keep the files on disk: an emptyDir without `medium: Memory`",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    pub(super) fn kernel(shmem: u64) -> String {
        let id = "c".repeat(64);
        let pod = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice";
        let scope = format!("{pod}/cri-containerd-{id}.scope");
        let at = "2026-03-01T11:57:59+00:00 n1 kernel:";
        format!(
            "{at} dd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=999\n\
             {at} memory: usage 65536kB, limit 65536kB, failcnt 12\n\
             {at} Memory cgroup stats for {scope}:\n\
             {at} anon 1048576\n\
             {at} file {shmem}\n\
             {at} shmem {shmem}\n\
             {at} oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg={scope},task_memcg={scope},task=dd,pid=4711,uid=0\n\
             {at} Memory cgroup out of memory: Killed process 4711 (dd) total-vm:70000kB, anon-rss:500kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:999\n"
        )
    }

    fn killed() -> Value {
        pod(json!({
            "spec": {
                "containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}, "volumeMounts": [{"name": "cache", "mountPath": "/cache"}]}],
                "volumes": [{"name": "cache", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}}]
            },
            "status": {"containerStatuses": [crashed(137, "OOMKilled")]}
        }))
    }

    #[test]
    fn found_by_the_kernels_numbers() {
        let outcome = Scene::new()
            .object(killed())
            .kernel("n1", &kernel(60 << 20))
            .diagnose();
        let finding = outcome.finds_only("OOM-TMPFS", Verdict::Proven);
        assert!(
            finding.headline.contains("cache") && finding.headline.contains("60Mi of 64Mi"),
            "{}",
            finding.headline
        );
    }

    /// Only the kernel's last line is left, without its statistics.
    fn short(rss: u64) -> String {
        let all = kernel(0).replace("anon-rss:500kB", &format!("anon-rss:{rss}kB"));
        all.lines()
            .filter(|line| {
                !line.contains(": anon ") && !line.contains(": file ") && !line.contains(": shmem ")
            })
            .fold(String::new(), |all, line| all + line + "\n")
    }

    #[test]
    fn likely_when_the_victim_held_little_and_a_volume_is_in_memory() {
        let ended = Scene::new()
            .object(killed())
            .kernel("n1", &short(1024))
            .diagnose();
        ended.finds_only("OOM-TMPFS", Verdict::Likely);
        let mut running = killed();
        running["status"]["containerStatuses"] = json!([status(json!({}))]);
        let outcome = Scene::new()
            .object(running.clone())
            .kernel("n1", &short(1024))
            .diagnose();
        assert!(
            outcome
                .finds_only("OOM-TMPFS", Verdict::Likely)
                .headline
                .contains("a process of"),
            "{}",
            outcome.summary()
        );
        Scene::new()
            .object(running)
            .kernel("n1", &kernel(60 << 20))
            .diagnose()
            .finds_only("OOM-TMPFS", Verdict::Proven);
        // The victim held it all, or no volume is in memory.
        Scene::new()
            .object(killed())
            .kernel("n1", &short(60 << 10))
            .diagnose()
            .finds_only("OOM-CONTAINER-LIMIT", Verdict::Proven);
        let mut plain = killed();
        plain["spec"]["volumes"] = json!([]);
        Scene::new()
            .object(plain)
            .kernel("n1", &short(1024))
            .diagnose()
            .finds_only("OOM-CONTAINER-LIMIT", Verdict::Proven);
    }

    #[test]
    fn not_found_when_the_files_are_few_or_the_numbers_are_missing() {
        let outcome = Scene::new()
            .object(killed())
            .kernel("n1", &kernel(1 << 20))
            .diagnose();
        outcome.finds_only("OOM-CONTAINER-LIMIT", Verdict::Proven);
        Scene::new()
            .object(killed())
            .diagnose()
            .lacks("OOM-TMPFS")
            .finds_only("OOM-CONTAINER-LIMIT", Verdict::Likely);
    }

    #[test]
    fn calm_on_a_healthy_pod() {
        Scene::new()
            .object(pod(json!({"status": {"containerStatuses": [status(json!({}))]}})))
            .diagnose()
            .is_calm();
    }
}
