//! Arguments of `sonde explain`.

use clap::{Args, ValueEnum};

use crate::terminal::ColorChoice;

/// Which page.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        sonde explain                          # every cause, by family\n  \
        sonde explain OOM-CONTAINER-LIMIT      # one page\n  \
        sonde explain OOM                      # the causes of a family\n  \
        sonde explain 137                      # find by exit code\n  \
        sonde explain no space left            # find by words of a message")]
pub(crate) struct ExplainArgs {
    /// A code, a family, or words of the symptom.
    #[arg(value_name = "CODE|WORDS", add = crate::completion::codes())]
    pub(crate) words: Vec<String>,
    /// The form of the output.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: ExplainFormat,
    /// When to use colour.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
}

/// Forms of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainFormat {
    /// For a person, folded to the terminal.
    Text,
    /// As it was written.
    Markdown,
}
