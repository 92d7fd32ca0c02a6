//! `sonde profile`: has the node's agent take a profile, and shows it.

use std::io::{self, IsTerminal as _};

use anyhow::anyhow;
use sonde_collect::agent::{Agent, AgentError};
use sonde_model::Profile;

use super::gather::with_hints;
use super::progress::Progress;
use super::{NOTHING_FOUND, PARTLY_DONE, print, print_bytes};
use crate::args::{ProfileArgs, ProfileFormat};
use crate::failure::{Failure, Outcome};
use crate::render::{self, View, profile};
use crate::request;
use crate::terminal;

/// Asks and shows; returns the exit code.
pub(super) fn run(args: &ProfileArgs) -> Outcome<u8> {
    let of = of(args)?;
    let time = request::duration("--for", &args.time)?.unwrap_or_default();
    let seconds = time.as_secs_f64().round() as u64;
    if !(1..=Profile::SECONDS_MAX).contains(&seconds) {
        return Err(
            Failure::new(anyhow!("--for {} is no time that a profile takes", args.time))
                .hint(format!("choose from 1s to {}s", Profile::SECONDS_MAX)),
        );
    }
    if args.output == ProfileFormat::Pprof && io::stdout().is_terminal() {
        return Err(Failure::new(anyhow!("the answer is no text for a terminal"))
            .hint("write it to a file: sonde profile ... -o pprof > cpu.pb.gz"));
    }
    let agent = Agent::at(&args.agent).map_err(failed)?;
    let progress = Progress::start(&format!("sampling for {seconds} s"));
    let taken = agent.profile(&of, seconds, args.hz).map_err(failed)?;
    drop(progress);
    let view = View {
        width: terminal::width(),
        color: terminal::color_on(args.color),
        charset: terminal::charset(),
        ..View::plain()
    };
    match args.output {
        ProfileFormat::Text => print(&profile::table(&taken, &view))?,
        ProfileFormat::Svg => print_bytes(&profile::svg(&taken)?)?,
        ProfileFormat::Collapsed => print(&profile::collapsed(&taken))?,
        ProfileFormat::Pprof => print_bytes(&profile::pprof(&taken)?)?,
        ProfileFormat::Json => print(&render::as_json(&taken)?)?,
        ProfileFormat::Yaml => print(&render::as_yaml(&taken)?)?,
    };
    if args.output != ProfileFormat::Text {
        for note in profile::notes(&taken) {
            eprintln!("{}", render::shown(&note, view.charset));
        }
    }
    Ok(if taken.lost > 0 {
        PARTLY_DONE
    } else {
        NOTHING_FOUND
    })
}

/// Whom, as the agent's query.
fn of(args: &ProfileArgs) -> Outcome<String> {
    let strange = || {
        Failure::new(anyhow!("{:?} is nothing that can be profiled", args.what))
            .hint("name a pod (pod/NAME), a container (container/ID), a process (pid/N), or node")
    };
    // What could end a query's value is in no name of Kubernetes.
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    let named = [args.namespace.as_deref(), args.container.as_deref()];
    if !named.into_iter().flatten().all(is_name) {
        return Err(strange());
    }
    let (kind, name) = match args.what.split_once('/') {
        Some((kind, name)) if is_name(name) => (kind, name),
        None if args.what == "node" => return Ok(String::new()),
        _ => return Err(strange()),
    };
    let mut query = match kind {
        "pod" | "pods" | "po" => format!("pod={name}"),
        "container" => format!("container={name}"),
        "pid" | "process" => format!("pid={name}"),
        _ => return Err(strange()),
    };
    if query.starts_with("pod=") {
        for (key, value) in [("namespace", &args.namespace), ("container", &args.container)] {
            if let Some(value) = value {
                query.push_str(&format!("&{key}={value}"));
            }
        }
    }
    Ok(query)
}

fn failed(error: AgentError) -> Failure {
    with_hints(error.hints(), error.into())
}
