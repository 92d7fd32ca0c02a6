//! Arguments of `sonde deaths`.

use clap::{Args, ValueEnum};

use super::AgentPlace;
use crate::terminal::ColorChoice;

/// Which deaths, and how to say them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        sonde deaths                      # what this node's agent remembers: the last hour\n  \
        sonde deaths -n shop --since 10m  # one namespace, the last ten minutes\n  \
        sonde deaths --signals            # signals that ended nothing, too\n  \
        sonde deaths --follow             # then each one as it comes\n  \
        sonde deaths -o json\n  \
        sonde deaths -o log               # to be pasted into sonde diagnose -f -\n\n\
        Asks the agent of this node (`sonde agent`). Exit codes: 0 answered; 2 no agent answers;\n\
        3 answered, but the agent lost events.")]
pub(crate) struct DeathsArgs {
    /// Only what died in pods of this namespace; all, and the node's own processes, by default.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// All namespaces and the node's own processes, whatever -n says.
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
    /// Only what is not older: 10m, 30s, 1h.
    #[arg(long, value_name = "DURATION")]
    pub(crate) since: Option<String>,
    /// Signals that ended nothing, too.
    #[arg(long)]
    pub(crate) signals: bool,
    /// Stay, and show each death as it comes.
    #[arg(short = 'f', long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) place: AgentPlace,
    /// The form of the output.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: DeathsFormat,
    /// When to use colour.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
}

/// Forms of a list of deaths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeathsFormat {
    /// A table: one row for each process that ended.
    Text,
    /// The table with ids, parents and the memory of each control group.
    Wide,
    /// For programs: every event as the agent tells it.
    Json,
    /// The same as YAML.
    Yaml,
    /// Lines of a log, which `sonde diagnose -f -` reads beside other text.
    Log,
}
