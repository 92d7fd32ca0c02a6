//! EXT-TERMINATED: the process was asked to end (SIGTERM, exit code 143) and did.

use sonde_grammar::Fact;
use sonde_grammar::fact::{KillReason, ProbeKind};
use sonde_model::{Code, Risk, Severity};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

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
        None if by_signal => {
            case.supported_by(ended.clone());
        }
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
            "and nothing at hand says by whom"
        }
    };
    case.step(
        format!("its process takes SIGTERM and ends with exit code {code}"),
        [ended],
    );
    case.headline(format!(
        "{who} was asked to end (SIGTERM, exit code {code}) {asked}"
    ));
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

fn probe_that_kills(fact: &Fact) -> bool {
    matches!(fact, Fact::Probe(it) if it.probe != ProbeKind::Readiness)
}
