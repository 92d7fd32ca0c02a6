//! EXT-GRACE-EXCEEDED: the process was asked to end, did not within its grace period, and was killed.

use jiff::SignedDuration;
use sonde_grammar::Fact;
use sonde_grammar::fact::{KillReason, ProbeKind, RuntimeFact};
use sonde_model::{Code, Risk};

use crate::cause::page;
use crate::deaths::Sent;
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
    let witness = facts.witness();
    if let Some(kill) = witness.kill().filter(|kill| !kill.by_runtime()) {
        let reason = format!(
            "{} sent SIGKILL, not the runtime at the end of a grace period",
            kill.from()
        );
        case.refuted_by(kill.seen.clone(), reason);
        return;
    }
    let stop = stop(facts);
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
        (seconds >= grace.saturating_sub(SLACK_SECONDS)).then_some((message, seconds))
    });
    match (&over, &waited) {
        (None, None) if stop.is_some() => by_agent(facts, case, stop.as_ref()),
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
    // A person, or a probe, may have given it another time.
    let given = match &stop {
        Some(stop) if killing.is_none() && stop.seconds.saturating_add(SLACK_SECONDS) < grace => stop.seconds,
        _ => grace,
    };
    case.step(
        format!("its pod gives it {grace}s to end after SIGTERM"),
        [grace_seen],
    );
    if killing.is_some() || stop.is_none() {
        case.step("it is asked to end", killing.map(|(_, message)| message.seen()));
    }
    if let Some(stop) = &stop {
        stop.tell(case);
    } else if let Some(((), message)) = over {
        case.step("it is still there when the time is up", [message.seen()]);
    } else if let Some((_, seconds)) = waited {
        case.step(format!("it is still there {seconds}s later"), [ended.clone()]);
    }
    case.step(format!("it is killed (SIGKILL, exit code {code})"), [ended]);
    let told = match (&stop, killing) {
        (Some(_), None) => {
            "; the container runtime was told to stop it, by the kubelet or by somebody's `crictl stop`"
        }
        _ => "",
    };
    match &stop {
        Some(stop) if !stop.asked.delivered => {
            let (signal, command) = (stop.asked.name(), &stop.asked.process.command);
            case.headline(format!(
                "{who} ignores {signal}, since its first process {command} has no handler for it, and is killed after {given}s (exit code {code}){told}"
            ));
            case.advice(ignoring(command, &signal), Risk::Restart);
        }
        _ => {
            case.headline(format!(
                "{who} does not end within its grace period of {given}s and is killed (exit code {code}){told}"
            ));
        }
    }
    case.advice(
        "let the program handle SIGTERM; behind a shell, start it with `exec` or a small init (tini), so that the signal reaches it",
        Risk::Restart,
    );
    case.advice(
        "if its shutdown takes that long by design, raise terminationGracePeriodSeconds",
        Risk::Restart,
    );
}

/// The runtime's two signals, as an agent saw them.
struct Stop<'a> {
    asked: Sent<'a>,
    kill: Sent<'a>,
    seconds: i64,
}

/// Shorter than this between the two signals, and nobody waited for an end.
const WAITED_LEAST: SignedDuration = SignedDuration::from_millis(900);

fn stop<'a>(facts: &Facts<'a>) -> Option<Stop<'a>> {
    let witness = facts.witness();
    let asked = witness.asked().filter(|sent| sent.by_runtime())?;
    let kill = witness.kill()?;
    let waited = kill.time.duration_since(asked.time);
    // The kubelet gives two seconds where a hook has used up the rest.
    let hooked = facts
        .container()
        .is_some_and(|(it, _)| it.lifecycle.as_ref().is_some_and(|it| it.pre_stop.is_some()));
    let least = if hooked { HOOKED_LEAST } else { WAITED_LEAST };
    (waited > least).then(|| Stop {
        asked: asked.clone(),
        kill: kill.clone(),
        seconds: waited.as_millis().saturating_add(500) as i64 / 1000,
    })
}

/// What the kubelet leaves after a hook that used up the grace period (`minimumGracePeriodInSeconds` is 2).
const HOOKED_LEAST: SignedDuration = SignedDuration::from_millis(3_500);

impl Stop<'_> {
    fn tell(&self, case: &mut Case) {
        let (signal, command) = (self.asked.name(), &self.asked.process.command);
        let how = if self.asked.delivered {
            format!(
                "{} sends {signal} to its first process, {command}",
                self.asked.from()
            )
        } else {
            format!(
                "{} sends {signal}; the kernel drops it, because {command}, its first process, has no handler for it (the first process of a container has no default one)",
                self.asked.from()
            )
        };
        case.step(how, [self.asked.seen.clone()]);
        case.step(
            format!("it is still there {}s later and gets SIGKILL", self.seconds),
            [self.kill.seen.clone()],
        );
    }
}

/// The two signals prove that it did not end when asked; a probe that fails may be why it was asked.
fn by_agent<'c>(facts: &Facts<'_>, case: &'c mut Case, stop: Option<&Stop<'_>>) -> &'c mut Case {
    let Some(stop) = stop else { return case };
    let probe = facts
        .all_messages()
        .any(|it| facts.touches_run(it) && it.facts.iter().any(probe_that_kills));
    // Its failures may have been told long ago, or to nobody who listened.
    let may_fail = facts.killing().is_none()
        && facts
            .container()
            .is_some_and(|(it, _)| it.liveness_probe.is_some() || it.startup_probe.is_some());
    if let Some(want) = facts.want_kubelet_log().filter(|_| facts.killing().is_none()) {
        case.wants(want, "whether the kubelet stopped the container, and why");
    }
    if probe || may_fail {
        case.hinted_by(stop.kill.seen.clone())
    } else {
        case.generally_proven_by(stop.asked.seen.clone());
        case.generally_proven_by(stop.kill.seen.clone())
    }
}

fn probe_that_kills(fact: &Fact) -> bool {
    matches!(fact, Fact::Probe(it) if it.probe != ProbeKind::Readiness)
}

/// What to do about a first process that ignores a signal.
pub(in crate::causes) fn ignoring(command: &str, signal: &str) -> String {
    const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "busybox", "zsh", "ksh"];
    if SHELLS.contains(&command) {
        format!(
            "its first process is a shell, which neither ends on {signal} nor passes it on: start the program with `exec`, write the image's command in the exec form ([\"prog\", \"arg\"]), or put a small init (tini, dumb-init) before it"
        )
    } else {
        format!(
            "install a handler for {signal} in {command}, or put a small init (tini, dumb-init) before it: for the first process of a container the kernel drops signals without a handler"
        )
    }
}
