//! RDY-WRONG-SCHEME: the readiness probe speaks HTTPS to an HTTP server, or the reverse.

use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-WRONG-SCHEME"),
    title: "HTTP and HTTPS are mixed up",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-WRONG-SCHEME"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else {
        return;
    };
    if why != Why::WrongScheme {
        return;
    }
    let https = failing
        .spec
        .as_ref()
        .and_then(|(_, probe, _)| probe.http_get.as_ref())
        .is_none_or(|http| http.scheme == "HTTPS");
    let (asked, served) = if https {
        ("HTTPS", "HTTP")
    } else {
        ("HTTP", "HTTPS")
    };
    let told = Told {
        what: format!(
            "is not ready: the probe speaks {asked} and {} speaks {served}",
            failing.port_text()
        ),
        fault: "the configuration: the probe's scheme",
        reason: None,
        sure: true,
        advice: "set the probe's httpGet.scheme to what the port speaks, or ask another port",
    };
    unready_state(facts, case, &failing, told);
}
