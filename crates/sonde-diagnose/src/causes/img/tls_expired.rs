//! IMG-TLS-EXPIRED: the registry's certificate is expired or not yet valid by the node's clock.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::failed_by;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-TLS-EXPIRED"),
    title: "registry's certificate expired",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-TLS-EXPIRED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::TlsExpired)) else {
        return;
    };
    case.proven_by(pull.seen());
    let root = pull.registry_or_node(facts);
    pull.tell(
        facts,
        case,
        &root,
        &format!("the certificate of {} is expired or not yet valid", pull.peer()),
    );
    case.look(
        "from when to when the certificate is valid",
        format!("openssl s_client -connect {0}:443 -servername {0} </dev/null 2>/dev/null | openssl x509 -noout -dates", pull.host().unwrap_or("REGISTRY")),
    );
    case.advice("renew the registry's certificate", Risk::None);
    case.advice(
        "where the certificate is valid, the node's clock is wrong: set it right",
        Risk::None,
    );
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn an_expired_certificate() {
        check(&Check {
            code: "IMG-TLS-EXPIRED",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-20T10:00:00Z is after 2026-11-01T00:00:00Z",
            ],
            says: &["registry.example", "expired"],
        });
    }
}
