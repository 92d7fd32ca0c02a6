//! Arguments of `sonde collect`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::ConnectionArgs;

/// What to collect, and where to.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        sonde collect -n shop -o case.tar.zst\n  \
        sonde collect deploy/checkout -n shop -o case.tar.zst\n  \
        sonde collect -A -o cluster.tar.zst\n  \
        sonde diagnose --from case.tar.zst\n\n\
        Passwords, tokens, keys, connection strings and e-mail addresses are taken out while reading; the values of \
        Secrets are never asked for.")]
pub(crate) struct CollectArgs {
    /// Objects whose surroundings to collect; the whole namespace by default.
    #[arg(value_name = "TYPE/NAME", add = crate::completion::objects())]
    pub(crate) objects: Vec<String>,
    /// The bundle to write (.tar.zst).
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
    /// Replace a file that is there.
    #[arg(long)]
    pub(crate) force: bool,

    /// Socket of this node's agent, whose deaths are evidence; the usual one is asked where there is one.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) agent: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}
