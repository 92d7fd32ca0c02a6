//! IMG-KUBELET-LIMIT: the kubelet lets through only so many pulls a second.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk, Severity};

use super::pull::{Root, failed_by};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-KUBELET-LIMIT"),
    title: "kubelet limits pulls",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-KUBELET-LIMIT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::KubeletLimit)) else {
        return;
    };
    case.proven_by(pull.seen());
    pull.tell(
        facts,
        case,
        &Root::Node,
        "the kubelet allows no more pulls at the moment (pull QPS exceeded)",
    );
    case.severity(Severity::Warning);
    case.advice("it passes by itself; where it comes often, raise registryPullQPS and registryBurst in the kubelet's configuration", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn too_many_pulls_a_second() {
        check(&Check {
            code: "IMG-KUBELET-LIMIT",
            proofs: &["pull QPS exceeded", "pull QPS exceeded."],
            says: &["pull QPS"],
        });
    }
}
