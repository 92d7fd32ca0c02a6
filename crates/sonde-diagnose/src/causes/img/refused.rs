//! IMG-REFUSED: nobody listens where the node looks for the registry.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{failed_by, look_from_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-REFUSED"),
    title: "registry refuses connections",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-REFUSED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::Refused)) else {
        return;
    };
    case.proven_by(pull.seen());
    let root = pull.registry_or_node(facts);
    pull.tell(
        facts,
        case,
        &root,
        &format!("nobody listens at {} (connection refused)", pull.peer()),
    );
    look_from_node(facts, case, &pull);
    case.advice("start the registry, or correct its host and port in the image name or in the runtime's mirror settings", Risk::None);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn a_registry_that_is_down() {
        check(&Check {
            code: "IMG-REFUSED",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp 10.2.3.4:443: connect: connection refused",
                "initializing source docker://registry.example/app:1: pinging container registry registry.example: Get \"https://registry.example/v2/\": dial tcp 10.2.3.4:443: connect: connection refused",
            ],
            says: &["registry.example", "nobody listens"],
        });
    }
}
