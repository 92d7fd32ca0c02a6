//! What an agent is asked to do.

use std::net::SocketAddr;
use std::path::PathBuf;

/// How an agent runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it is asked.
    pub socket: PathBuf,
    /// The group, by name or number, that may ask beside root.
    pub socket_group: Option<String>,
    /// Sockets of container runtimes; the well-known ones where none is named.
    pub runtime_sockets: Vec<PathBuf>,
    /// The node's name; the host's own by default.
    pub node: Option<String>,
    /// Answers without a password on this address, which must be a loopback one.
    pub listen: Option<SocketAddr>,
    /// What is taken as absent, for tests.
    pub absent: Vec<Absent>,
}

impl Options {
    /// Where an agent is asked by default.
    pub const SOCKET: &str = "/run/sonde/agent.sock";

    /// Whether something is to be taken as absent.
    pub fn lacks(&self, what: Absent) -> bool {
        self.absent.contains(&what)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            socket: Self::SOCKET.into(),
            socket_group: None,
            runtime_sockets: Vec::new(),
            node: None,
            listen: None,
            absent: Vec::new(),
        }
    }
}

/// Something of the node that a test takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// The capability CAP_BPF.
    Bpf,
    /// The capability CAP_PERFMON.
    Perfmon,
    /// The capability CAP_NET_ADMIN.
    NetAdmin,
    /// The kernel's description of its own types.
    Btf,
    /// The unified hierarchy of control groups.
    CgroupV2,
    /// Ring buffers.
    RingBuffer,
    /// Every container runtime.
    Runtime,
}

impl Absent {
    /// Each with its word on the command line.
    pub const ALL: &[(Absent, &str)] = &[
        (Absent::Bpf, "cap-bpf"),
        (Absent::Perfmon, "cap-perfmon"),
        (Absent::NetAdmin, "cap-net-admin"),
        (Absent::Btf, "btf"),
        (Absent::CgroupV2, "cgroup-v2"),
        (Absent::RingBuffer, "ring-buffer"),
        (Absent::Runtime, "runtime"),
    ];

    /// What a word means.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, it)| *it == word)
            .map(|(absent, _)| *absent)
    }
}
