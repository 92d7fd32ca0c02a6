//! What an agent saw, for tests: deaths of container `app` of pod `shop/app-1` on node `n1`.

use sonde_model::{
    Death, DeathKind, Deaths, GroupMemory, Owner, ProcessSeen, SenderKind, SenderSeen, Timestamp,
};

/// The pod of [`super::pod`].
const UID: &str = "0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60";
const MIB: u64 = 1 << 20;

/// An agent that watches since 11:00 and was asked at noon.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) command: &'static str,
    pub(crate) lost: u64,
    pub(crate) since: &'static str,
    pub(crate) deaths: Vec<Death>,
}

pub(crate) fn agent() -> Agent {
    Agent {
        command: "app",
        lost: 0,
        since: "2026-03-01T11:00:00Z",
        deaths: Vec::new(),
    }
}

/// Who sent it, as an agent tells.
pub(crate) fn sender(kind: SenderKind) -> SenderSeen {
    let (command, parent) = match kind {
        SenderKind::Runtime => ("runc", "containerd-shim"),
        SenderKind::NodeProcess => ("python3", "sshd"),
        SenderKind::OutOfMemory | SenderKind::Itself | SenderKind::Fault => ("app", "containerd-shim"),
        SenderKind::ServiceManager => ("systemd", ""),
        _ => ("sh", "sh"),
    };
    let inside = matches!(
        kind,
        SenderKind::Itself | SenderKind::SameContainer | SenderKind::OutOfMemory | SenderKind::Fault
    );
    let mut owner = Owner::default();
    if inside {
        owner = own();
    } else if kind == SenderKind::OtherContainer {
        owner = Owner {
            container: "debug".into(),
            container_id: "d".repeat(64).into(),
            ..own()
        };
    }
    SenderSeen {
        kind,
        process: ProcessSeen {
            pid: 4711,
            command: command.into(),
            uid: 1000,
            parent_command: parent.into(),
            owner,
            ..ProcessSeen::default()
        },
    }
}

fn own() -> Owner {
    Owner {
        namespace: "shop".into(),
        pod: "app-1".into(),
        pod_uid: UID.into(),
        container: "app".into(),
        container_id: "c".repeat(64).into(),
        group: format!("cri-containerd-{}.scope", "c".repeat(64)).into(),
        ..Owner::default()
    }
}

impl Agent {
    fn push(mut self, time: &str, first: bool, kind: DeathKind) -> Self {
        self.deaths.push(Death {
            time: format!("2026-03-01T{time}Z").parse().unwrap(),
            process: ProcessSeen {
                pid: if first { 100 } else { 101 },
                command: if first { self.command } else { "worker" }.into(),
                parent_command: if first { "containerd-shim" } else { self.command }.into(),
                first,
                owner: own(),
                ..ProcessSeen::default()
            },
            kind,
        });
        self
    }

    /// A signal to the first process.
    pub(crate) fn sent(self, time: &str, signal: i32, kind: SenderKind) -> Self {
        let sender = sender(kind);
        self.push(
            time,
            true,
            DeathKind::Signal {
                signal,
                sender,
                delivered: true,
            },
        )
    }

    /// A signal to the first process, which ignores it.
    pub(crate) fn ignored(self, time: &str, signal: i32, kind: SenderKind) -> Self {
        let sender = sender(kind);
        self.push(
            time,
            true,
            DeathKind::Signal {
                signal,
                sender,
                delivered: false,
            },
        )
    }

    /// SIGKILL to another process.
    pub(crate) fn killed_child(self, time: &str, kind: SenderKind) -> Self {
        let sender = sender(kind);
        self.push(
            time,
            false,
            DeathKind::Signal {
                signal: 9,
                sender,
                delivered: true,
            },
        )
    }

    /// The first process ended by a signal.
    pub(crate) fn ended(self, time: &str, signal: u8) -> Self {
        self.push(
            time,
            true,
            DeathKind::Exit {
                code: None,
                signal: Some(signal),
                sender: None,
            },
        )
    }

    /// The first process left with a code.
    pub(crate) fn left(self, time: &str, code: u8) -> Self {
        self.push(
            time,
            true,
            DeathKind::Exit {
                code: Some(code),
                signal: None,
                sender: None,
            },
        )
    }

    /// A kill for memory: use and limit of the container, of its pod and of all pods, in MiB.
    pub(crate) fn memory(self, time: &str, first: bool, groups: [(u64, Option<u64>); 3]) -> Self {
        let names = [
            format!("cri-containerd-{}.scope", "c".repeat(64)),
            format!("kubepods-burstable-pod{}.slice", UID.replace('-', "_")),
            "kubepods.slice".to_owned(),
        ];
        let groups = names
            .into_iter()
            .zip(groups)
            .map(|(name, (usage, limit))| GroupMemory {
                name,
                usage_bytes: usage * MIB,
                limit_bytes: limit.map(|limit| limit * MIB),
            });
        let trigger = ProcessSeen {
            owner: own(),
            ..sender(SenderKind::OutOfMemory).process
        };
        let groups = groups.collect();
        self.push(
            time,
            first,
            DeathKind::OutOfMemory {
                trigger,
                anonymous_bytes: 60 * MIB,
                file_bytes: 0,
                shared_bytes: 0,
                groups,
            },
        )
    }

    pub(crate) fn text(&self) -> String {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        sonde_grammar::log::agent::text(&Deaths {
            schema: Deaths::SCHEMA.into(),
            node: "n1".into(),
            since: time(self.since),
            now: time("2026-03-01T12:00:00Z"),
            deaths: self.deaths.clone(),
            lost: self.lost,
            dropped: 0,
        })
    }
}
