//! CRE-SECCOMP: the seccomp profile that the pod names is not on the node, or is not valid.

use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, StartFailure};
use sonde_model::{Code, Risk};

use super::said::{said, tell_profile};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-SECCOMP"),
    title: "seccomp profile not usable",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-SECCOMP"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Create(CreateFailure::Seccomp { detail }) => Some(detail.as_str()),
        Fact::Start(StartFailure::Security { detail }) if detail.contains("seccomp") => Some(detail.as_str()),
        _ => None,
    });
    let Some((detail, message)) = found else { return };
    let own = facts
        .container()
        .and_then(|(it, _)| it.security_context.as_ref()?.seccomp_profile.as_ref());
    let pods = facts
        .pod()
        .spec
        .security_context
        .as_ref()
        .and_then(|it| it.seccomp_profile.as_ref());
    let what = format!("its seccomp profile cannot be used: {detail}");
    tell_profile(facts, case, message, ("seccompProfile", own, pods), &what);
    case.advice("put the profile into the seccomp folder of the kubelet on every node (/var/lib/kubelet/seccomp), or use RuntimeDefault", Risk::Restart);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_create};

    #[test]
    fn a_profile_that_is_not_there() {
        check_create(&Check {
            code: "CRE-SECCOMP",
            proofs: &[
                "failed to generate container \"4ad\" spec: failed to generate seccomp spec opts: failed to load seccomp profile \"/var/lib/kubelet/seccomp/audit.json\": open /var/lib/kubelet/seccomp/audit.json: no such file or directory",
            ],
            says: &["seccomp"],
            pod: json!({"spec": {"securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "audit.json"}}}}),
        });
    }
}
