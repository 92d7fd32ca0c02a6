//! RDY-NOTHING-LISTENS: nothing listens where the readiness probe asks: on that port of the pod's address.

use sonde_grammar::log::AppSign;
use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use super::wrong_port::undeclared;
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-NOTHING-LISTENS"),
    title: "nothing listens where the probe asks",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-NOTHING-LISTENS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else {
        return;
    };
    if why != Why::NothingListens || undeclared(&failing).is_some() {
        return;
    }
    let waits = facts.own_word(|sign| match sign {
        AppSign::Waiting { target } => Some(target.clone()),
        _ => None,
    });
    let reason = match waits {
        Some((target, seen)) => Some((format!("the application waits for {target}"), Some(seen))),
        None => failing
            .declared_elsewhere(facts)
            .map(|(text, seen)| (text, Some(seen))),
    };
    let told = Told {
        what: format!("is not ready: nothing listens on {}", failing.place_text()),
        fault: "the application (not up, listening elsewhere, or only on the loopback address) or the probe's port; its log tells which",
        reason,
        sure: true,
        advice: "see in its log, or with netstat -ltn in the container, whether the application is up and on which port and address it listens; it must listen on all addresses (0.0.0.0 or ::), not only on 127.0.0.1",
    };
    unready_state(facts, case, &failing, told);
    if facts.log().is_none()
        && let Some(want) = facts.want_log()
    {
        case.wants(
            want,
            "whether the application is up, and on which port it listens",
        );
    }
}
