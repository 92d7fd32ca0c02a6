//! The ways of seeing calls, from the best that a kernel has to the one that all have.

use std::fmt;
use std::path::Path;

use crate::Error;

/// A way of seeing calls and connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Tier {
    /// S: at the socket, by BTF tracepoints. Knows how long a request lay unread.
    #[default]
    Socket,
    /// P: by packets at the root of the control groups of version 2. Needs no BTF.
    Packet,
}

/// Where a kernel that has BTF shows it.
const BTF: &str = "/sys/kernel/btf/vmlinux";

impl Tier {
    /// The best first.
    pub const ALL: [Self; 2] = [Self::Socket, Self::Packet];

    /// Its letter.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Socket => "S",
            Self::Packet => "P",
        }
    }

    /// How it sees, for people.
    pub fn means(self) -> &'static str {
        match self {
            Self::Socket => "sockets, by BTF tracepoints",
            Self::Packet => "packets, at the root of the control groups of version 2",
        }
    }

    /// What it does not tell; empty where it tells all.
    pub fn lacks(self) -> &'static str {
        match self {
            Self::Socket => "",
            Self::Packet => {
                "how long a request lay unread is within the server's work; \
                 the owner is the group of version 2 that made the socket"
            }
        }
    }

    /// The kernel's hooks that it uses.
    pub fn hooks(self) -> &'static [&'static str] {
        match self {
            Self::Socket => &[
                "tcp_sendmsg_locked",
                "tcp_rcv_space_adjust",
                "tcp_probe",
                "inet_sock_set_state",
                "tcp_retransmit_skb",
                "tcp_send_reset",
                "tcp_receive_reset",
                "iter/task_file",
            ],
            Self::Packet => &["cgroup_skb/egress", "cgroup_skb/ingress", "sockops", "sock_diag"],
        }
    }

    /// Why it could not be started, in the words of a person who must do something about it.
    pub fn explain(self, error: &Error) -> String {
        let said = error.to_string();
        let without_btf = self == Self::Socket && !Path::new(BTF).exists();
        match (without_btf, missing_tracepoint(&said)) {
            (true, _) => format!("the kernel has no BTF ({BTF})"),
            (_, Some(name)) => format!("the kernel has no tracepoint {name}, or does not describe it"),
            _ if error.is_permission() => format!(
                "the kernel refuses for want of rights: {}",
                said.lines().next().unwrap_or_default()
            ),
            _ => in_short(&said),
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.letter())
    }
}

/// libbpf says "failed to find kernel BTF type ID of 'btf_trace_NAME'" or, of a program's section, the name alone.
fn missing_tracepoint(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("BTF type ID of '")?;
    let name = rest.split('\'').next()?;
    Some(name.strip_prefix("btf_trace_").unwrap_or(name))
}

/// What was being done, and the verifier's last word where it has one: it stands before its statistics.
fn in_short(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let first = lines.first().copied().unwrap_or_default();
    let statistics = lines.iter().position(|line| line.starts_with("processed "));
    match statistics.and_then(|at| lines.get(at.checked_sub(1)?)) {
        Some(word) => format!("{first}: {word}"),
        None => lines.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_short() {
        let said = "loading: denied\n-- BEGIN PROG LOAD LOG --\n0: r1\nR4 invalid zero-sized read\nprocessed 3 insns";
        assert_eq!(in_short(said), "loading: denied: R4 invalid zero-sized read");
        assert_eq!(in_short("loading: denied\nmore"), "loading: denied; more");
    }

    #[test]
    fn a_missing_tracepoint_is_named() {
        let said = "libbpf: failed to find kernel BTF type ID of 'tcp_sendmsg_locked': -3";
        assert_eq!(missing_tracepoint(said), Some("tcp_sendmsg_locked"));
        let said = "libbpf: failed to find kernel BTF type ID of 'btf_trace_tcp_probe': -3\nmore";
        assert_eq!(missing_tracepoint(said), Some("tcp_probe"));
        assert_eq!(missing_tracepoint("permission denied"), None);
    }
}
