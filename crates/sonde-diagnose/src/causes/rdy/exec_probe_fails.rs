//! RDY-EXEC-PROBE-FAILS: the readiness probe's command ends with an error.

use sonde_model::{Code, Risk};

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-EXEC-PROBE-FAILS"),
    title: "the command fails",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-EXEC-PROBE-FAILS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else {
        return;
    };
    if why != Why::ExecFails {
        return;
    }
    let told = Told {
        what: format!("is not ready: {} fails: {}", failing.asks(), failing.met()),
        fault: "the application, by the word of the probe's command",
        reason: None,
        sure: true,
        advice: "run the command in the container by hand and mend what it complains about",
    };
    unready_state(facts, case, &failing, told);
    if let Some(look) = case.fixes.last_mut() {
        look.risk = Risk::None;
    }
    // The application may say what its probe's command only counts.
    match facts.last_words().into_iter().next() {
        Some((_, seen)) => {
            case.step(format!("meanwhile its log says: {}", seen.text.trim()), [seen]);
        }
        None if facts.log().is_none() => {
            if let Some(want) = facts.want_log() {
                case.wants(want, "what the application says while its probe fails");
            }
        }
        None => {}
    }
}
