//! What this node and these rights allow: read from the kernel's own files, and tried where only trying tells.

mod rights;

use std::fs;

use serde::Serialize;
use sonde_bpf::Hierarchy;
use sonde_bpf::deaths::Deaths;

use crate::state::Condition;
use crate::{Absent, Options, runtime};
use rights::Rights;

const MOUNTS: &str = "/proc/self/mountinfo";
const BTF: &str = "/sys/kernel/btf/vmlinux";
const STATUS: &str = "/proc/self/status";

/// One thing that the agent needs or can use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// What it is: `CAP_BPF`, `BTF`.
    pub name: String,
    /// How it stands.
    pub state: ItemState,
    /// What was found.
    pub found: String,
    /// What cannot be seen without it; empty where it works.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub costs: String,
    /// What to do; empty where it works.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ItemState {
    /// It works.
    Works,
    /// The agent does without it, and sees less.
    Partly,
    /// Without it nothing is seen.
    Missing,
}

impl Item {
    fn works(name: &str, found: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            state: ItemState::Works,
            found: found.into(),
            costs: String::new(),
            remedy: String::new(),
        }
    }

    fn lacks(name: &str, state: ItemState, found: impl Into<String>, costs: &str, remedy: &str) -> Self {
        Self {
            name: name.to_owned(),
            state,
            found: found.into(),
            costs: costs.to_owned(),
            remedy: remedy.to_owned(),
        }
    }
}

/// Looks at everything once; loads the programs for a moment to see whether the kernel takes them.
pub fn check(options: &Options) -> Vec<Item> {
    let status = fs::read_to_string(STATUS).unwrap_or_default();
    let mut items = Rights::of(&status, options).items();
    items.push(btf(options));
    items.push(control_groups(options));
    items.push(ring_buffers(options));
    items.push(deaths(options));
    items.extend(runtimes(options));
    items
}

/// What the programs stand on.
pub(crate) struct Ground {
    pub(crate) hierarchy: Hierarchy,
    /// Where the groups of containers are, for people.
    pub(crate) words: String,
    /// Why the programs must not be tried: something was taken away for a test.
    pub(crate) forbidden: Option<String>,
}

pub(crate) fn ground(options: &Options) -> Ground {
    let hierarchy = Hierarchy::from_mounts(&mounts(options));
    let words = match &hierarchy {
        Some(Hierarchy::Memory(root)) => {
            format!("by the memory groups of version 1 under {}", root.display())
        }
        Some(Hierarchy::Unified(root)) => format!("by the groups of version 2 under {}", root.display()),
        None => "no control groups are mounted here; the kernel's own names are used".to_owned(),
    };
    let forbidden = [
        (Absent::Btf, "the kernel has no BTF"),
        (Absent::RingBuffer, "the kernel has no ring buffers"),
        (Absent::Bpf, "CAP_BPF is missing"),
        (Absent::Perfmon, "CAP_PERFMON is missing"),
    ]
    .into_iter()
    .find(|(absent, _)| options.lacks(*absent))
    .map(|(_, why)| format!("{why} (taken away for a test)"));
    Ground {
        hierarchy: hierarchy.unwrap_or_else(|| Hierarchy::Unified("/sys/fs/cgroup".into())),
        words,
        forbidden,
    }
}

