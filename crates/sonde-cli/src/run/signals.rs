//! `sonde top`, `map`, `net` and `trace`: ask the node's agent, name what it saw, show it.

use std::time::Duration;

use sonde_collect::agent::{Agent, AgentError};
use sonde_collect::live::{self, Cluster};
use sonde_model::{Calls, KeptBecause, Kind};
use sonde_topology::{Level, Names, join};

use super::gather::with_hints;
use super::progress::Progress;
use super::{NOTHING_FOUND, PARTLY_DONE, print};
use crate::args::{By, MapArgs, MapFormat, NetArgs, SignalArgs, TableFormat, TopArgs, TraceArgs};
use crate::failure::{Failure, Outcome};
use crate::render::signals::{self, Filter};
use crate::render::{self, View};
use crate::request;
use crate::terminal;

/// How often `--follow` asks: as often as the agent has new counts.
const PAUSE: Duration = Duration::from_secs(5);

/// `sonde top`.
pub(super) fn top(args: &TopArgs) -> Outcome<u8> {
    let agent = args.signals.place.agent().map_err(failed)?;
    let last = seconds("--last", args.last.as_deref())?;
    let names = names(&args.signals)?;
    let view = view(&args.signals, args.output);
    loop {
        let answer = agent.calls(last).map_err(failed)?;
        let code = coverage(&answer);
        match args.output {
            TableFormat::Json => print(&render::as_json(&answer)?)?,
            TableFormat::Yaml => print(&render::as_yaml(&answer)?)?,
            TableFormat::Text | TableFormat::Wide => {
                let graph = join(std::slice::from_ref(&answer), &names, level(args.by));
                print(&signals::top(
                    &graph,
                    &answer,
                    args.edges,
                    args.sort,
                    &filter(&args.signals),
                    &view,
                ))?
            }
        };
        if !args.follow {
            return Ok(code);
        }
        std::thread::sleep(PAUSE);
    }
}

/// `sonde map`.
pub(super) fn map(args: &MapArgs) -> Outcome<u8> {
    let agent = args.signals.place.agent().map_err(failed)?;
    let last = seconds("--last", args.last.as_deref())?;
    let names = names(&args.signals)?;
    let answer = agent.calls(last).map_err(failed)?;
    let graph = join(std::slice::from_ref(&answer), &names, level(args.by));
    let filter = filter(&args.signals);
    let text = match args.output {
        MapFormat::Text => signals::map(&graph, &answer, &filter, &view(&args.signals, TableFormat::Text)),
        MapFormat::Json => render::as_json(&signals::map_json(&graph, &answer, &filter))?,
        MapFormat::Dot => signals::dot(&graph, &answer, &filter),
        MapFormat::Svg => signals::svg(&graph, &answer, &filter),
    };
    print(&text)?;
    Ok(coverage(&answer))
}

/// `sonde net`.
pub(super) fn net(args: &NetArgs) -> Outcome<u8> {
    let agent = args.signals.place.agent().map_err(failed)?;
    let names = names(&args.signals)?;
    if args.names {
        return lookups(args, &agent, &names);
    }
    let answer = agent.connections().map_err(failed)?;
    let text = match args.output {
        TableFormat::Json => render::as_json(&answer)?,
        TableFormat::Yaml => render::as_yaml(&answer)?,
        TableFormat::Text | TableFormat::Wide => {
            let by = (!args.connections).then(|| level(args.by));
            signals::net(
                &answer,
                &names,
                by,
                &filter(&args.signals),
                &view(&args.signals, args.output),
            )
        }
    };
    print(&text)?;
    Ok(NOTHING_FOUND)
}

