//! `sonde node`: asks the node's agent, or reads the node, and tells how it stands.

use std::time::Duration;

use anyhow::anyhow;
use jiff::Timestamp;
use serde::Serialize;
use sonde_collect::agent::{self, Agent, AgentError};
use sonde_diagnose::{Scope, diagnose};
use sonde_host::{Host, Sample, Services, judge};
use sonde_model::{Finding, NodeReport, Report};

use super::gather::with_hints;
use super::progress::Progress;
use super::{NOTHING_FOUND, PARTLY_DONE, print};
use crate::args::{NodeArgs, NodeFormat};
use crate::failure::{Failure, Outcome};
use crate::render::{self, View, node};
use crate::request;
use crate::terminal;

/// Findings.
const FOUND: u8 = 1;
/// Without an agent there is nothing to compare with but what is read now.
const INTERVAL: Duration = Duration::from_secs(1);
const INTERVAL_MAX: Duration = Duration::from_secs(60);

/// What programs read: the report, and what was concluded from it.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    node: &'a NodeReport,
    findings: &'a [Finding],
}

/// Reads and tells; returns the exit code.
pub(super) fn run(args: &NodeArgs) -> Outcome<u8> {
    let over = match &args.over {
        Some(text) => request::duration("--for", text)?.filter(|over| !over.is_zero()),
        None => None,
    };
    if over.is_some_and(|over| over > INTERVAL_MAX) {
        return Err(Failure::new(anyhow!("--for is longer than a minute")).hint("choose up to 60s"));
    }
    let view = View {
        width: terminal::width(),
        color: terminal::color_on(args.color),
        charset: terminal::charset(),
        wide: args.output == NodeFormat::Wide,
        all: true,
        ..View::plain()
    };
    let report = read(args, over)?;
    let diagnosis = diagnose(&agent::gathered(&report).question(Scope::All)).report;
    print(&text(&report, &diagnosis, args.output, &view)?)?;
    Ok(if !diagnosis.findings.is_empty() {
        FOUND
    } else if report.coverage.iter().any(|gap| !gap.remedy.is_empty()) {
        PARTLY_DONE
    } else {
        NOTHING_FOUND
    })
}

fn text(report: &NodeReport, diagnosis: &Report, format: NodeFormat, view: &View) -> Outcome<String> {
    let answer = Answer {
        node: report,
        findings: &diagnosis.findings,
    };
    Ok(match format {
        NodeFormat::Json => render::as_json(&answer)?,
        NodeFormat::Yaml => render::as_yaml(&answer)?,
        NodeFormat::Log => agent::node_text(report),
        NodeFormat::Text | NodeFormat::Wide => {
            let mut text = node::tables(report, view);
            if !diagnosis.findings.is_empty() {
                text.push('\n');
                text.push_str(&render::render(diagnosis, render::Format::Text, view)?);
            }
            text
        }
    })
}

fn read(args: &NodeArgs, over: Option<Duration>) -> Outcome<NodeReport> {
    if args.no_agent {
        return itself(args, over);
    }
    let seconds = over.map(|over| over.as_secs().max(1));
    let path = args.agent.as_deref().unwrap_or(Agent::SOCKET.as_ref());
    let _progress = Progress::start("asking the agent");
    match Agent::at(path).and_then(|agent| agent.node(seconds)) {
        Ok(report) => Ok(report),
        // Most machines have none, and then the command can look for itself.
        Err(AgentError::Absent { .. } | AgentError::Forbidden { .. }) if args.agent.is_none() => {
            drop(_progress);
            itself(args, over)
        }
        Err(error) => Err(with_hints(error.hints(), error.into())),
    }
}

/// Reads the node with the rights of this process.
fn itself(args: &NodeArgs, over: Option<Duration>) -> Outcome<NodeReport> {
    if !cfg!(target_os = "linux") {
        return Err(Failure::new(anyhow!("a node is read on Linux only"))
            .hint("run it on the node, or ask its agent there"));
    }
    let _progress = Progress::start("reading the node");
    let host = Host::at(&args.root);
    let before = Sample::read(&host);
    std::thread::sleep(over.unwrap_or(INTERVAL));
    let after = Sample::read_after(&host, &before);
    let report = judge(&host.name(), Timestamp::now(), &before, &after, &Services::ask());
    if report.cores.is_empty() && report.checks.is_empty() {
        return Err(Failure::new(anyhow!(
            "nothing of a node can be read below {}",
            args.root.display()
        ))
        .hint("name the folder where the node's root is mounted with --root"));
    }
    Ok(report)
}
