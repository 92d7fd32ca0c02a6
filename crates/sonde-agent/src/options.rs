//! What an agent is asked to do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use sonde_bpf::{Tier, sockets};

use crate::export::Collector;
use crate::tls::MutualTls;

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
    /// A call that takes at least this long counts as slow, and is kept.
    pub slow: Duration,
    /// The first bytes of requests and answers are read, for the protocol, errors and single calls; never kept as such.
    pub payload: bool,
    /// Of the calls that are neither slow nor failed, one of so many is kept; 0 for none.
    pub sample_each: u32,
    /// Questions for names are seen, which costs a look at each packet of the node.
    pub lookups: bool,
    /// The share of all processors that the agent may take before it keeps fewer single calls; 0 is no limit.
    pub cpu_share: f64,
    /// Answers over TCP to who shows a certificate.
    pub listen_tls: Option<(SocketAddr, MutualTls)>,
    /// Where counts and single calls are sent, and how often.
    pub collector: Option<(Rc<Collector>, Duration)>,
    /// How calls are seen; the best way that works here where none is named.
    pub tier: Option<Tier>,
    /// What is taken as absent, for tests.
    pub absent: Vec<Absent>,
}

impl Options {
    /// Where an agent is asked by default.
    pub const SOCKET: &str = "/run/sonde/agent.sock";

    /// What the programs of calls and of questions for names are told.
    pub(crate) fn of_programs(&self) -> sockets::Options {
        sockets::Options {
            slow: self.slow,
            payload: self.payload,
            sample_each: self.sample_each,
            ..sockets::Options::default()
        }
    }

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
            slow: Duration::from_millis(500),
            payload: true,
            sample_each: 1_000,
            lookups: true,
            cpu_share: 0.01,
            listen_tls: None,
            collector: None,
            tier: None,
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
