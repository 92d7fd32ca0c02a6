//! RDY-WRONG-PATH: the readiness probe asks a page that does not exist.

use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-WRONG-PATH"),
    title: "the path does not exist",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-WRONG-PATH"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else {
        return;
    };
    if why != Why::WrongPath {
        return;
    }
    let asks = failing.asks();
    let host = failing.spec.as_ref().and_then(|(_, probe, path)| {
        let http = probe.http_get.as_ref().filter(|http| !http.host.is_empty())?;
        let seen = facts.field(&format!("{path}.httpGet.host"), &http.host);
        Some((
            format!(
                "the probe asks the host {} instead of the pod's own address",
                http.host
            ),
            Some(seen),
        ))
    });
    let told = Told {
        what: format!("is not ready: {asks} answers with HTTP status 404"),
        fault: "the configuration: the application answers, and has no such page",
        reason: host,
        sure: true,
        advice: "correct the probe's path (and host), or let the application serve that page",
    };
    unready_state(facts, case, &failing, told);
}
