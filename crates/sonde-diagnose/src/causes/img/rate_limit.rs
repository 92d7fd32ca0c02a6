//! IMG-RATE-LIMIT: the registry answers 429: this address or account has pulled too often.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{Root, failed_by};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-RATE-LIMIT"),
    title: "registry limits pulls",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-RATE-LIMIT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::RateLimit)) else {
        return;
    };
    case.proven_by(pull.seen());
    pull.tell(
        facts,
        case,
        &Root::Registry(pull.registry.clone()),
        &format!(
            "{} limits how often this address or account may pull (429)",
            pull.peer()
        ),
    );
    if pull.registry == "docker.io" {
        case.advice("log in with a pull secret (anonymous pulls are counted by address, all nodes behind one count together), or pull through a mirror", Risk::Restart);
    } else {
        case.advice("pull less often (imagePullPolicy: IfNotPresent), through a mirror, or with an account that may pull more", Risk::Restart);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn too_many_requests() {
        check(&Check {
            code: "IMG-RATE-LIMIT",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to copy: httpReadSeeker: failed open: unexpected status code https://registry.example/v2/app/manifests/1: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.",
                "Error response from daemon: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading",
            ],
            says: &["registry.example", "429"],
        });
    }
}
