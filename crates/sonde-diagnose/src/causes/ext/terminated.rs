//! EXT-TERMINATED: the process was asked to end (SIGTERM, exit code 143) and did.

use jiff::SignedDuration;
use sonde_grammar::Fact;
use sonde_grammar::fact::{KillReason, ProbeKind};
use sonde_model::{Code, Risk, Severity};

use super::words::was_told;
use crate::cause::page;
use crate::deaths::Sent;
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-TERMINATED"),
    title: "asked to end (SIGTERM, exit code 143)",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("EXT-TERMINATED"),
};

const SIGTERM: i64 = 15;
const SIGKILL: i64 = 9;

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((code, ended)) = facts.exit() else { return };
    let by_signal = facts.signal() == Some(SIGTERM);
    if by_signal && facts.is_bare_and_final() {
        case.severity(Severity::Warning);
    }
    let who = facts.container_phrase();
    let killing = facts.killing();
    let sent = facts.witness().asked().filter(|sent| ended_so(facts, sent, code));
    if let Some(sent) = sent.filter(|sent| sent.by_somebody()) {
        return by(case, &who, sent, (code, ended));
    }
    match &killing {
        Some((KillReason::Stopping | KillReason::DefinitionChanged, message))
            if facts.signal() != Some(SIGKILL) =>
        {
            case.generally_proven_by(message.seen());
        }
        Some((_, message)) if by_signal => {
            case.refuted_by(message.seen(), "the kubelet ended it for another reason");
            return;
        }
        // A probe that fails may have made the kubelet send it; an event about that may be lost.
        None if by_signal
            && facts
                .all_messages()
                .any(|it| facts.touches_run(it) && it.facts.iter().any(probe_that_kills)) =>
        {
            case.hinted_by(ended.clone());
        }
        None if by_signal => match sent {
            Some(sent) => {
                case.generally_proven_by(sent.seen.clone());
            }
            None => match was_told(facts) {
                Some(told) => {
                    case.supported_by(told);
                }
                None if facts.by_signal() => {
                    case.supported_by(ended.clone());
                }
                None => {
                    case.hinted_by(ended.clone());
                }
            },
        },
        _ => return,
    }
    let asked = match &killing {
        Some((KillReason::DefinitionChanged, message)) => {
            case.step(
                "the kubelet stops the container because its definition was changed",
                [message.seen()],
            );
            "because its definition was changed"
        }
        Some((_, message)) => {
            case.step(
                "the kubelet stops the container because its pod is to end",
                [message.seen()],
            );
            "because its pod was to end (deleted, scaled down, rolled out or drained)"
        }
        None => {
            if let Some(want) = facts.want_kubelet_log() {
                case.wants(want, "who asked the container to end: the kubelet, or somebody on the node or inside the container");
            }
            if let Some(want) = facts.want_agent().filter(|_| sent.is_none()) {
                case.wants(
                    want,
                    "who sent the signal, where Sonde's agent watches the node; one that starts now tells of the next",
                );
            }
            match sent {
                Some(_) if facts.kubelet_log_tells_kills().is_some() => {
                    "through the container runtime, and the kubelet writes of no stop: by somebody's `crictl stop` or the like"
                }
                Some(_) => {
                    "through the container runtime, which was told to: by the kubelet, or by somebody's `crictl stop`"
                }
                None => "and nothing at hand says by whom",
            }
        }
    };
    if let Some(sent) = sent {
        case.step(
            format!("{} sends {}", sent.from(), sent.name()),
            [sent.seen.clone()],
        );
    }
    if let Some(silent) = facts.kubelet_log_tells_kills().filter(|_| killing.is_none()) {
        case.step(
            "the kubelet, which writes down its kills, writes of none at that time",
            [silent],
        );
    }
    // A program may return 143 of its own will, and a shell passes on a child's.
    let told = was_told(facts);
    let unseen = killing.is_none() && sent.is_none() && !facts.by_signal() && told.is_none();
    if let Some(told) = told {
        case.step("it says that it was told to end", [told]);
    }
    case.step(
        if unseen {
            format!("its process ended with exit code {code}, which is what SIGTERM gives, unless the program or its shell returns that code itself")
        } else {
            format!("its process takes SIGTERM and ends with exit code {code}")
        },
        [ended],
    );
    case.headline(if unseen {
        format!("{who} ended with exit code {code}, as if it was asked to end (SIGTERM), {asked}; the program or its shell may return that code itself")
    } else {
        format!("{who} was asked to end (SIGTERM, exit code {code}) {asked}")
    });
    case.advice(
        "a planned end needs nothing; a program that ends on SIGTERM by itself may exit with 0 so that Jobs count it as success",
        Risk::None,
    );
    case.look(
        "what happened to the pod at that time",
        format!(
            "kubectl get events -n {} --field-selector involvedObject.name={}",
            facts.episode.subject.namespace, facts.episode.subject.name
        ),
    );
}

