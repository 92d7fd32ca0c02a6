//! IMG-REGISTRY-ERROR: the registry answers 5xx.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{Root, failed_by, look_from_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-REGISTRY-ERROR"),
    title: "registry answers with an error of its own",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-REGISTRY-ERROR"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| {
        matches!(failure, PullFailure::ServerError { .. })
    }) else {
        return;
    };
    case.proven_by(pull.seen());
    let status = match pull.failure {
        PullFailure::ServerError { status } => *status,
        _ => 500,
    };
    pull.tell(
        facts,
        case,
        &Root::Registry(pull.registry.clone()),
        &format!(
            "{} answers with an error of its own (status {status})",
            pull.peer()
        ),
    );
    look_from_node(facts, case, &pull);
    case.advice(
        "look at the registry's own health and log; the kubelet tries again by itself",
        Risk::None,
    );
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn a_sick_registry() {
        check(&Check {
            code: "IMG-REGISTRY-ERROR",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": unexpected status from HEAD request to https://registry.example/v2/app/manifests/1: 503 Service Unavailable",
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": unexpected status code [manifests 1]: 503 Service Unavailable",
            ],
            says: &["registry.example", "503"],
        });
    }
}
