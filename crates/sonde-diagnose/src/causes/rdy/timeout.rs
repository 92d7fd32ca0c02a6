//! RDY-TIMEOUT: the readiness probe gets no answer in time; nothing shows that CPU or node are to blame.

use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-TIMEOUT"),
    title: "no answer in time",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-TIMEOUT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else { return };
    if !matches!(why, Why::Timeout | Why::ExecTimeout) {
        return;
    }
    let timeout = failing.spec.as_ref().map_or(String::new(), |(_, probe, _)| format!(" within {} s", probe.timeout()));
    let limit = facts.container().and_then(|(container, path)| {
        let limit = container.limit("cpu")?;
        let seen = facts.field(&format!("{path}.resources.limits.cpu"), limit);
        Some((format!("its CPU limit is {limit}: at the limit it is throttled, which slows answers down"), Some(seen)))
    });
    let told = Told {
        what: format!("is not ready: {} does not answer{timeout}", failing.asks()),
        fault: "the application (it hangs, or is slower than the probe's time-out), unless its CPU limit throttles it",
        reason: limit,
        advice: "answer the probe from a thread of its own and without asking other services; raise timeoutSeconds if the page is slow by nature; look at container_cpu_cfs_throttled_periods_total",
    };
    unready_state(facts, case, &failing, told);
}
