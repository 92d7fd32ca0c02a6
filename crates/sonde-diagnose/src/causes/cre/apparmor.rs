//! CRE-APPARMOR: the AppArmor profile that the pod names is not loaded on the node, or AppArmor is off.

use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, StartFailure};
use sonde_model::{Code, Risk};

use super::said::{said, tell_profile};
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
        Fact::Start(StartFailure::Security { detail })
            if detail.contains("pparmor") || detail.contains("ppArmor") =>
        {
            Some(detail.as_str())
        }
        _ => None,
    });
    let Some((detail, message)) = found else { return };
    let own = facts
        .container()
        .and_then(|(it, _)| it.security_context.as_ref()?.app_armor_profile.as_ref());
    let pods = facts
        .pod()
        .spec
        .security_context
        .as_ref()
        .and_then(|it| it.app_armor_profile.as_ref());
    let what = format!("its AppArmor profile cannot be used: {detail}");
    tell_profile(facts, case, message, ("appArmorProfile", own, pods), &what);
    case.advice(
        "load the profile on every node (apparmor_parser), or use RuntimeDefault",
        Risk::Restart,
    );
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
