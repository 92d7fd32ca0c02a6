//! Arguments of `sonde profile`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use sonde_collect::agent::Agent;

use crate::terminal::ColorChoice;

/// What is profiled, and how to say it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        sonde profile pod/checkout-1 -n shop              # ten seconds; the functions that used most\n  \
        sonde profile pod/checkout-1 -o svg > flame.svg   # a flame graph for a browser\n  \
        sonde profile pid/1234 --for 30s --hz 199\n  \
        sonde profile node -o pprof > cpu.pb.gz           # for go tool pprof, Grafana, Speedscope\n  \
        sonde profile container/0a1b2c3d4e5f -o collapsed\n\n\
        Asks the agent of this node (`sonde agent`). Stacks are walked by frame pointers: code that was compiled\n\
        without them hides its callers. One profile at a time, a minute at most.\n\
        Exit codes: 0 answered; 2 no agent answers, or nothing on its node is that; 3 answered, but samples were lost.")]
pub(crate) struct ProfileArgs {
    /// pod/NAME, container/ID (the first digits will do), pid/N, or node.
    #[arg(value_name = "WHAT", default_value = "node")]
    pub(crate) what: String,
    /// The pod's namespace; needed where pods of several have the name.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// One container of the pod.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) container: Option<String>,
    /// For so long, up to a minute.
    #[arg(long = "for", value_name = "DURATION", default_value = "10s")]
    pub(crate) time: String,
    /// So often a second on each processor, up to 1000.
    #[arg(long, value_name = "N", default_value_t = 99, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) hz: u32,
    /// The agent's socket.
    #[arg(long, value_name = "PATH", default_value = Agent::SOCKET, value_hint = ValueHint::FilePath)]
    pub(crate) agent: PathBuf,
    /// The form of the output.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: ProfileFormat,
    /// When to use colour.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
}

/// Forms of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileFormat {
    /// The functions that used most.
    Text,
    /// A flame graph.
    Svg,
    /// A line for each stack, with its samples.
    Collapsed,
    /// A compressed protobuf message, as pprof reads it.
    Pprof,
    /// For programs: what the agent answers.
    Json,
    /// The same as YAML.
    Yaml,
}
