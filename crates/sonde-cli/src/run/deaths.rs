//! `sonde deaths`: asks the node's agent and shows what it remembers.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sonde_collect::agent::{Agent, AgentError};
use sonde_model::{Death, Deaths};

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

/// Asks and shows; returns the exit code.
pub(super) fn run(args: &DeathsArgs) -> Outcome<u8> {
    let view = View {
        width: terminal::width(),
        color: terminal::color_on(args.color),
        charset: terminal::charset(),
        wide: args.output == DeathsFormat::Wide,
        ..View::plain()
    };
    let agent = Agent::at(&args.agent).map_err(failed)?;
    let since = match &args.since {
        Some(text) => request::duration("--since", text)?.map(ago).transpose()?,
        None => None,
    };
    let answer = asked(&agent, args, since)?;
    show(&answer, args, &view, true)?;
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

fn show(answer: &Deaths, args: &DeathsArgs, view: &View, first: bool) -> Outcome<()> {
    let rows = || deaths::rows(answer, args.signals);
    let text = match args.output {
        DeathsFormat::Json => render::as_json(answer)?,
        DeathsFormat::Yaml => render::as_yaml(answer)?,
        DeathsFormat::Text | DeathsFormat::Wide => deaths::table(&rows(), answer, view, first),
    };
    if first {
        for note in deaths::notes(answer, args.namespace.as_deref().filter(|_| !args.all_namespaces)) {
            eprintln!("{}", render::shown(&note, view.charset));
        }
    }
    print(&text).map(drop)
}

/// Shows what comes, each death once and in the order of time, until the reader goes or the agent ends.
fn follow(agent: &Agent, args: &DeathsArgs, view: &View, first: &Deaths) -> Outcome<u8> {
    let mut shown_until = first.deaths.last().map_or(first.now, |last| last.time);
    loop {
        std::thread::sleep(PAUSE);
        // From a little before, since what is told of one end came in several events.
        let from = shown_until.saturating_sub(SETTLED).unwrap_or(Timestamp::MIN);
        let mut answer = asked(agent, args, Some(from))?;
        let until = answer.now.saturating_sub(SETTLED).unwrap_or(Timestamp::MIN);
        let is_new = |death: &Death| death.time > shown_until && death.time <= until;
        let keep = answer.deaths.iter().any(is_new);
        if keep {
            let before = answer.clone();
            answer.deaths.retain(is_new);
            let last = answer.deaths.iter().map(|death| death.time).max();
            match args.output {
                DeathsFormat::Json | DeathsFormat::Yaml => show(&answer, args, view, false)?,
                DeathsFormat::Text | DeathsFormat::Wide => {
                    let rows: Vec<_> = deaths::rows(&before, args.signals)
                        .into_iter()
                        .filter(|row| row.time() > shown_until && row.time() <= until)
                        .collect();
                    print(&deaths::table(&rows, &before, view, false))?;
                }
            }
            shown_until = last.unwrap_or(shown_until);
        }
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
