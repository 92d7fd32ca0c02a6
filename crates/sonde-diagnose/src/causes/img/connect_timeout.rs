//! IMG-CONNECT-TIMEOUT: the node could not connect to the registry in time: packets are dropped on the way.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{failed_by, look_from_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-CONNECT-TIMEOUT"),
    title: "no connection to the registry in time",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-CONNECT-TIMEOUT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::ConnectTimeout)) else {
        return;
    };
    case.proven_by(pull.seen());
    let root = pull.registry_or_node(facts);
    pull.tell(
        facts,
        case,
        &root,
        &format!("{} did not answer the node in time", pull.peer()),
    );
    look_from_node(facts, case, &pull);
    case.advice("let the node reach the registry: a firewall, a missing proxy setting of the runtime or a missing egress route usually drops the packets", Risk::None);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn a_registry_that_does_not_answer() {
        check(&Check {
            code: "IMG-CONNECT-TIMEOUT",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp 10.2.3.4:443: i/o timeout",
                "Error response from daemon: Get https://registry.example/v2/: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": net/http: TLS handshake timeout",
            ],
            says: &["registry.example", "in time"],
        });
    }
}