/// The process ended as one does that takes such a signal: by it, or at once and well.
fn ended_so(facts: &Facts<'_>, asked: &Sent<'_>, code: i64) -> bool {
    let by_it = facts.signal() == Some(SIGTERM) && i64::from(asked.signal) == SIGTERM;
    let soon = facts
        .moment()
        .is_some_and(|end| end.duration_since(asked.time) <= SOON);
    asked.delivered && (by_it || (code == 0 && soon))
}

/// A program that ends well when it is asked does so within this. A guess.
const SOON: SignedDuration = SignedDuration::from_secs(30);

/// An agent saw who asked, and it was neither the kubelet's nor anybody's word to the runtime.
fn by(case: &mut Case, who: &str, asked: &Sent<'_>, (code, ended): (i64, Seen)) {
    let (from, signal) = (asked.from(), asked.name());
    case.proven_by(asked.seen.clone());
    case.step(
        format!(
            "{from} sends {signal} to its first process, {}",
            asked.process.command
        ),
        [asked.seen.clone()],
    );
    case.step(
        format!("its process takes {signal} and ends with exit code {code}"),
        [ended],
    );
    case.headline(format!(
        "{who} was asked to end ({signal}, exit code {code}) by {from}"
    ));
    case.advice(
        format!("find out why {} sent it", asked.sender.process.command),
        Risk::None,
    );
}

fn probe_that_kills(fact: &Fact) -> bool {
    matches!(fact, Fact::Probe(it) if it.probe != ProbeKind::Readiness)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod};

    fn ended(log: &str) -> Scene {
        let scene = Scene::new().object(pod(
            json!({"status": {"containerStatuses": [crashed(143, "Error")]}}),
        ));
        if log.is_empty() {
            scene
        } else {
            scene.log("shop/app-1", "app", true, log)
        }
    }

    /// A shell or a program can return 143 by itself. Each row: its log; whether the signal is told as a fact.
    #[test]
    fn the_code_alone_is_no_signal_that_was_seen() {
        for (log, seen) in [
            ("", false),
            ("working\nlicense check done\n", false),
            ("working\nreceived signal SIGTERM, shutting down\n", true),
        ] {
            let outcome = ended(log).diagnose();
            let finding = outcome.finding("EXT-TERMINATED");
            assert_eq!(
                finding.headline.contains("may return that code itself"),
                !seen,
                "{log}: {}",
                finding.headline
            );
            assert!(finding.verdict < Verdict::Proven, "{}", outcome.summary());
        }
    }

    #[test]
    fn proven_by_the_kubelets_word() {
        let outcome = ended("")
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                "Stopping container app",
                "2026-03-01T11:57:57Z",
            )
            .diagnose();
        let finding = outcome.finding("EXT-TERMINATED");
        assert_eq!(finding.verdict, Verdict::Proven);
        assert!(!finding.headline.contains("by itself"), "{}", finding.headline);
    }
}
