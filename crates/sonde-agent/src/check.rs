//! What this node and these rights allow: read from the kernel's own files, and tried where only trying tells.

mod ground;
mod rights;

use std::fs;

use serde::Serialize;
use sonde_bpf::deaths::Deaths;
use sonde_bpf::sockets::{self, Sockets};
use sonde_bpf::{Hierarchy, Tier};

use crate::state::Condition;
use crate::{Absent, Options, runtime};
use ground::mounts;
use rights::Rights;

pub(crate) use ground::{Programs, forbidden, ground};

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

    /// Something else works, so there is something to see.
    fn soften(&mut self) {
        if self.state == ItemState::Missing {
            self.state = ItemState::Partly;
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

/// What to do where not all groups of the node are seen.
pub(crate) const MOUNT_GROUPS: &str = "mount /sys/fs/cgroup of the node into the agent's container";

/// What each tier of calls needs, where it cannot run, beside the rights.
fn remedy_of(tier: Tier) -> &'static str {
    match tier {
        Tier::Socket => {
            "put right what is missing above; a kernel too old for a tracepoint cannot have it (tcp_sendmsg_locked came with Linux 6.16)"
        }
        Tier::Packet => {
            "put right what is missing above; version 2 can be mounted beside version 1 (mount -t cgroup2 none /sys/fs/cgroup/unified); Linux 5.10 or later"
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
    let mut programs = vec![deaths(options)];
    programs.extend(Tier::ALL.map(|tier| calls(options, tier)));
    let sees_something = programs.iter().any(|item| item.state == ItemState::Works);
    items.extend(programs);
    if sees_something {
        for item in &mut items {
            item.soften();
        }
    }
    items.extend(runtimes(options));
    items
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
            "no ends of processes; calls by tier P alone",
            "use a kernel that is built with CONFIG_DEBUG_INFO_BTF, as every large distribution's is since 2021",
        ),
    }
}

fn control_groups(options: &Options) -> Item {
    let mounts = mounts(options);
    let unified = mounts.lines().find(|line| line.contains(" - cgroup2 "));
    let name = "control groups";
    match (Hierarchy::from_mounts(&mounts), unified) {
        (Some(hierarchy), _) if !hierarchy.is_whole() => Item::lacks(
            name,
            ItemState::Partly,
            format!(
                "under {} are this process's own alone",
                hierarchy.root().display()
            ),
            "calls have no owner: the kernel names a call's group by number",
            MOUNT_GROUPS,
        ),
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
            MOUNT_GROUPS,
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
    let tried = match forbidden(options, Programs::Deaths) {
        Some(why) => Err(why),
        None => Deaths::start(&ground(options).hierarchy, |_| {})
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

fn calls(options: &Options, tier: Tier) -> Item {
    let name = format!("calls, tier {tier}");
    let tried = match forbidden(options, Programs::Calls(tier)) {
        Some(why) => Err(why),
        None => {
            let wanted = sockets::Options {
                tier,
                ..sockets::Options::default()
            };
            Sockets::start(&ground(options).hierarchy, &wanted, |_| {})
                .map(drop)
                .map_err(|error| tier.explain(&error))
        }
    };
    let costs = match tier {
        Tier::Socket => format!(
            "tier P sees the calls where it runs, with less: {}",
            Tier::Packet.lacks()
        ),
        Tier::Packet => "no calls where tier S does not run".to_owned(),
    };
    match tried {
        Ok(()) => Item::works(&name, format!("the kernel takes it: {}", tier.means())),
        Err(why) => Item::lacks(&name, ItemState::Missing, why, &costs, remedy_of(tier)),
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

    fn check_without(absent: &[Absent]) -> Vec<Item> {
        let options = Options {
            absent: [absent, &[Absent::Runtime]].concat(),
            ..Options::default()
        };
        check(&options)
    }

    #[test]
    fn what_is_taken_away_is_told_with_what_it_costs() {
        for (absent, names) in [
            (
                Absent::Bpf,
                &["CAP_BPF", "programs of deaths", "calls, tier S", "calls, tier P"][..],
            ),
            (
                Absent::Perfmon,
                &["CAP_PERFMON", "programs of deaths", "calls, tier S"],
            ),
            (Absent::NetAdmin, &["CAP_NET_ADMIN", "calls, tier P"]),
            (Absent::Btf, &["BTF", "programs of deaths", "calls, tier S"]),
            (
                Absent::RingBuffer,
                &[
                    "ring buffers",
                    "programs of deaths",
                    "calls, tier S",
                    "calls, tier P",
                ],
            ),
            (Absent::CgroupV2, &["control groups", "calls, tier P"]),
        ] {
            let items = check_without(&[absent]);
            for name in names {
                let item = items.iter().find(|item| item.name == *name);
                let item = item.unwrap_or_else(|| panic!("{absent:?}: no {name} in {items:?}"));
                assert_ne!(item.state, ItemState::Works, "{absent:?}");
                assert!(
                    !item.costs.is_empty() && !item.remedy.is_empty(),
                    "{item:?} tells what to do"
                );
            }
        }
    }

    #[test]
    fn nothing_is_missing_while_something_can_be_seen() {
        let is_missing = |items: &[Item]| items.iter().any(|item| item.state == ItemState::Missing);
        assert!(is_missing(&check_without(&[Absent::Bpf])));
        assert!(is_missing(&check_without(&[Absent::Btf, Absent::CgroupV2])));
        let without_btf = check_without(&[Absent::Btf]);
        let packets = without_btf.iter().find(|item| item.name == "calls, tier P");
        if packets.is_some_and(|item| item.state == ItemState::Works) {
            assert!(!is_missing(&without_btf), "{without_btf:?}");
        }
    }
}
