//! CRE-SECURITY-POLICY: the node's kernel refused a security label or setting of the container (SELinux, no_new_privs).

use sonde_grammar::Fact;
use sonde_grammar::fact::StartFailure;
use sonde_model::{Code, Risk};

use super::said::{said, security_field, tell_start};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-SECURITY-POLICY"),
    title: "security label or setting refused",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-SECURITY-POLICY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Start(StartFailure::Security { detail })
            if !detail.contains("seccomp") && !detail.contains("pparmor") && !detail.contains("ppArmor") =>
        {
            Some(detail.as_str())
        }
        _ => None,
    });
    let Some((detail, message)) = found else { return };
    case.proven_by(message.seen());
    let container = facts.container();
    let own = container
        .as_ref()
        .and_then(|(it, _)| it.security_context.as_ref());
    let pods = facts.pod().spec.security_context.as_ref();
    let asked = security_field(facts, "allowPrivilegeEscalation", |of_container| {
        own.filter(|_| of_container)?
            .allow_privilege_escalation
            .map(|it| it.to_string())
    })
    .or_else(|| pods.and(None));
    let field = asked.map(|seen| ("the pod asks for it".to_owned(), seen));
    tell_start(
        facts,
        case,
        field,
        message,
        &format!("a security setting was refused: {detail}"),
    );
    case.advice(
        "look at the node's audit log (ausearch -m avc), and at seLinuxOptions of the pod",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_start};

    #[test]
    fn a_label_that_is_refused() {
        check_start(&Check {
            code: "CRE-SECURITY-POLICY",
            proofs: &[
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: unable to apply selinux label: write /proc/self/attr/keycreate: permission denied: unknown",
            ],
            says: &["security setting"],
            pod: json!({}),
        });
    }
}
