//! OOM-TMPFS: files in memory (a memory-backed volume, /dev/shm) filled the container's memory limit.

use sonde_model::{Code, Risk, bytes_text};

use super::kills::{Limit, container_limit, kib_text, kills, last_kill, limit_of};
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
    let kill = if facts.is_text() { kills(facts).into_iter().next() } else { last_kill(facts) };
    let Some((kill, seen)) = kill else { return };
    if !matches!(limit_of(facts, kill), Some(Limit::Container | Limit::Pod)) {
        return;
    }
    let (Some(shmem), Some(limit)) = (kill.cgroup_shmem_kib, kill.limit_kib) else { return };
    // Half of the limit in files leaves the program less than the files have.
    if limit == 0 || shmem.saturating_mul(2) < limit {
        return;
    }
    case.proven_by(seen.clone());
    let who = if facts.is_text() { "a container".to_owned() } else { facts.container_phrase() };
    let (files, of) = (kib_text(Some(shmem)).unwrap_or_default(), kib_text(Some(limit)).unwrap_or_default());
    if let Some((bytes, seen)) = container_limit(facts) {
        case.step(format!("{who} may use {} of memory, files in memory included", bytes_text(bytes)), [seen]);
    }
    let mut named = Vec::new();
    if let Some((container, _)) = facts.container() {
        for (at, volume) in facts.pod().spec.volumes.iter().enumerate() {
            let mount = container.volume_mounts.iter().find(|mount| mount.name == volume.name);
            if let (Some(dir), Some(mount)) = (volume.empty_dir.as_ref().filter(|it| it.medium == "Memory"), mount) {
                let bound = dir.size_limit.as_ref().map_or("no size limit".to_owned(), |it| format!("sizeLimit {it}"));
                named.push(format!("{} at {}", volume.name, mount.mount_path));
                case.step(
                    format!("its volume {} at {} lives in memory, {bound}", volume.name, mount.mount_path),
                    [facts.field(&format!("spec.volumes[{at}].emptyDir"), format!("medium: Memory, {bound}"))],
                );
            }
        }
    }
    case.step(format!("{files} of {of} were files in memory when the limit was reached"), [seen]);
    if let Some((code, ended)) = facts.exit() {
        case.step(format!("the kernel killed its process (exit code {code})"), [ended]);
    }
    let place = if named.is_empty() { "in memory (tmpfs, /dev/shm)".to_owned() } else { format!("in its memory volume {}", named.join(", ")) };
    case.headline(format!("{who} was killed at its memory limit because files {place} took {files} of {of}"));
    case.advice("give the volume a sizeLimit well below the memory limit, and raise the memory limit by what the files need", Risk::Restart);
    case.advice("or keep the files on disk: an emptyDir without `medium: Memory`", Risk::Restart);
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
        let outcome = Scene::new().object(killed()).kernel("n1", &kernel(60 << 20)).diagnose();
        let finding = outcome.finds_only("OOM-TMPFS", Verdict::Proven);
        assert!(finding.headline.contains("cache") && finding.headline.contains("60Mi of 64Mi"), "{}", finding.headline);
    }

    #[test]
    fn not_found_when_the_files_are_few_or_the_numbers_are_missing() {
        let outcome = Scene::new().object(killed()).kernel("n1", &kernel(1 << 20)).diagnose();
        outcome.finds_only("OOM-CONTAINER-LIMIT", Verdict::Proven);
        Scene::new().object(killed()).diagnose().lacks("OOM-TMPFS").finds_only("OOM-CONTAINER-LIMIT", Verdict::Proven);
    }

    #[test]
    fn calm_on_a_healthy_pod() {
        Scene::new().object(pod(json!({"status": {"containerStatuses": [status(json!({}))]}}))).diagnose().is_calm();
    }
}
