//! IMG-TLS-WRONG-NAME: the registry's certificate is for another name than the one the image uses.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{Root, failed_by};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-TLS-WRONG-NAME"),
    title: "registry's certificate for another name",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-TLS-WRONG-NAME"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::TlsWrongName)) else {
        return;
    };
    case.proven_by(pull.seen());
    pull.tell(
        facts,
        case,
        &Root::Registry(pull.registry.clone()),
        &format!("the certificate of {} is for another name", pull.peer()),
    );
    case.advice(
        "use the name in the certificate, or give the registry a certificate for the name that images use",
        Risk::None,
    );
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn a_certificate_for_another_name() {
        check(&Check {
            code: "IMG-TLS-WRONG-NAME",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": tls: failed to verify certificate: x509: certificate is valid for a.example, not registry.example",
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": x509: certificate is valid for ingress.local, not registry.example",
            ],
            says: &["registry.example", "another name"],
        });
    }
}
