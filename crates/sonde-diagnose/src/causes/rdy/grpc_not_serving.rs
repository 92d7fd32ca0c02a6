//! RDY-GRPC-NOT-SERVING: the gRPC health service does not say that it serves.

use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::{GRPC_UNMET, GRPC_UNMET_ADVICE, Why};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-GRPC-NOT-SERVING"),
    title: "gRPC health says no",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-GRPC-NOT-SERVING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else {
        return;
    };
    if why != Why::Grpc {
        return;
    }
    let unmet = failing.is_grpc_unmet();
    let told = Told {
        what: format!("is not ready: {}", failing.met()),
        fault: if unmet {
            "the application does not speak gRPC there (yet), or the probe asks the wrong port"
        } else {
            "the application: its health service says no, or is not registered under the asked name"
        },
        reason: unmet.then(|| (GRPC_UNMET.to_owned(), None)),
        sure: true,
        advice: if unmet {
            GRPC_UNMET_ADVICE
        } else {
            "register grpc.health.v1.Health, set the status of the service that the probe names, and see that port and service name fit"
        },
    };
    unready_state(facts, case, &failing, told);
}
