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
    /// Answer on this address to who shows a certificate of --client-ca: HTTP over TLS.
    #[arg(long, value_name = "ADDRESS", requires_all = ["tls_cert", "tls_key", "client_ca"])]
    pub(crate) listen: Option<SocketAddr>,
    /// The agent's certificate chain for --listen, PEM.
    #[arg(long, value_name = "FILE", requires = "listen", value_hint = ValueHint::FilePath)]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The key of that certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "listen", value_hint = ValueHint::FilePath)]
    pub(crate) tls_key: Option<PathBuf>,
    /// Authorities whose certificates may ask over --listen, PEM.
    #[arg(long, value_name = "FILE", requires = "listen", value_hint = ValueHint::FilePath)]
    pub(crate) client_ca: Option<PathBuf>,
    /// Send counts and single calls to this collector, as OTLP over HTTP: http://HOST:4318.
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_hint = ValueHint::Url)]
    pub(crate) otlp: Option<String>,
    /// A header of each post to the collector; may be repeated, or a list with commas.
    #[arg(
        long,
        value_name = "NAME=VALUE",
        env = "OTEL_EXPORTER_OTLP_HEADERS",
        value_delimiter = ',',
        hide_env_values = true,
        requires = "otlp"
    )]
    pub(crate) otlp_header: Vec<String>,
    /// How often.
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub(crate) otlp_every: String,
    /// A call that takes at least this long counts as slow, and is kept.
    #[arg(long, value_name = "DURATION", default_value = "500ms")]
    pub(crate) slow: String,
    /// Of the other calls one of so many is kept; 0 for none.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) one_of: u32,
    /// The share of the node's processors that the agent may take before it keeps fewer single calls; 0 for no limit.
    /// Counts are made in the kernel and are never left out.
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0)]
    pub(crate) cpu_budget: f64,
    /// Read no byte of what is said: no protocols, no errors by their meaning, no single calls.
    #[arg(long)]
    pub(crate) no_payload: bool,
    /// How calls are seen: s at the socket, p by packets; auto takes the best that works here.
    #[arg(long, value_name = "TIER", default_value = "auto", value_parser = ["auto", "s", "p"])]
    pub(crate) tier: String,
    /// See no questions for names by UDP, which cost a look at each packet of the node.
    #[arg(long)]
    pub(crate) no_lookups: bool,
    /// When to use colour.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
    /// Take something as absent, for tests.
    #[arg(long, value_name = "WHAT", hide = true)]
    pub(crate) without: Vec<String>,
}
