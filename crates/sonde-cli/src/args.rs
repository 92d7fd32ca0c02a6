//! The command line as it is written. What it means is decided in [`crate::request`]; nothing here looks at the world.

mod agent;
mod collect;
mod connection;
mod deaths;
mod diagnose;
mod explain;
mod node;
mod place;
mod profile;
mod signals;

use clap::{Parser, Subcommand, ValueEnum};

pub(crate) use agent::AgentArgs;
pub(crate) use collect::CollectArgs;
pub(crate) use connection::ConnectionArgs;
pub(crate) use deaths::{DeathsArgs, DeathsFormat};
pub(crate) use diagnose::DiagnoseArgs;
pub(crate) use explain::{ExplainArgs, ExplainFormat};
pub(crate) use node::{NodeArgs, NodeFormat};
pub(crate) use place::AgentPlace;
pub(crate) use profile::{ProfileArgs, ProfileFormat};
pub(crate) use signals::{
    By, MapArgs, MapFormat, NetArgs, SignalArgs, Sort, TableFormat, TopArgs, TraceArgs,
};

/// Tells what is wrong in a Kubernetes cluster, and proves it.
#[derive(Debug, Parser)]
#[command(
    name = "sonde",
    version,
    about = "Tells what is wrong in a Kubernetes cluster, how it is known, what it is not, and what to do",
    long_about = "Tells what is wrong in a Kubernetes cluster, how it is known, what it is not, and what to do.\n\n\
        Reads a live cluster, a dump, a bundle or pasted text. Changes nothing, and never asks for the values of \
        Secrets.",
    after_help = "Examples:\n  \
        sonde diagnose                             # the current namespace of the current context\n  \
        sonde diagnose deploy/checkout -n shop     # one workload, down to its pods\n  \
        kubectl describe pod x | sonde diagnose -f -\n  \
        sonde diagnose --demo                      # a sick cluster that ships with Sonde\n  \
        sonde explain 137                          # what can be behind an exit code",
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell what is wrong, why, and what to do about it.
    Diagnose(Box<DiagnoseArgs>),
    /// Show the page of a cause, list the causes, or find them by symptom.
    Explain(ExplainArgs),
    /// Write a redacted bundle that diagnoses the same way offline.
    Collect(Box<CollectArgs>),
    /// Show who is called how often, how slow, with how many errors.
    Top(Box<TopArgs>),
    /// Show who calls whom, and where the time of slow calls goes.
    Map(Box<MapArgs>),
    /// Show single calls: slow, failed, or one of many.
    Trace(Box<TraceArgs>),
    /// Show connections: round trips, segments sent again, what waits unread.
    Net(Box<NetArgs>),
    /// Show how this node stands: processors, memory, disks, limits, clock, kubelet and runtime.
    Node(NodeArgs),
    /// Show where the processors are busy: a flame graph of a pod, a container, a process or the node.
    Profile(ProfileArgs),
    /// Show which processes and containers of this node died, how, and who sent the signal.
    Deaths(DeathsArgs),
    /// Watch this node through the kernel, until Ctrl-C.
    Agent(Box<AgentArgs>),
    /// Print the script that completes commands in a shell.
    #[command(after_help = "Examples:\n  \
            source <(sonde completion bash)                                  # this shell\n  \
            sonde completion zsh > \"${fpath[1]}/_sonde\"                      # every zsh\n  \
            sonde completion fish > ~/.config/fish/completions/sonde.fish    # every fish")]
    Completion {
        /// The shell.
        #[arg(value_enum)]
        shell: CompletionShell,
    },
    /// Print the version.
    #[command(after_help = "Examples:\n  sonde version\n  sonde version -o json")]
    Version {
        /// The form of the output.
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        output: VersionFormat,
    },
    /// Print the JSON Schema of the report that `-o json` writes.
    #[command(after_help = "Examples:\n  sonde schema > report.schema.json")]
    Schema,
}

/// Shells with completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompletionShell {
    /// GNU Bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
    /// Elvish.
    Elvish,
    /// PowerShell.
    Powershell,
}

impl CompletionShell {
    /// The name by which the completion engine knows the shell.
    pub(crate) fn name(self) -> &'static str {
        match self {
            CompletionShell::Bash => "bash",
            CompletionShell::Zsh => "zsh",
            CompletionShell::Fish => "fish",
            CompletionShell::Elvish => "elvish",
            CompletionShell::Powershell => "powershell",
        }
    }
}

/// Forms of `sonde version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VersionFormat {
    /// A line.
    Text,
    /// A JSON object.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_every_command_has_examples() {
        for command in Cli::command().get_subcommands() {
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Examples:\n  "), "{}", command.get_name());
        }
    }
}