fn mounts(options: &Options) -> String {
    let text = fs::read_to_string(MOUNTS).unwrap_or_default();
    if !options.lacks(Absent::CgroupV2) {
        return text;
    }
    text.lines()
        .filter(|line| !line.contains(" - cgroup2 "))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn btf(options: &Options) -> Item {
    let found = if options.lacks(Absent::Btf) {
        Err("taken away for a test".to_owned())
    } else {
        fs::metadata(BTF).map_err(|error| error.to_string())
    };
    match found {
        Ok(file) => Item::works("BTF", format!("{BTF} ({} KiB)", file.len() >> 10)),
        Err(why) => Item::lacks(
            "BTF",
            ItemState::Missing,
            format!("{BTF}: {why}"),
            "no ends of processes, no calls",
            "use a kernel that is built with CONFIG_DEBUG_INFO_BTF, as every large distribution's is since 2021",
        ),
    }
}

fn control_groups(options: &Options) -> Item {
    let mounts = mounts(options);
    let unified = mounts.lines().find(|line| line.contains(" - cgroup2 "));
    let name = "control groups";
    match (Hierarchy::from_mounts(&mounts), unified) {
        (Some(Hierarchy::Unified(root)), _) => {
            Item::works(name, format!("version 2 under {}", root.display()))
        }
        (Some(Hierarchy::Memory(root)), Some(_)) => Item::works(
            name,
            format!(
                "version 1, containers by {}; version 2 is mounted beside it",
                root.display()
            ),
        ),
        (Some(Hierarchy::Memory(root)), None) => Item::lacks(
            name,
            ItemState::Partly,
            format!("version 1 alone, containers by {}", root.display()),
            "ends of processes are seen; programs at the sockets of a control group cannot be attached",
            "mount version 2 beside it (mount -t cgroup2 none /sys/fs/cgroup/unified); an agent in a container needs the mount there",
        ),
        (None, _) => Item::lacks(
            name,
            ItemState::Partly,
            "none are mounted here",
            "containers cannot be told from the node's own processes by their limits",
            "mount /sys/fs/cgroup of the node into the agent's container",
        ),
    }
}

fn ring_buffers(options: &Options) -> Item {
    let name = "ring buffers";
    let supported = if options.lacks(Absent::RingBuffer) {
        Err("taken away for a test".to_owned())
    } else {
        sonde_bpf::probe::ring_buffers().map_err(|error| error.to_string())
    };
    match supported {
        Ok(true) => Item::works(name, "the kernel has them"),
        Ok(false) => Item::lacks(
            name,
            ItemState::Missing,
            "the kernel refuses them: it has none, or the rights are missing",
            "no ends of processes, no samples of calls",
            "use Linux 5.8 or later, and give the rights above",
        ),
        Err(why) => Item::lacks(
            name,
            ItemState::Missing,
            why,
            "no ends of processes, no samples of calls",
            "use Linux 5.8 or later",
        ),
    }
}

fn deaths(options: &Options) -> Item {
    let name = "programs of deaths";
    let ground = ground(options);
    let tried = match ground.forbidden {
        Some(why) => Err(why),
        None => Deaths::start(&ground.hierarchy, |_| {})
            .map(drop)
            .map_err(|error| error.to_string()),
    };
    match tried {
        Ok(()) => Item::works(name, "the kernel takes them"),
        Err(why) => Item::lacks(
            name,
            ItemState::Missing,
            why,
            "no ends of processes, no senders of signals, no victims of the out-of-memory killer",
            "put right what is missing above",
        ),
    }
}

fn runtimes(options: &Options) -> Vec<Item> {
    let name = "container runtime";
    let costs = "containers go by their control group: no namespace, no pod, no container name";
    if options.lacks(Absent::Runtime) {
        let found = "taken away for a test";
        return vec![Item::lacks(name, ItemState::Partly, found, costs, "start it")];
    }
    let Ok(tokio) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let asked_for = !options.runtime_sockets.is_empty();
    let sockets = if asked_for {
        options.runtime_sockets.clone()
    } else {
        runtime::WELL_KNOWN.iter().map(Into::into).collect()
    };
    let mut items = Vec::new();
    for socket in sockets {
        let shown = socket.display();
        match tokio.block_on(runtime::ask(&socket)) {
            Ok(list) => items.push(Item::works(
                name,
                format!("{shown} answers: {} containers and sandboxes", list.len()),
            )),
            Err(Condition::Fails(why)) => items.push(Item::lacks(
                name,
                ItemState::Partly,
                format!("{shown}: {why}"),
                costs,
                "run as a user who may open the socket, and see that the runtime is well",
            )),
            Err(_) if asked_for => items.push(Item::lacks(
                name,
                ItemState::Partly,
                format!("{shown}: there is no such socket"),
                costs,
                "check the path",
            )),
            Err(_) => {}
        }
    }
    if items.is_empty() {
        items.push(Item::lacks(
            name,
            ItemState::Partly,
            format!("no socket at {}", runtime::WELL_KNOWN.join(", ")),
            costs,
            "name it with --runtime-socket",
        ));
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacking(absent: Absent) -> Vec<(String, ItemState)> {
        let options = Options {
            absent: vec![absent, Absent::Runtime],
            ..Options::default()
        };
        check(&options)
            .into_iter()
            .filter(|item| item.state != ItemState::Works && item.name != "container runtime")
            .map(|item| {
                assert!(
                    !item.costs.is_empty() && !item.remedy.is_empty(),
                    "{item:?} tells what to do"
                );
                (item.name, item.state)
            })
            .collect()
    }

    #[test]
    fn what_is_taken_away_is_told_with_what_it_costs() {
        for (absent, name, state) in [
            (Absent::Bpf, "CAP_BPF", ItemState::Missing),
            (Absent::Perfmon, "CAP_PERFMON", ItemState::Missing),
            (Absent::NetAdmin, "CAP_NET_ADMIN", ItemState::Partly),
            (Absent::Btf, "BTF", ItemState::Missing),
            (Absent::RingBuffer, "ring buffers", ItemState::Missing),
            (Absent::CgroupV2, "control groups", ItemState::Partly),
        ] {
            let found = lacking(absent);
            assert!(found.contains(&(name.to_owned(), state)), "{absent:?}: {found:?}");
        }
    }
}
