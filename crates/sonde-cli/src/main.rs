//! `sonde`: what is wrong in a Kubernetes cluster, how it is known, what it is not, and what to do.
//!
//! Arguments as written ([`args`]) become requests ([`request`]), requests are answered ([`run`]), reports are
//! rendered ([`render`]). All reasoning is in `sonde-diagnose`, all reading in `sonde-collect`.

mod args;
mod completion;
mod explain;
mod failure;
mod live;
mod render;
mod request;
mod run;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::run()
}
