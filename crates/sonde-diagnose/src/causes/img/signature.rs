//! IMG-SIGNATURE: the node's policy does not accept the image's signature.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{Root, failed_by};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-SIGNATURE"),
    title: "signature not accepted",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-SIGNATURE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::Signature)) else {
        return;
    };
    case.proven_by(pull.seen());
    pull.tell(
        facts,
        case,
        &Root::Image,
        "the node's policy does not accept its signature",
    );
    case.advice("sign the image with a key that the node's policy knows (/etc/containers/policy.json for CRI-O), or correct the policy", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn a_missing_signature() {
        check(&Check {
            code: "IMG-SIGNATURE",
            proofs: &[
                "Source image rejected: A signature was required, but no signature exists",
                "initializing source docker://registry.example/app:1: Source image rejected: A signature was required, but no signature exists",
            ],
            says: &["signature"],
        });
    }
}
