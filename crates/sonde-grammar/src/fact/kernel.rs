//! The kernel's own words.

use jiff::Timestamp;

/// Whose limit was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OomConstraint {
    /// A memory cgroup's limit.
    Cgroup,
    /// The whole machine (`CONSTRAINT_NONE`, `global_oom`, memory policy or cpuset).
    Global,
}

/// The kernel killed a process for memory; the lines of one kill joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OomKill {
    /// When, where the line has a wall clock time.
    pub time: Option<Timestamp>,
    /// Seconds since boot, where the line has them.
    pub uptime_seconds: Option<u64>,
    /// Whose limit; `None` when the deciding line is missing.
    pub constraint: Option<OomConstraint>,
    /// The cgroup whose limit was hit.
    pub limit_cgroup: Option<String>,
    /// The victim's cgroup.
    pub victim_cgroup: Option<String>,
    /// The victim's process name.
    pub process: Option<String>,
    /// The victim's process id on the host.
    pub pid: Option<u32>,
    /// The victim was its container's first process, with which the container ends; only an agent tells.
    pub is_first: Option<bool>,
    /// The process whose allocation triggered the kill.
    pub invoked_by: Option<String>,
    /// The limit in KiB.
    pub limit_kib: Option<u64>,
    /// The usage of the limiting cgroup at the kill, in KiB.
    pub usage_kib: Option<u64>,
    /// Anonymous resident memory of the victim, in KiB.
    pub anon_rss_kib: Option<u64>,
    /// Shared memory (tmpfs) charged to the victim, in KiB.
    pub shmem_rss_kib: Option<u64>,
    /// Shared memory (tmpfs) charged to the limiting cgroup, in KiB (`Memory cgroup stats`, `shmem`).
    pub cgroup_shmem_kib: Option<u64>,
    /// The victim's oom_score_adj: -997 Guaranteed, 1000 BestEffort, -998 pause.
    pub oom_score_adj: Option<i32>,
    /// The processes that held most then, largest first, at most [`OOM_TASKS_MAX`]: of the limiting cgroup, or of the
    /// node where its memory was short. Empty where the table is cut or switched off (`vm.oom_dump_tasks`).
    pub largest: Vec<OomTask>,
}

/// So many processes of the kernel's table are kept.
pub const OOM_TASKS_MAX: usize = 5;

/// A row of the table of processes that the kernel prints before it kills (`dump_task`, `mm/oom_kill.c`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OomTask {
    /// Its id on the host.
    pub pid: u32,
    /// Its name, cut by the kernel at 15 bytes.
    pub name: String,
    /// Its resident memory in KiB. The table has pages; they are taken as 4 KiB unless the victim's own line shows another size.
    pub rss_kib: u64,
}

impl OomKill {
    /// The pod uid in the victim's (else the limiting) cgroup, with dashes.
    pub fn pod_uid(&self) -> Option<String> {
        [&self.victim_cgroup, &self.limit_cgroup]
            .into_iter()
            .flatten()
            .find_map(|path| pod_uid(path))
    }

    /// The container id in the victim's cgroup: the 64 hexadecimal digits.
    pub fn container_id(&self) -> Option<String> {
        self.victim_cgroup.as_deref().and_then(container_id)
    }

    /// The limit that was hit is the container's own.
    pub fn is_container_limit(&self) -> bool {
        self.limit_cgroup
            .as_deref()
            .is_some_and(|path| container_id(path).is_some())
    }

    /// The limit that was hit is the pod's.
    pub fn is_pod_limit(&self) -> bool {
        self.limit_cgroup
            .as_deref()
            .is_some_and(|path| container_id(path).is_none() && pod_uid(path).is_some())
    }
}

fn pod_uid(path: &str) -> Option<String> {
    path.split('/').find_map(sonde_model::pod_uid_in_group)
}

fn container_id(path: &str) -> Option<String> {
    let last = path.rsplit('/').next()?;
    sonde_model::container_id_in_group(last).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroup_paths_name_pod_and_container() {
        let id = "a".repeat(64);
        for (path, uid, container) in [
            (
                format!("/kubepods/burstable/pod0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60/{id}"),
                Some("0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60"),
                true,
            ),
            (
                format!(
                    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice/cri-containerd-{id}.scope"
                ),
                Some("0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60"),
                true,
            ),
            ("/kubepods.slice".into(), None, false),
            ("/system.slice/sshd.service".into(), None, false),
        ] {
            let kill = OomKill {
                limit_cgroup: Some(path.clone()),
                victim_cgroup: Some(path.clone()),
                ..OomKill::default()
            };
            assert_eq!(kill.pod_uid().as_deref(), uid, "{path}");
            assert_eq!(kill.container_id().is_some(), container, "{path}");
            assert_eq!(kill.is_container_limit(), container, "{path}");
        }
    }
}
