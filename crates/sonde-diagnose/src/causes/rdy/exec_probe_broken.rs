//! RDY-EXEC-PROBE-BROKEN: the readiness probe runs a command that is not in the image.

use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-EXEC-PROBE-BROKEN"),
    title: "the command cannot be run",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-EXEC-PROBE-BROKEN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else {
        return;
    };
    if why != Why::ExecBroken {
        return;
    }
    let told = Told {
        what: format!("is not ready: its probe cannot run {}", failing.asks()),
        fault: "the configuration: the image lacks the probe's command",
        reason: None,
        sure: true,
        advice: "install the command in the image, or use an httpGet, tcpSocket or grpc probe",
    };
    unready_state(facts, case, &failing, told);
}
