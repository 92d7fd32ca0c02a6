//! RDY-TIMEOUT: the readiness probe gets no answer in time; nothing shows that CPU or node are to blame.

use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::{Cpu, Why, cpu, is_alone_at_hand, want_counters};
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-TIMEOUT"),
    title: "no answer in time",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-TIMEOUT"),
};

const APPLICATION: &str = "the application: it hangs, or is slower than the probe's time-out";
const UNLESS_NODE: &str =
    "the application (it hangs, or is slower than the probe's time-out), unless the node is overloaded";
const UNLESS_THROTTLED: &str =
    "the application (it hangs, or is slower than the probe's time-out), unless its CPU limit throttles it";

fn limit(facts: &Facts<'_>) -> Option<(String, Option<Seen>)> {
    let (container, path) = facts.container()?;
    let limit = container.limit("cpu")?;
    let seen = facts.field(&format!("{path}.resources.limits.cpu"), limit);
    Some((
        format!("its CPU limit is {limit}: at the limit it is throttled, which slows answers down"),
        Some(seen),
    ))
}

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else {
        return;
    };
    if !matches!(why, Why::Timeout | Why::ExecTimeout) {
        return;
    }
    let timeout = failing.spec.as_ref().map_or(String::new(), |(_, probe, _)| {
        format!(" within {} s", probe.timeout())
    });
    want_counters(facts, case);
    let (fault, reason, sure) = match cpu(facts) {
        Cpu::NoLimit => (APPLICATION, None, true),
        Cpu::Below(seen) => (
            APPLICATION,
            Some(("its CPU limit does not hold it back".into(), Some(seen))),
            true,
        ),
        Cpu::AtLimit(_) | Cpu::NotKnown => (UNLESS_THROTTLED, limit(facts), false),
    };
    // What passed before may be slow for its node's sake, which shows only beside the node's other pods.
    let unseen = is_alone_at_hand(facts) && failing.passed_before(facts).is_some();
    let fault = if unseen && sure { UNLESS_NODE } else { fault };
    let told = Told {
        what: format!("is not ready: {} does not answer{timeout}", failing.asks()),
        fault,
        reason,
        sure: sure && !unseen,
        advice: "answer the probe from a thread of its own and without asking other services; raise timeoutSeconds if the page is slow by nature",
    };
    unready_state(facts, case, &failing, told);
}
