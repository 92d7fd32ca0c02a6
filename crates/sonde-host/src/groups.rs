//! Counters of containers, from control groups of either version.

use std::collections::BTreeMap;

use sonde_model::Owner;

use crate::Host;
use crate::files::Mount;
use crate::text::{limit, number, pairs};

/// More groups are not walked.
const GROUPS_MAX: usize = 16_384;
/// Deeper than this is no container's.
const DEPTH_MAX: usize = 12;

/// What a container used since it started, and has now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ContainerCounters {
    pub(crate) owner: Owner,
    pub(crate) cpu_ns: Option<u64>,
    /// Periods in which it ran under a limit; absent without one.
    pub(crate) periods: Option<u64>,
    pub(crate) throttled: u64,
    /// Memory without inactive file pages, as the kubelet's working set.
    pub(crate) memory: Option<u64>,
    pub(crate) memory_limit: Option<u64>,
    pub(crate) tasks: Option<u64>,
    pub(crate) tasks_limit: Option<u64>,
    /// How often a task could not be made for want of room.
    pub(crate) tasks_refused: u64,
    /// One of its processes.
    pub(crate) pid: Option<u32>,
}

/// Where the controllers are that matter here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Hierarchies {
    unified: Option<String>,
    /// Of version 1: controller and mount point.
    by_controller: BTreeMap<String, String>,
}

/// A controller's folder and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root<'a> {
    One(&'a str),
    Two(&'a str),
}

impl Hierarchies {
    pub(crate) fn of(mounts: &[Mount]) -> Self {
        let mut all = Self::default();
        for mount in mounts {
            match mount.kind.as_str() {
                "cgroup2" if all.unified.is_none() => all.unified = Some(mount.point.clone()),
                "cgroup" => {
                    for option in mount.own_options.split(',') {
                        if matches!(option, "cpu" | "cpuacct" | "memory" | "pids") {
                            let point = mount.point.clone();
                            all.by_controller.entry(option.to_owned()).or_insert(point);
                        }
                    }
                }
                _ => {}
            }
        }
        all
    }

    pub(crate) fn are_mounted(&self) -> bool {
        self.unified.is_some() || !self.by_controller.is_empty()
    }

    /// How the node has them, in words.
    pub(crate) fn words(&self) -> &'static str {
        match (&self.unified, self.by_controller.is_empty()) {
            (Some(_), true) => "control groups of version 2",
            (Some(_), false) => "control groups of version 1, with version 2 beside them",
            (None, false) => "control groups of version 1",
            (None, true) => "no control groups",
        }
    }

    fn root(&self, controller: &str) -> Option<Root<'_>> {
        let one = self.by_controller.get(controller).map(|root| Root::One(root));
        one.or_else(|| self.unified.as_deref().map(Root::Two))
    }

    /// The hierarchy that container runtimes put containers in: where the memory controller is.
    fn home(&self) -> Option<&str> {
        self.root("memory").map(|root| match root {
            Root::One(root) | Root::Two(root) => root,
        })
    }
}

/// The counters of every container, by its id, and whether the walk ended early.
pub(crate) fn containers(host: &Host, all: &Hierarchies) -> (BTreeMap<String, ContainerCounters>, bool) {
    let mut found: BTreeMap<String, ContainerCounters> = BTreeMap::new();
    let Some(home) = all.home() else {
        return (found, false);
    };
    let mut open = vec![(String::new(), String::new(), 0)];
    let mut walked = 0;
    while let Some((path, parent, depth)) = open.pop() {
        walked += 1;
        if walked > GROUPS_MAX {
            return (found, true);
        }
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let owner = Owner::of_group(&name, &parent);
        // Groups that a container makes within its own count into it.
        if owner.is_container() {
            let id = owner.container_id.to_string();
            found.entry(id).or_insert_with(|| read(host, all, &path, owner));
            continue;
        }
        if depth < DEPTH_MAX {
            for child in host.names(&format!("{home}{path}"), true).unwrap_or_default() {
                open.push((format!("{path}/{child}"), name.clone(), depth + 1));
            }
        }
    }
    (found, false)
}

