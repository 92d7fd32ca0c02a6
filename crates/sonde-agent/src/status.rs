//! What the agent says of itself. Pure but for its own process's size.

use jiff::Timestamp;
use sonde_model::{AgentStatus, Bound, Coverage, Seen};

use crate::check;
use crate::own;
use crate::state::{Condition, State};

/// The status at this moment.
pub(crate) fn status(state: &State, now: Timestamp) -> AgentStatus {
    AgentStatus {
        schema: AgentStatus::SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node: state.node.clone(),
        pid: std::process::id(),
        since: state.since,
        now,
        programs: state.programs.clone(),
        coverage: [deaths(state), calls(state), names(state)]
            .into_iter()
            .chain(Some(lookups(state)))
            .chain(single_calls(state))
            .chain(exported(state))
            .collect(),
        bounds: state
            .fills()
            .into_iter()
            .map(|(name, used, limit, dropped)| Bound {
                name: name.to_owned(),
                used: used.map(|used| used as u64),
                limit: limit.map(|limit| limit as u64),
                dropped,
            })
            .collect(),
        resident_bytes: own::resident_bytes(),
        map_bytes: own::map_bytes(),
    }
}

fn deaths(state: &State) -> Coverage {
    let signal = "ends of processes, who sent the signal, victims of the out-of-memory killer".to_owned();
    let why_not = state
        .programs
        .iter()
        .find(|program| program.name == crate::agent::DEATHS)
        .and_then(|program| program.why_not.clone());
    let missed = state.lost + state.overrun;
    match why_not {
        Some(why) => Coverage {
            signal,
            seen: Seen::Nothing,
            why,
            remedy: "`sonde agent --check` tells what to do".to_owned(),
        },
        None if missed > 0 => Coverage {
            signal,
            seen: Seen::Partly,
            why: format!("{missed} events came faster than they could be taken"),
            remedy: String::new(),
        },
        None => Coverage {
            signal,
            seen: Seen::Whole,
            why: state.hierarchy.clone(),
            remedy: String::new(),
        },
    }
}

fn calls(state: &State) -> Coverage {
    let signal = "calls and connections, by owner and remote address".to_owned();
    let why_not: Vec<String> = state
        .refused
        .iter()
        .map(|it| format!("tier {} does not run: {}", it.tier, it.why))
        .collect();
    let missed = state.traffic.unseen + state.traffic.overflowed + state.traffic.dropped;
    let check = "`sonde agent --check` tells what to do";
    let (seen, why, remedy) = match state.tier {
        None => (Seen::Nothing, why_not.join("; "), check),
        Some(_) if missed > 0 => (
            Seen::Partly,
            format!("{missed} calls or edges found no room in a table"),
            "",
        ),
        Some(tier) => {
            let mut parts = vec![format!("tier {tier}: {}; TCP", tier.means())];
            if !tier.lacks().is_empty() {
                parts.push(tier.lacks().to_owned());
            }
            parts.extend(why_not);
            if state.traffic.unfollowed > 0 {
                parts.push(format!(
                    "where calls run at the same time on one connection, {} answers or pieces of a stream could not be \
                     followed: of calls older than the agent, or lost on the way",
                    state.traffic.unfollowed
                ));
            }
            match tier.lacks() {
                "" => (Seen::Whole, parts.join("; "), ""),
                _ => (Seen::Partly, parts.join("; "), check),
            }
        }
    };
    Coverage {
        signal,
        seen,
        why,
        remedy: remedy.to_owned(),
    }
}

fn lookups(state: &State) -> Coverage {
    let (seen, why, remedy) = match (&*state.no_lookups, state.tier) {
        ("", Some(_)) => (
            Seen::Whole,
            "at the root of the control groups, port 53".to_owned(),
            "",
        ),
        ("", None) => (
            Seen::Nothing,
            "no program of calls runs".to_owned(),
            "`sonde agent --check` tells what to do",
        ),
        (why, _) => (
            Seen::Nothing,
            why.to_owned(),
            "`sonde agent --check` tells what to do",
        ),
    };
    Coverage {
        signal: "questions for names by UDP".to_owned(),
        seen,
        why,
        remedy: remedy.to_owned(),
    }
}

/// Only while fewer are kept than asked for.
fn single_calls(state: &State) -> Option<Coverage> {
    let why = state.budget.words()?;
    Some(Coverage {
        signal: "single calls".to_owned(),
        seen: Seen::Partly,
        why,
        remedy: "give the agent more with --cpu-budget, or keep fewer with --slow and --one-of".to_owned(),
    })
}

/// Only where a collector is named.
fn exported(state: &State) -> Option<Coverage> {
    let it = &state.exported;
    if it.posts == 0 {
        return None;
    }
    let (seen, why) = match (it.trouble.is_empty(), it.lost) {
        (true, 0) => (Seen::Whole, format!("{} posts", it.posts)),
        (true, lost) => (
            Seen::Partly,
            format!("{lost} calls were gone before they could be sent"),
        ),
        (false, _) => (
            Seen::Nothing,
            format!("{} ({} of {} posts failed)", it.trouble, it.failures, it.posts),
        ),
    };
    let remedy = match seen {
        Seen::Nothing => "see that the collector of --otlp is reached and takes OTLP over HTTP",
        _ => "",
    };
    Some(Coverage {
        signal: "counts and single calls sent to the collector".to_owned(),
        seen,
        why,
        remedy: remedy.to_owned(),
    })
}

/// A call comes with the number of a group; a group that is not seen has no name.
const OWN_GROUPS_ONLY: &str =
    "this process sees no control groups but its own: calls of others have no owner";
fn names(state: &State) -> Coverage {
    let mut answers = Vec::new();
    let mut troubles = Vec::new();
    for runtime in &state.runtimes {
        match &runtime.condition {
            Condition::Answers(count) => {
                answers.push(format!("{} ({count} containers and sandboxes)", runtime.socket));
            }
            Condition::Fails(why) => troubles.push(format!("{}: {why}", runtime.socket)),
            Condition::Absent if runtime.asked_for => {
                troubles.push(format!("{}: there is no such socket", runtime.socket));
            }
            Condition::New => troubles.push(format!("{}: not asked yet", runtime.socket)),
            Condition::Absent => {}
        }
    }
    if !answers.is_empty() && state.own_groups_only {
        troubles.push(OWN_GROUPS_ONLY.to_owned());
    }
    let seen = match (answers.is_empty(), troubles.is_empty()) {
        (false, true) => Seen::Whole,
        (false, false) => Seen::Partly,
        (true, _) => Seen::Nothing,
    };
    let why = match (seen, troubles.is_empty()) {
        (Seen::Whole, _) => answers.join(", "),
        (_, false) => troubles.join("; "),
        (_, true) => "no container runtime was found".to_owned(),
    };
    let remedy = match seen {
        Seen::Whole => "",
        Seen::Partly if state.own_groups_only => check::MOUNT_GROUPS,
        _ => {
            "name the runtime's socket with --runtime-socket; until then a container goes by its control group"
        }
    };
    Coverage {
        signal: "names of pods and containers".to_owned(),
        seen,
        why,
        remedy: remedy.to_owned(),
    }
}
