//! EVI-MEMORY: the node was short of memory, and the kubelet evicted the pod.

use sonde_model::{Code, Kind};

use super::pressure::{Short, state as short_state};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-MEMORY"),
    title: "evicted: the node was short of memory",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node, Kind::Pod],
    state,
    page: page!("EVI-MEMORY"),
};

const SHORT: Short = Short {
    resources: &["memory"],
    word: "memory",
    request: "memory",
    look: "kubectl top pod -A --sort-by=memory --field-selector spec.nodeName={}",
    condition: "MemoryPressure",
    advice: "give pods memory requests that match what they use: pods above their request go first; find the pod of the node that takes what others lack",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    short_state(facts, case, &SHORT);
}
