//! `sonde deaths`: asks the node's agent and shows what it remembers.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sonde_collect::agent::{self, Agent, AgentError};
use sonde_model::Deaths;

use super::gather::with_hints;
use super::{NOTHING_FOUND, PARTLY_DONE, print};
use crate::args::{DeathsArgs, DeathsFormat};
use crate::failure::{Failure, Outcome};
use crate::render::{self, View, deaths};
use crate::request;
use crate::terminal;

/// How often `--follow` asks.
const PAUSE: Duration = Duration::from_secs(1);
/// An end is shown this long after it came, so that its name and its memory are known.
const SETTLED: SignedDuration = SignedDuration::from_secs(2);
/// What was sent to a process may stand so long before its end.
const MOMENT: SignedDuration = SignedDuration::from_mins(2);

/// Asks and shows; returns the exit code.
pub(super) fn run(args: &DeathsArgs) -> Outcome<u8> {
    let view = View {
        width: terminal::width(),
        color: terminal::color_on(args.color),
        charset: terminal::charset(),
        wide: args.output == DeathsFormat::Wide,
        ..View::plain()
    };
    let agent = args.place.agent().map_err(failed)?;
    let since = match &args.since {
        Some(text) => request::duration("--since", text)?.map(ago).transpose()?,
        None => None,
    };
    let mut answer = asked(&agent, args, since)?;
    if let (DeathsFormat::Log, Some(since)) = (args.output, since) {
        // Its first line says from when on everything is told.
        answer.since = answer.since.max(since);
    }
    show(&answer, args, &view)?;
    if args.follow {
        return follow(&agent, args, &view, &answer);
    }
    Ok(if answer.lost + answer.dropped > 0 {
        PARTLY_DONE
    } else {
        NOTHING_FOUND
    })
}

fn asked(agent: &Agent, args: &DeathsArgs, since: Option<Timestamp>) -> Outcome<Deaths> {
    let mut answer = agent.deaths(since).map_err(failed)?;
    if let (Some(namespace), false) = (&args.namespace, args.all_namespaces) {
        answer
            .deaths
            .retain(|death| &*death.process.owner.namespace == namespace.as_str());
    }
    Ok(answer)
}

fn show(answer: &Deaths, args: &DeathsArgs, view: &View) -> Outcome<u8> {
    for note in deaths::notes(answer, args.namespace.as_deref().filter(|_| !args.all_namespaces)) {
        eprintln!("{}", render::shown(&note, view.charset));
    }
    print(&match args.output {
        DeathsFormat::Json => render::as_json(answer)?,
        DeathsFormat::Yaml => render::as_yaml(answer)?,
        DeathsFormat::Log => agent::text(answer),
        DeathsFormat::Text | DeathsFormat::Wide => {
            deaths::table(&deaths::rows(answer, args.signals), answer, view, true)
        }
    })
}

/// Shows what comes, each death once and in the order of time, until the reader goes or the agent ends.
fn follow(agent: &Agent, args: &DeathsArgs, view: &View, first: &Deaths) -> Outcome<u8> {
    let mut header = deaths::rows(first, args.signals).is_empty();
    let mut shown_until = first.deaths.last().map_or(first.since, |last| last.time);
    loop {
        std::thread::sleep(PAUSE);
        // From a moment before, since what is told of one end came in several events.
        let from = shown_until.saturating_sub(MOMENT).unwrap_or(Timestamp::MIN);
        let mut answer = asked(agent, args, Some(from))?;
        let until = answer.now.saturating_sub(SETTLED).unwrap_or(Timestamp::MIN);
        let is_new = |time: Timestamp| time > shown_until && time <= until;
        let Some(last) = answer
            .deaths
            .iter()
            .map(|death| death.time)
            .filter(|time| is_new(*time))
            .max()
        else {
            continue;
        };
        match args.output {
            DeathsFormat::Text | DeathsFormat::Wide => {
                let mut rows = deaths::rows(&answer, args.signals);
                rows.retain(|row| is_new(row.time()));
                print(&deaths::table(&rows, &answer, view, header))?;
                header &= rows.is_empty();
            }
            DeathsFormat::Json | DeathsFormat::Yaml | DeathsFormat::Log => {
                answer.deaths.retain(|death| is_new(death.time));
                print(&match args.output {
                    DeathsFormat::Json => render::as_json(&answer)?,
                    DeathsFormat::Log => answer
                        .deaths
                        .iter()
                        .map(|death| agent::line(death) + "\n")
                        .collect(),
                    _ => format!("---\n{}", render::as_yaml(&answer)?),
                })?;
            }
        }
        shown_until = last;
    }
}

fn ago(duration: Duration) -> Outcome<Timestamp> {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    Ok(Timestamp::now()
        .saturating_sub(duration)
        .unwrap_or(Timestamp::MIN))
}

fn failed(error: AgentError) -> Failure {
    with_hints(error.hints(), error.into())
}
