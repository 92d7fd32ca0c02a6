//! RDY-PROBE-FAILS: the readiness probe fails in a way that has no cause of its own.

use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use super::wrong_port::undeclared;
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-PROBE-FAILS"),
    title: "the probe fails otherwise",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-PROBE-FAILS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else {
        return;
    };
    if why != Why::Other || undeclared(&failing).is_some() {
        return;
    }
    let told = Told {
        what: format!("is not ready: {}", failing.met()),
        fault: "the application, by what the probe met",
        reason: None,
        sure: true,
        advice: "ask the same from inside the pod (kubectl exec, kubectl debug) and see what answers",
    };
    unready_state(facts, case, &failing, told);
}
