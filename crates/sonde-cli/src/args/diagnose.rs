//! Arguments of `sonde diagnose`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use sonde_model::Severity;

use super::ConnectionArgs;
use crate::render::Format;
use crate::terminal::ColorChoice;

/// What to diagnose, from where, and how to say it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        sonde diagnose                              # the current namespace\n  \
        sonde diagnose pod/checkout-7d9f-x2 -n shop\n  \
        sonde diagnose deploy checkout payment      # several of one type\n  \
        sonde diagnose deploy/checkout node/worker-3\n  \
        sonde diagnose -l app=checkout -A\n  \
        sonde diagnose --from case.tar.zst          # a bundle, a dump, a folder of kubectl output\n  \
        kubectl describe pod x | sonde diagnose -f -\n  \
        sonde diagnose --demo -o markdown\n\n\
        Exit codes: 0 nothing found at or above --fail-on; 1 findings; 2 could not do the work;\n\
        3 nothing found, but a part could not be looked at (the report lists it).")]
pub(crate) struct DiagnoseArgs {
    /// Objects: TYPE/NAME …, TYPE NAME …, or TYPE alone for all of it; types as in kubectl (po, deploy, node).
    #[arg(value_name = "TYPE/NAME", add = crate::completion::objects())]
    pub(crate) objects: Vec<String>,

    /// Read a bundle, an archive (.tar, .tar.gz, .tar.zst, .zip) or a folder instead of a cluster.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, group = "input")]
    pub(crate) from: Option<PathBuf>,
    /// Read pasted text from a file, or from standard input with `-`; may be repeated.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, group = "input")]
    pub(crate) filename: Vec<PathBuf>,
    /// Diagnose the sick cluster that ships with Sonde.
    #[arg(long, group = "input")]
    pub(crate) demo: bool,
    /// Label selector: key=value, key!=value, key, !key, key in (a,b), key notin (a,b); joined by commas.
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(crate) selector: Option<String>,
    /// The time to take as now (RFC 3339), for input that was read earlier.
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<String>,

    /// The form of the output.
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Output"
    )]
    pub(crate) output: Format,
    /// When to use colour.
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub(crate) color: ColorChoice,
    /// The least severity that makes the exit code 1.
    #[arg(
        long,
        value_name = "SEVERITY",
        default_value = "warning",
        help_heading = "Output"
    )]
    pub(crate) fail_on: FailOn,
    /// Tell every finding in full, however many there are.
    #[arg(long, help_heading = "Output")]
    pub(crate) all: bool,
    /// Tell advice and troubles that are over in full, too.
    #[arg(long, help_heading = "Output")]
    pub(crate) show_info: bool,

    /// Socket of this node's agent, whose deaths are evidence; the usual one is asked where there is one.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) agent: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// Severities as words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Advice and troubles that are over, too.
    Info,
    /// Works, but not as it should.
    Warning,
    /// Does not work.
    Error,
    /// Does not work, and takes others with it.
    Critical,
}

impl From<FailOn> for Severity {
    fn from(value: FailOn) -> Self {
        match value {
            FailOn::Info => Severity::Info,
            FailOn::Warning => Severity::Warning,
            FailOn::Error => Severity::Error,
            FailOn::Critical => Severity::Critical,
        }
    }
}
