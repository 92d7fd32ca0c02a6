//! Arguments of `sonde agent`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use sonde_collect::agent::Agent;

use crate::terminal::ColorChoice;

/// How the agent runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        sudo sonde agent                  # until Ctrl-C; tells what it sees, what not and why\n  \
        sudo sonde agent --check          # what this node and these rights allow, and what to do about the rest\n  \
        sonde deaths                      # in another terminal\n\n\
        Needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, and root to open the container runtime's socket. It changes\n\
        nothing on the node, asks the API server for nothing, and leaves nothing behind.\n\
        Exit codes of --check: 0 all works; 3 works, with less to see; 2 nothing would be seen.")]
#[cfg_attr(
    not(feature = "agent"),
    allow(
        dead_code,
        reason = "a build without the agent still knows its flags, to say how to get it"
    )
)]
pub(crate) struct AgentArgs {
    /// Tell what works here, what not and what to do, then end.
    #[arg(long)]
    pub(crate) check: bool,
    /// Where the agent is asked.
    #[arg(long, value_name = "PATH", default_value = Agent::SOCKET, value_hint = ValueHint::FilePath)]
    pub(crate) socket: PathBuf,
    /// A group, by name or number, that may ask it beside root.
    #[arg(long, value_name = "GROUP")]
    pub(crate) socket_group: Option<String>,
    /// A container runtime's socket; may be repeated. The usual places by default.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) runtime_socket: Vec<PathBuf>,
    /// The node's name; the host's by default.
    #[arg(long, value_name = "NAME", env = "NODE_NAME")]
    pub(crate) node_name: Option<String>,
    /// Answer on this loopback address, too, to anyone on this machine: HTTP without a password.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen_insecure: Option<SocketAddr>,
    /// A call that takes at least this long counts as slow, and is kept.
    #[arg(long, value_name = "DURATION", default_value = "500ms")]
    pub(crate) slow: String,
    /// Of the other calls one of so many is kept; 0 for none.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) one_of: u32,
    /// Read no byte of what is said: no protocols, no errors by their meaning, no single calls.
    #[arg(long)]
    pub(crate) no_payload: bool,
    /// When to use colour.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
    /// Take something as absent, for tests.
    #[arg(long, value_name = "WHAT", hide = true)]
    pub(crate) without: Vec<String>,
}
