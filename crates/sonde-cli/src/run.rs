//! Runs a command: from the arguments to the exit code.

mod agent;
mod collect;
mod deaths;
mod diagnose;
mod gather;
mod node;
mod profile;
mod progress;
mod rounds;
mod schema;
mod scope;
mod signals;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::{CommandFactory as _, FromArgMatches as _};
use clap_complete::CompleteEnv;
use clap_complete::env::Shells;

use crate::args::{Cli, Command, CompletionShell, VersionFormat};
use crate::explain;
use crate::failure::{Failure, Outcome};
use crate::request::{Collect, Diagnose};

/// Nothing was found at or above `--fail-on`.
const NOTHING_FOUND: u8 = 0;
/// Nothing was found, but a part could not be looked at.
const PARTLY_DONE: u8 = 3;
/// The work could not be done.
const NOT_DONE: u8 = 2;

/// Runs what the process was asked to do.
pub(crate) fn run() -> ExitCode {
    let called = Called::from_path(std::env::args_os().next());
    if called == Called::KubectlCompletion {
        return finish(kubectl_completion());
    }
    CompleteEnv::with_factory(move || command(called)).complete();
    let cli = match command(called)
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    finish(dispatch(cli, called))
}

/// By which name the program was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    /// `sonde`.
    Sonde,
    /// As kubectl's plugin, `kubectl-sonde`.
    KubectlPlugin,
    /// As the completion of kubectl's plugin, `kubectl_complete-sonde`.
    KubectlCompletion,
}

impl Called {
    fn from_path(path: Option<OsString>) -> Self {
        let path = path.unwrap_or_default();
        let stem = Path::new(&path).file_stem().unwrap_or_default().to_string_lossy();
        match &*stem {
            "kubectl-sonde" => Called::KubectlPlugin,
            "kubectl_complete-sonde" => Called::KubectlCompletion,
            _ => Called::Sonde,
        }
    }
}

/// The command line, in the words by which it was called.
fn command(called: Called) -> clap::Command {
    let command = Cli::command();
    match called {
        Called::Sonde => command,
        Called::KubectlPlugin | Called::KubectlCompletion => command.bin_name("kubectl sonde"),
    }
}

/// Help and version are answers; anything else that clap says is a usage error.
fn usage(error: &clap::Error) -> ExitCode {
    // A closed pipe while help is written is no failure.
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(NOT_DONE)
    } else {
        ExitCode::from(NOTHING_FOUND)
    }
}

fn finish(outcome: Outcome<u8>) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) if failure.is_closed_pipe() => ExitCode::from(NOTHING_FOUND),
        Err(failure) => {
            failure.print();
            ExitCode::from(NOT_DONE)
        }
    }
}

fn dispatch(cli: Cli, called: Called) -> Outcome<u8> {
    match cli.command {
        Command::Explain(args) => print(&explain::run(&args)?),
        Command::Completion { shell } => print(&completion_script(shell, called)?),
        Command::Version { output } => print(&version(output)),
        Command::Schema => print(&schema::text()?),
        Command::Diagnose(args) => diagnose::run(&Diagnose::from_args(*args)?),
        Command::Top(args) => signals::top(&args),
        Command::Map(args) => signals::map(&args),
        Command::Trace(args) => signals::trace(&args),
        Command::Net(args) => signals::net(&args),
        Command::Node(args) => node::run(&args),
        Command::Profile(args) => profile::run(&args),
        Command::Deaths(args) => deaths::run(&args),
        Command::Agent(args) => agent::run(*args),
        Command::Collect(args) => collect::run(&Collect::from_args(*args)?),
    }
}

/// Text to stdout.
fn print(text: &str) -> Outcome<u8> {
    print_bytes(text.as_bytes())
}

/// Data to stdout.
fn print_bytes(bytes: &[u8]) -> Outcome<u8> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .context("failed to write to standard output")?;
    Ok(NOTHING_FOUND)
}

fn version(format: VersionFormat) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match format {
        VersionFormat::Text => format!("sonde {version}\n"),
        VersionFormat::Json => {
            let value = serde_json::json!({ "name": "sonde", "version": version, "reportSchema": sonde_model::SCHEMA });
            format!("{value:#}\n")
        }
    }
}

fn completion_script(shell: CompletionShell, called: Called) -> Outcome<String> {
    let shells = Shells::builtins();
    let completer = shells
        .completer(shell.name())
        .ok_or_else(|| anyhow!("no completion for {}", shell.name()))?;
    let bin = match called {
        Called::Sonde => "sonde",
        Called::KubectlPlugin | Called::KubectlCompletion => "kubectl-sonde",
    };
    let mut script = Vec::new();
    completer
        .write_registration("COMPLETE", bin, bin, bin, &mut script)
        .context("failed to write the completion script")?;
    String::from_utf8(script)
        .context("the completion script is no text")
        .map_err(Failure::from)
}

/// kubectl starts `kubectl_complete-sonde` with the words so far and reads candidates, one on a line, then a line with
/// a directive (`kubectl/pkg/cmd/plugin/plugin_completion.go`): 4 is "no file names".
fn kubectl_completion() -> Outcome<u8> {
    let mut words: Vec<OsString> = vec!["sonde".into()];
    words.extend(std::env::args_os().skip(1));
    let index = words.len() - 1;
    let mut command = command(Called::KubectlCompletion);
    let candidates = clap_complete::engine::complete(&mut command, words, index, None)
        .context("failed to complete the command")?;
    let mut out = String::new();
    for candidate in candidates {
        out.push_str(&candidate.get_value().to_string_lossy());
        if let Some(help) = candidate.get_help() {
            out.push('\t');
            out.push_str(&help.to_string());
        }
        out.push('\n');
    }
    out.push_str(":4\n");
    print(&out)
}
