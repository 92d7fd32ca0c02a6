//! IMG-CONNECTION-BROKEN: the connection to the registry was reset or closed before the image was complete.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{failed_by, look_from_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-CONNECTION-BROKEN"),
    title: "connection to the registry broke",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-CONNECTION-BROKEN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::Broken)) else {
        return;
    };
    case.proven_by(pull.seen());
    let root = pull.registry_or_node(facts);
    pull.tell(
        facts,
        case,
        &root,
        &format!(
            "the connection to {} broke before the answer was complete",
            pull.peer()
        ),
    );
    look_from_node(facts, case, &pull);
    case.advice("the kubelet tries again by itself; where it never succeeds, look at proxies, load balancers and the packet size (MTU) between node and registry", Risk::None);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn a_connection_that_breaks() {
        check(&Check {
            code: "IMG-CONNECTION-BROKEN",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": read tcp 10.1.0.5:3->10.2.3.4:443: read: connection reset by peer",
                "failed to pull and unpack image \"registry.example/app:1\": failed to copy: httpReadSeeker: failed open: unexpected EOF",
            ],
            says: &["registry.example", "broke"],
        });
    }
}
