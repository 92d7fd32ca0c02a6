//! CRE-CAPABILITY: a capability that the pod names is not known to, or may not be given by, the runtime.

use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, StartFailure};
use sonde_model::{Code, Risk};

use super::said::{said, security_field, tell_start};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-CAPABILITY"),
    title: "capability not known or not allowed",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-CAPABILITY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Create(CreateFailure::Capability { detail })
        | Fact::Start(StartFailure::Capability { detail }) => Some(detail.as_str()),
        _ => None,
    });
    let Some((detail, message)) = found else { return };
    case.proven_by(message.seen());
    let container = facts.container();
    let own = container
        .as_ref()
        .and_then(|(it, _)| it.security_context.as_ref());
    let pods = facts.pod().spec.security_context.as_ref();
    let asked = security_field(facts, "capabilities", |of_container| {
        let set = own.filter(|_| of_container)?.capabilities.as_ref()?;
        Some(format!(
            "add: [{}], drop: [{}]",
            set.add.join(", "),
            set.drop.join(", ")
        ))
    })
    .or_else(|| pods.and(None));
    let field = asked.map(|seen| ("the pod asks for it".to_owned(), seen));
    tell_start(
        facts,
        case,
        field,
        message,
        &format!("a capability that it asks for cannot be given: {detail}"),
    );
    case.advice("write capabilities without the prefix CAP_ and as the kernel knows them (NET_ADMIN); in a container that is itself confined not all can be given", Risk::Restart);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_create};

    #[test]
    fn an_unknown_capability() {
        check_create(&Check {
            code: "CRE-CAPABILITY",
            proofs: &[
                "failed to generate container \"4ad\" spec: failed to generate spec: unknown capability \"CAP_NETADMIN\"",
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: unable to apply caps: operation not permitted: unknown",
            ],
            says: &["capability"],
            pod: json!({"spec": {"containers": [{"name": "app", "securityContext": {"capabilities": {"add": ["NETADMIN"]}}}]}}),
        });
    }
}
