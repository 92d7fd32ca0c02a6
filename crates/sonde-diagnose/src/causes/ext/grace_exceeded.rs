//! EXT-GRACE-EXCEEDED: the process was asked to end, did not within its grace period, and was killed.

use sonde_grammar::Fact;
use sonde_grammar::fact::{KillReason, RuntimeFact};
use sonde_model::{Code, Risk};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-GRACE-EXCEEDED"),
    title: "killed when the grace period was over",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("EXT-GRACE-EXCEEDED"),
};

const SIGKILL: i64 = 9;
/// Events are written in whole seconds and the runtime needs a moment.
const SLACK_SECONDS: i64 = 2;

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(((code, ended), SIGKILL)) = facts.exit().zip(facts.signal()) else {
        return;
    };
    if facts
        .episode
        .run
        .as_ref()
        .is_some_and(|run| run.end.reason == "OOMKilled")
    {
        return;
    }
    let killing = facts.heard(|fact| match fact {
        Fact::Killing { reason, .. } if *reason != KillReason::GraceExceeded => Some(reason),
        _ => None,
    });
    if let Some((KillReason::Liveness | KillReason::Startup | KillReason::PostStartHook, message)) = killing {
        case.refuted_by(
            message.seen(),
            "a probe or hook made the kubelet end it, not the end of its pod",
        );
        return;
    }
    let hook = facts.heard(|fact| match fact {
        Fact::Hook(it) if it.overran => Some(()),
        _ => None,
    });
    if let Some(((), message)) = hook {
        case.refuted_by(
            message.seen(),
            "the preStop hook used up the time, the process had none",
        );
        return;
    }
    let (grace, grace_seen) = facts.grace();
    let over = facts.heard(|fact| match fact {
        Fact::Killing {
            reason: KillReason::GraceExceeded,
            ..
        } => Some(()),
        Fact::Runtime(RuntimeFact::Signalled { signal })
            if matches!(signal.as_str(), "killed" | "SIGKILL" | "9") =>
        {
            Some(())
        }
        _ => None,
    });
    let waited = killing.and_then(|(_, message)| {
        let (_, end) = facts.span()?;
        let seconds = end.duration_since(message.seen.time?).as_secs();
        (seconds >= grace - SLACK_SECONDS).then_some((message, seconds))
    });
    match (&over, &waited) {
        // Who asked for the end (an eviction, a node that shuts down) says more.
        (Some(((), message)), _) | (None, Some((message, _))) => case.generally_proven_by(message.seen()),
        (None, None) => match killing {
            Some((_, message)) => case.hinted_by(message.seen()),
            None => {
                if let Some(want) = facts.want_kubelet_log() {
                    case.wants(
                        want,
                        "whether the container was asked to end before it was killed",
                    );
                }
                return;
            }
        },
    };
    let who = facts.container_phrase();
    case.step(
        format!("its pod gives it {grace}s to end after SIGTERM"),
        [grace_seen],
    );
    case.step("it is asked to end", killing.map(|(_, message)| message.seen()));
    if let Some(((), message)) = over {
        case.step("it is still there when the time is up", [message.seen()]);
    } else if let Some((_, seconds)) = waited {
        case.step(format!("it is still there {seconds}s later"), [ended.clone()]);
    }
    case.step(format!("it is killed (SIGKILL, exit code {code})"), [ended]);
    case.headline(format!(
        "{who} does not end within its grace period of {grace}s and is killed (exit code {code})"
    ));
    case.advice(
        "let the program handle SIGTERM; behind a shell, start it with `exec` or a small init (tini), so that the signal reaches it",
        Risk::Restart,
    );
    case.advice(
        "if its shutdown takes that long by design, raise terminationGracePeriodSeconds",
        Risk::Restart,
    );
}
