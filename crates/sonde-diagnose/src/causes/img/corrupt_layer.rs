//! IMG-CORRUPT-LAYER: a layer or manifest that arrived is not what its digest promises, or the node's store is damaged.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{Root, failed_by};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-CORRUPT-LAYER"),
    title: "image damaged",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-CORRUPT-LAYER"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::Corrupt)) else {
        return;
    };
    case.proven_by(pull.seen());
    pull.tell(
        facts,
        case,
        &Root::Image,
        "what arrived, or what the node keeps of it, is damaged (digest or format is wrong)",
    );
    if let Some(node) = facts.node_ref() {
        case.fix(
            "remove what the node keeps of the image, so that it is fetched again",
            format!("ssh {} 'crictl rmi {}'", node.name, pull.image),
            Risk::Wide,
        );
    }
    case.advice("where every node fails alike, push the image again: the registry's copy is damaged, or a proxy changes what passes through it", Risk::None);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn a_damaged_layer() {
        check(&Check {
            code: "IMG-CORRUPT-LAYER",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed commit on ref \"layer-sha256:aa\": unexpected commit digest sha256:bb, expected sha256:aa: failed precondition",
                "failed to pull and unpack image \"registry.example/app:1\": failed to extract layer sha256:aa: archive/tar: invalid tar header: unknown",
            ],
            says: &["damaged"],
        });
    }
}
