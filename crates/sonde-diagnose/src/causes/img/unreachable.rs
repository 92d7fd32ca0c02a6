//! IMG-UNREACHABLE: the node has no route to the registry.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{failed_by, look_from_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-UNREACHABLE"),
    title: "no route to the registry",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-UNREACHABLE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::Unreachable)) else {
        return;
    };
    case.proven_by(pull.seen());
    let root = pull.registry_or_node(facts);
    pull.tell(
        facts,
        case,
        &root,
        &format!("the node has no route to {}", pull.peer()),
    );
    look_from_node(facts, case, &pull);
    case.advice("give the node a route to the registry; where only IPv6 or only IPv4 works, the registry's name must resolve to that family", Risk::None);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn a_registry_without_a_route() {
        check(&Check {
            code: "IMG-UNREACHABLE",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp 10.2.3.4:443: connect: no route to host",
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp [2001:db8::1]:443: connect: network is unreachable",
            ],
            says: &["registry.example", "no route"],
        });
    }
}
