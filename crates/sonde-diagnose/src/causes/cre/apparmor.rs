//! CRE-APPARMOR: the AppArmor profile that the pod names is not loaded on the node, or AppArmor is off.

use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, StartFailure};
use sonde_model::{Code, Risk};

use super::said::{said, security_field, tell_start};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-APPARMOR"),
    title: "AppArmor profile not usable",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-APPARMOR"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Create(CreateFailure::AppArmor { detail }) => Some(detail.as_str()),
        Fact::Start(StartFailure::Security { detail }) if detail.contains("pparmor") || detail.contains("ppArmor") => Some(detail.as_str()),
        _ => None,
    });
    let Some((detail, message)) = found else { return };
    case.proven_by(message.seen());
    let container = facts.container();
    let own = container.as_ref().and_then(|(it, _)| it.security_context.as_ref());
    let pods = facts.pod().spec.security_context.as_ref();
    let asked = security_field(facts, "appArmorProfile", |of_container| {
        let profile = if of_container { own?.app_armor_profile.as_ref() } else { pods?.app_armor_profile.as_ref() }?;
        Some(format!("{} {}", profile.kind, profile.localhost_profile).trim().to_owned())
    });
    let field = asked.map(|seen| ("the pod asks for it".to_owned(), seen));
    tell_start(facts, case, field, message, &format!("its AppArmor profile cannot be used: {detail}"));
    case.advice("load the profile on every node (apparmor_parser), or use RuntimeDefault", Risk::Restart);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_create};

    #[test]
    fn a_profile_that_is_not_loaded() {
        check_create(&Check {
            code: "CRE-APPARMOR",
            proofs: &[
                "failed to generate container \"4ad\" spec: failed to generate apparmor spec opts: apparmor is not supported",
                "failed to create containerd container: apparmor profile not found k8s-deny-write",
            ],
            says: &["AppArmor"],
            pod: json!({"spec": {"securityContext": {"appArmorProfile": {"type": "Localhost", "localhostProfile": "k8s-deny-write"}}}}),
        });
    }
}
