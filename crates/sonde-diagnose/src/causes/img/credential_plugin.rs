//! IMG-CREDENTIAL-PLUGIN: the plugin or helper that gives the node its login is missing or failed.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{Root, failed_by};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-CREDENTIAL-PLUGIN"),
    title: "credential plugin missing or failed",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-CREDENTIAL-PLUGIN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::CredentialPlugin)) else {
        return;
    };
    case.proven_by(pull.seen());
    pull.tell(
        facts,
        case,
        &Root::Registry(pull.registry.clone()),
        "the plugin that gives the node its login for the registry is missing or failed",
    );
    if let Some(want) = facts.want_kubelet_log() {
        case.wants(want, "what the plugin said");
    }
    case.advice("put the plugin's binary where --image-credential-provider-bin-dir points, and let its configuration name it; look at the node's cloud role", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn a_missing_plugin() {
        check(&Check {
            code: "IMG-CREDENTIAL-PLUGIN",
            proofs: &[
                "failed to get credentials: credential provider plugin ecr-credential-provider exec failed: exit status 1",
                "rpc error: code = Unknown desc = error getting credentials - err: exec: \"docker-credential-ecr-login\": executable file not found in $PATH, out: ``",
            ],
            says: &["plugin"],
        });
    }
}
