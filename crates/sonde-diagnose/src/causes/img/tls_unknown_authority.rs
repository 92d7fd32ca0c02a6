//! IMG-TLS-UNKNOWN-AUTHORITY: the node does not trust the issuer of the registry's certificate.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{failed_by, look_from_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-TLS-UNKNOWN-AUTHORITY"),
    title: "registry's certificate not trusted",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-TLS-UNKNOWN-AUTHORITY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| {
        matches!(failure, PullFailure::TlsUnknownAuthority)
    }) else {
        return;
    };
    case.proven_by(pull.seen());
    let root = pull.registry_or_node(facts);
    pull.tell(
        facts,
        case,
        &root,
        &format!(
            "the node does not trust the issuer of the certificate of {}",
            pull.peer()
        ),
    );
    look_from_node(facts, case, &pull);
    case.advice(
        format!("install the registry's CA certificate on every node: for containerd in /etc/containerd/certs.d/{}/hosts.toml, for CRI-O in the system's trust store", pull.registry),
        Risk::Wide,
    );
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn a_private_authority() {
        check(&Check {
            code: "IMG-TLS-UNKNOWN-AUTHORITY",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": x509: certificate signed by unknown authority",
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
            ],
            says: &["registry.example", "does not trust"],
        });
    }
}
