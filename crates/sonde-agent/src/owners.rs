//! From the kernel's words to ours: a control group becomes an owner, a process becomes one that was seen. Pure.

use sonde_bpf::deaths::{Group, Process};
use sonde_model::{Owner, ProcessSeen};

/// Whose a control group is, as far as its name and its parent's tell.
pub(crate) fn owner(group: &Group) -> Owner {
    Owner::of_group(&group.name, &group.parent)
}

/// The process without what its owner's names add.
pub(crate) fn seen(process: &Process, owner: Owner) -> ProcessSeen {
    ProcessSeen {
        pid: process.pid,
        command: process.command.clone(),
        uid: process.uid,
        parent_pid: process.parent_pid,
        parent_command: process.parent_command.clone(),
        first: process.is_namespace_init() && owner.is_container(),
        owner,
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// An id of 64 digits that begins with `letter`.
    pub(crate) fn id(letter: &str) -> String {
        format!("{letter:0<64}")
    }

    pub(crate) fn container(letter: &str) -> Owner {
        Owner {
            container_id: id(letter).into(),
            group: id(letter).into(),
            ..Owner::default()
        }
    }

    /// A process of the node's own group.
    pub(crate) fn process(pid: u32, namespace_pid: u32, namespace_level: u32, command: &str) -> Process {
        Process {
            pid,
            namespace_pid,
            namespace_level,
            uid: 0,
            command: command.to_owned(),
            parent_pid: 1,
            parent_command: "init".to_owned(),
            group: Group {
                id: 1,
                name: "system.slice".to_owned(),
                parent: String::new(),
            },
        }
    }

    /// A process of the container whose id begins with `letter`.
    pub(crate) fn in_container(letter: &str, pid: u32, namespace_pid: u32, command: &str) -> Process {
        let mut process = process(pid, namespace_pid, 1, command);
        process.group = Group {
            id: 2,
            name: id(letter),
            parent: "pod0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60".to_owned(),
        };
        process
    }
}

#[cfg(test)]
mod tests {
    use super::testing::id;
    use super::*;

    #[test]
    fn groups_tell_their_owner() {
        let uid = "0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60";
        let slice = "kubepods-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice";
        let a = id("a");
        for (name, parent, pod, container) in [
            (a.clone(), format!("pod{uid}"), uid, &*a),
            (format!("cri-containerd-{a}.scope"), slice.to_owned(), uid, &*a),
            ("container".into(), format!("crio-{a}.scope"), "", &*a),
            (format!("docker-{a}.scope"), "system.slice".into(), "", &*a),
            ("kubelet.service".into(), "system.slice".into(), "", ""),
            (format!("pod{uid}"), "burstable".into(), "", ""),
        ] {
            let owner = owner(&Group {
                id: 1,
                name: name.clone(),
                parent,
            });
            assert_eq!(
                (&*owner.pod_uid, &*owner.container_id),
                (pod, container),
                "{name}"
            );
            assert_eq!(&*owner.group, name);
        }
    }
}
