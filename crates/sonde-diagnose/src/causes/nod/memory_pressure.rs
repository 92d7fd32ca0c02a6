//! NOD-MEMORY-PRESSURE: the node's memory is nearly used up.

use crate::wording;
use sonde_model::{Code, Kind, Risk};

use super::{Scarce, pressure};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-MEMORY-PRESSURE"),
    title: "node short of memory",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node, Kind::Pod],
    state,
    page: page!("NOD-MEMORY-PRESSURE"),
};

/// How many of the largest pods are named.
const LARGEST: usize = 3;

const SCARCE: Scarce = Scarce {
    conditions: &["MemoryPressure"],
    word: "memory",
    said: &["memory"],
    evicted_for: &["memory"],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if !pressure(facts, case, &SCARCE) {
        return;
    }
    let node = facts.episode.subject.name.clone();
    let mut unbounded: Vec<String> = facts
        .snapshot
        .pods_on_node(&node)
        .filter(|it| {
            it.pod()
                .is_some_and(|pod| !pod.is_terminal() && pod.requests.memory == 0)
        })
        .map(|it| it.reference.to_string())
        .collect();
    let count = unbounded.len();
    unbounded.truncate(LARGEST);
    if count > 0 {
        let seen = facts.computed(
            format!("pods of {node} that request no memory"),
            unbounded.join(", "),
        );
        let (pods, asks) = (
            wording::count(count, "pod"),
            wording::agree(count, "requests", "request"),
        );
        case.step(
            format!("{pods} on it {asks} no memory, so nothing was set aside"),
            [seen],
        );
    }
    case.look(
        "who uses most",
        format!("kubectl top pods -A --sort-by=memory; kubectl describe node {node}"),
    );
    case.advice(
        "give pods memory requests near what they use, so that the scheduler leaves room for them",
        Risk::Restart,
    );
}
