//! Arguments of the commands that show what an agent measures.

use clap::{Args, ValueEnum};

use super::{AgentPlace, ConnectionArgs};
use crate::terminal::ColorChoice;

/// What is common to them.
#[derive(Debug, Args)]
pub(crate) struct SignalArgs {
    #[command(flatten)]
    pub(crate) place: AgentPlace,
    /// Ask no cluster for the names of addresses; the agent's own names stay.
    #[arg(long)]
    pub(crate) no_cluster: bool,
    /// When to use colour.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// What is put together in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// What owns the pods at the root.
    Workload,
    /// Each pod.
    Pod,
    /// Each container.
    Container,
    /// Each namespace.
    Namespace,
    /// Each node.
    Node,
}

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// Most calls.
    Calls,
    /// Most failed calls.
    Errors,
    /// Most slow calls.
    Slow,
    /// The highest time that 99 of 100 calls stay below.
    P99,
    /// Most bytes.
    Bytes,
}

/// Who is called how often, how slow, with how many errors.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        sonde top                        # the callees of this node, the last minute\n  \
        sonde top --edges                # a row for each caller and callee\n  \
        sonde top --by pod -n shop\n  \
        sonde top --sort p99 --last 10s\n  \
        sonde top --follow               # again every five seconds, until Ctrl-C\n\n\
        Asks the agent of this node (`sonde agent`); the names of addresses come from the cluster of\n\
        the kubeconfig, where there is one. Times are those of the callee's node where its agent\n\
        answers, from the request's arrival to the answer's first byte; else the caller's.\n\
        Exit codes: 0 answered; 2 no agent answers; 3 answered, but not all calls were counted.")]
pub(crate) struct TopArgs {
    /// What is put together in a row.
    #[arg(long, value_name = "LEVEL", default_value = "workload")]
    pub(crate) by: By,
    /// A row for each caller and callee.
    #[arg(long)]
    pub(crate) edges: bool,
    /// What comes first.
    #[arg(long, value_name = "COLUMN", default_value = "calls")]
    pub(crate) sort: Sort,
    /// Only the last so many seconds of the minute that the agent keeps: 10s, 30s.
    #[arg(long, value_name = "DURATION")]
    pub(crate) last: Option<String>,
    /// Show it again and again.
    #[arg(short = 'f', long)]
    pub(crate) follow: bool,
    /// The form of the output.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: TableFormat,
    #[command(flatten)]
    pub(crate) signals: SignalArgs,
}

/// Who calls whom.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        sonde map                        # a tree of callers and callees\n  \
        sonde map --by namespace\n  \
        sonde map -o svg > map.svg\n  \
        sonde map -o json\n\n\
        Below each callee whose calls are slow stands where the time goes.\n\
        Exit codes: 0 answered; 2 no agent answers; 3 answered, but not all calls were counted.")]
pub(crate) struct MapArgs {
    /// What is one point of the map.
    #[arg(long, value_name = "LEVEL", default_value = "workload")]
    pub(crate) by: By,
    /// Only the last so many seconds of the minute that the agent keeps: 10s, 30s.
    #[arg(long, value_name = "DURATION")]
    pub(crate) last: Option<String>,
    /// The form of the output.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: MapFormat,
    #[command(flatten)]
    pub(crate) signals: SignalArgs,
}

/// Connections: round trips, segments sent again, what waits.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        sonde net                        # by workload\n  \
        sonde net --connections          # each connection\n  \
        sonde net --by namespace\n  \
        sonde net --names                # names that were asked for in vain, or whose answer took long\n\n\
        Round-trip times are the kernel's own of every live connection; nothing is sent to measure them.\n\
        Exit codes: 0 answered; 2 no agent answers.")]
pub(crate) struct NetArgs {
    /// What is put together in a row.
    #[arg(long, value_name = "LEVEL", default_value = "workload")]
    pub(crate) by: By,
    /// A row for each connection.
    #[arg(long)]
    pub(crate) connections: bool,
    /// Questions for names that failed or were slow, instead of connections: by name and answer.
    #[arg(long, conflicts_with = "connections")]
    pub(crate) names: bool,
    /// With --names only what is not older: 30s, 10m.
    #[arg(long, value_name = "DURATION", requires = "names")]
    pub(crate) last: Option<String>,
    /// The form of the output.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: TableFormat,
    #[command(flatten)]
    pub(crate) signals: SignalArgs,
}

/// Single calls: slow, failed, or one of many.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        sonde trace                      # slow and failed calls that the agent kept\n  \
        sonde trace -n shop --slow 200ms\n  \
        sonde trace --all                # those that were picked at random, too\n\n\
        Routes are without their ids, statements without their values; no header or body is kept.\n\
        Exit codes: 0 answered; 2 no agent answers; 3 answered, but the agent lost calls.")]
pub(crate) struct TraceArgs {
    /// Only calls that took at least this long: 200ms, 1s.
    #[arg(long, value_name = "DURATION")]
    pub(crate) slow: Option<String>,
    /// Calls that were picked at random, too.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only what is not older: 30s, 10m.
    #[arg(long, value_name = "DURATION")]
    pub(crate) last: Option<String>,
    /// The form of the output.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: TableFormat,
    #[command(flatten)]
    pub(crate) signals: SignalArgs,
}

/// Forms of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// A table.
    Text,
    /// The table with more columns.
    Wide,
    /// For programs: what the agent answers.
    Json,
    /// The same as YAML.
    Yaml,
}

/// Forms of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MapFormat {
    /// A tree.
    Text,
    /// For programs: points and edges with their counts.
    Json,
    /// For Graphviz.
    Dot,
    /// A drawing.
    Svg,
}