/// `sonde net --names`.
fn lookups(args: &NetArgs, agent: &Agent, names: &Names) -> Outcome<u8> {
    let answer = agent
        .lookups(seconds("--last", args.last.as_deref())?)
        .map_err(failed)?;
    let text = match args.output {
        TableFormat::Json => render::as_json(&answer)?,
        TableFormat::Yaml => render::as_yaml(&answer)?,
        TableFormat::Text | TableFormat::Wide => signals::lookups(
            &answer,
            names,
            level(args.by),
            &filter(&args.signals),
            &view(&args.signals, args.output),
        ),
    };
    print(&text)?;
    Ok(if answer.lost > 0 {
        PARTLY_DONE
    } else {
        NOTHING_FOUND
    })
}

/// `sonde trace`.
pub(super) fn trace(args: &TraceArgs) -> Outcome<u8> {
    let agent = args.signals.place.agent().map_err(failed)?;
    let last = seconds("--last", args.last.as_deref())?;
    let slow = args
        .slow
        .as_deref()
        .map(|text| request::duration("--slow", text))
        .transpose()?
        .flatten();
    let names = names(&args.signals)?;
    let mut answer = agent.traces(last).map_err(failed)?;
    let filter = filter(&args.signals);
    answer.calls.retain(|call| {
        let picked = call.because == [KeptBecause::Chosen];
        let long_enough = slow.is_none_or(|slow| u128::from(call.total_ns) >= slow.as_nanos());
        (args.all || slow.is_some() || !picked) && long_enough && filter.takes(&call.owner.namespace)
    });
    let text = match args.output {
        TableFormat::Json => render::as_json(&answer)?,
        TableFormat::Yaml => render::as_yaml(&answer)?,
        TableFormat::Text | TableFormat::Wide => {
            signals::traces(&answer, &names, &view(&args.signals, args.output))
        }
    };
    print(&text)?;
    Ok(if answer.lost > 0 {
        PARTLY_DONE
    } else {
        NOTHING_FOUND
    })
}

fn coverage(answer: &Calls) -> u8 {
    if answer.overflowed + answer.unseen > 0 {
        PARTLY_DONE
    } else {
        NOTHING_FOUND
    }
}

fn level(by: By) -> Level {
    match by {
        By::Workload => Level::Workload,
        By::Pod => Level::Pod,
        By::Container => Level::Container,
        By::Namespace => Level::Namespace,
        By::Node => Level::Node,
    }
}

fn filter(args: &SignalArgs) -> Filter {
    Filter {
        namespace: args
            .connection
            .namespace
            .clone()
            .filter(|_| !args.connection.all_namespaces),
    }
}

fn seconds(flag: &str, text: Option<&str>) -> Outcome<Option<u64>> {
    let duration = text
        .map(|text| request::duration(flag, text))
        .transpose()?
        .flatten();
    Ok(duration.map(|duration| duration.as_secs().max(1)))
}

fn view(args: &SignalArgs, output: TableFormat) -> View {
    View {
        width: terminal::width(),
        color: terminal::color_on(args.color),
        charset: terminal::charset(),
        wide: output == TableFormat::Wide,
        ..View::plain()
    }
}

/// Whose the addresses are, as the cluster says. Without one the addresses stay as they are, and a line says so.
fn names(args: &SignalArgs) -> Outcome<Names> {
    if args.no_cluster {
        return Ok(Names::default());
    }
    let progress = Progress::start("asking the cluster for names");
    let connection = request::connection(&args.connection)?;
    let listed = Cluster::connect(&connection.options()).and_then(|mut cluster| {
        let kinds = vec![Kind::Node, Kind::Pod, Kind::ReplicaSet, Kind::Job, Kind::Service];
        let request = live::Request {
            namespace: None,
            kinds,
            keep_texts: false,
        };
        cluster.gather(&request, &|doing| progress.now(doing))
    });
    drop(progress);
    Ok(match listed {
        Ok(gathered) => Names::from_snapshot(&gathered.world.snapshot()),
        Err(error) => {
            eprintln!("Addresses are shown without names: {error}. --no-cluster asks for none.");
            Names::default()
        }
    })
}

fn failed(error: AgentError) -> Failure {
    with_hints(error.hints(), error.into())
}
