//! IMG-HTTP-TO-HTTPS: the registry speaks plain HTTP where the node asks for HTTPS.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{Root, failed_by};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-HTTP-TO-HTTPS"),
    title: "registry without TLS",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-HTTP-TO-HTTPS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::HttpToHttps)) else {
        return;
    };
    case.proven_by(pull.seen());
    pull.tell(
        facts,
        case,
        &Root::Registry(pull.registry.clone()),
        &format!("{} speaks plain HTTP, and the node asks for HTTPS", pull.peer()),
    );
    case.advice(
        format!("give the registry TLS; or allow plain HTTP on every node: for containerd `server = \"http://{0}\"` in /etc/containerd/certs.d/{0}/hosts.toml, for CRI-O `insecure = true` in /etc/containers/registries.conf", pull.registry),
        Risk::Wide,
    );
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn a_registry_without_tls() {
        check(&Check {
            code: "IMG-HTTP-TO-HTTPS",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": http: server gave HTTP response to HTTPS client",
            ],
            says: &["registry.example", "plain HTTP"],
        });
    }
}