fn read(host: &Host, all: &Hierarchies, path: &str, owner: Owner) -> ContainerCounters {
    let mut counters = ContainerCounters {
        owner,
        ..ContainerCounters::default()
    };
    let text = |root: &str, file: &str| host.text(&format!("{root}{path}/{file}")).ok();
    match all.root("cpuacct") {
        Some(Root::One(root)) => {
            counters.cpu_ns = text(root, "cpuacct.usage").and_then(|text| number(&text));
        }
        Some(Root::Two(root)) => {
            let stat = text(root, "cpu.stat").unwrap_or_default();
            counters.cpu_ns = pairs(&stat).get("usage_usec").map(|us| us.saturating_mul(1_000));
        }
        None => {}
    }
    if let Some(Root::One(root) | Root::Two(root)) = all.root("cpu") {
        let stat = text(root, "cpu.stat").unwrap_or_default();
        let stat = pairs(&stat);
        counters.periods = stat.get("nr_periods").copied().filter(|periods| *periods > 0);
        counters.throttled = stat.get("nr_throttled").copied().unwrap_or_default();
    }
    let (memory, names) = match all.root("memory") {
        Some(Root::One(root)) => (
            root,
            [
                "memory.usage_in_bytes",
                "memory.limit_in_bytes",
                "total_inactive_file",
            ],
        ),
        Some(Root::Two(root)) => (root, ["memory.current", "memory.max", "inactive_file"]),
        None => ("", [""; 3]),
    };
    if !memory.is_empty() {
        let stat = text(memory, "memory.stat").unwrap_or_default();
        let cache = pairs(&stat).get(names[2]).copied().unwrap_or_default();
        let used = text(memory, names[0]).and_then(|text| number(&text));
        counters.memory = used.map(|used| used.saturating_sub(cache));
        counters.memory_limit = text(memory, names[1]).and_then(|text| limit(&text));
        counters.pid = text(memory, "cgroup.procs").and_then(|text| text.lines().next()?.trim().parse().ok());
    }
    if let Some(Root::One(root) | Root::Two(root)) = all.root("pids") {
        counters.tasks = text(root, "pids.current").and_then(|text| number(&text));
        counters.tasks_limit = text(root, "pids.max").and_then(|text| limit(&text));
        let events = text(root, "pids.events").unwrap_or_default();
        counters.tasks_refused = pairs(&events).get("max").copied().unwrap_or_default();
    }
    counters
}

/// The owner in `/proc/PID/cgroup`: the deepest group of any hierarchy that is a container's, else the last one's own.
pub(crate) fn owner_of(text: &str) -> Owner {
    let mut best = Owner::default();
    for line in text.lines() {
        let Some(path) = line.splitn(3, ':').nth(2) else {
            continue;
        };
        let mut parts = path.rsplit('/');
        let name = parts.next().unwrap_or_default();
        let owner = Owner::of_group(name, parts.next().unwrap_or_default());
        if owner.is_container() {
            return owner;
        }
        if !owner.group.is_empty() {
            best = owner;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::mounts;

    #[test]
    fn hierarchies_of_all_three_forms() {
        let two = "1 1 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        let one = "1 1 0:2 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
            1 1 0:3 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
        let hybrid = format!("{one}{}", two.replace("/cgroup rw", "/cgroup/unified rw"));
        let of = |text: &str| Hierarchies::of(&mounts(text));
        assert_eq!(of(two).root("pids"), Some(Root::Two("/sys/fs/cgroup")));
        assert_eq!(
            of(one).root("cpuacct"),
            Some(Root::One("/sys/fs/cgroup/cpu,cpuacct"))
        );
        assert_eq!(of(one).root("pids"), None);
        assert_eq!(of(&hybrid).home(), Some("/sys/fs/cgroup/memory"));
        assert_eq!(
            of(&hybrid).root("pids"),
            Some(Root::Two("/sys/fs/cgroup/unified"))
        );
        assert!(!of("").are_mounted());
    }

    #[test]
    fn a_process_tells_its_container() {
        let id = "ab".repeat(32);
        let text =
            format!("5:pids:/\n4:memory:/kubepods/pod0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60/{id}\n0::/\n");
        assert_eq!(*owner_of(&text).container_id, *id);
        assert_eq!(
            &*owner_of("0::/system.slice/sshd.service\n").group,
            "sshd.service"
        );
        assert_eq!(owner_of("nonsense"), Owner::default());
    }
}
