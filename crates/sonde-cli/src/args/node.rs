//! Arguments of `sonde node`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::terminal::ColorChoice;

/// How this node stands.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        sonde node                        # what this node's agent sees of it, since it last looked\n  \
        sonde node --for 10s              # with rates over ten seconds\n  \
        sudo sonde node --no-agent        # read by this command, without an agent\n  \
        sonde node -o wide                # with limits and where each value was read\n  \
        sonde node -o log                 # to be pasted into sonde diagnose -f -\n\n\
        Asks the agent of this node (`sonde agent`); where none answers, reads the node by itself, with the\n\
        rights that it has. `sonde explain CODE` tells of each check that can fail.\n\
        Exit codes: 0 nothing at or above a warning; 1 findings; 2 the node could not be read;\n\
        3 no finding, and a part could not be read for want of rights.")]
pub(crate) struct NodeArgs {
    /// Rates over so long, up to a minute: 1s, 10s; since the agent last looked by default.
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) over: Option<String>,
    /// The agent's socket; the usual one, where an agent answers, by default.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with = "no_agent")]
    pub(crate) agent: Option<PathBuf>,
    /// Ask no agent.
    #[arg(long)]
    pub(crate) no_agent: bool,
    /// Where the node's root is mounted, in a container; takes --no-agent.
    #[arg(long, value_name = "PATH", default_value = "/", value_hint = ValueHint::DirPath, requires = "no_agent")]
    pub(crate) root: PathBuf,
    /// The form of the output.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: NodeFormat,
    /// When to use colour.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
}

/// Forms of a node's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NodeFormat {
    /// Tables, then the findings.
    Text,
    /// The same with limits and sources.
    Wide,
    /// For programs: checks, uses and findings.
    Json,
    /// The same as YAML.
    Yaml,
    /// Lines of a log, which `sonde diagnose -f -` reads beside other text.
    Log,
}
