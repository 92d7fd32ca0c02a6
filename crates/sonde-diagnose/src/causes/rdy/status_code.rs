//! RDY-STATUS-CODE: the application answers the readiness probe with an error.

use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-STATUS-CODE"),
    title: "an error status",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-STATUS-CODE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else { return };
    let Why::Status(code) = why else { return };
    let asks = failing.asks();
    let (fault, reason) = match code {
        401 | 403 => ("the configuration: the page wants a login", None),
        500.. => {
            let word = facts.own_words().into_iter().next();
            ("the application: it says itself that it is not well", word.map(|(line, seen)| (format!("its log says: {}", line.text), Some(seen))))
        }
        _ => ("the configuration or the application: it refuses the probe's request", None),
    };
    let told = Told {
        what: format!("is not ready: {asks} answers with HTTP status {code}"),
        fault,
        reason,
        sure: true,
        advice: "see in its log, and in the body of that page, what the application lacks (often a database or another service)",
    };
    unready_state(facts, case, &failing, told);
}
