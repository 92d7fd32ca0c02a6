//! CRE-OCI-HOOK: a hook that the node's runtime runs around each container failed.

use sonde_grammar::Fact;
use sonde_grammar::fact::StartFailure;
use sonde_model::{Code, Risk};

use super::said::{look_at_node, said, tell_start};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-OCI-HOOK"),
    title: "runtime hook failed",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-OCI-HOOK"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Start(StartFailure::OciHook { detail }) => Some(detail.as_str()),
        _ => None,
    });
    let Some((detail, message)) = found else { return };
    case.proven_by(message.seen());
    tell_start(
        facts,
        case,
        None,
        message,
        &format!("a hook of the node's runtime failed: {detail}"),
    );
    look_at_node(
        facts,
        case,
        "the hooks",
        "ls /usr/share/containers/oci/hooks.d /etc/containers/oci/hooks.d; journalctl -u containerd -u crio -n 50",
    );
    case.advice("look at what installed the hook (a GPU toolkit, a security agent): it runs on the node, not in the container", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_start};

    #[test]
    fn a_hook_that_fails() {
        check_start(&Check {
            code: "CRE-OCI-HOOK",
            proofs: &[
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error running createRuntime hook #0: exit status 1, stdout: , stderr: agent not running: unknown",
            ],
            says: &["hook"],
            pod: json!({}),
        });
    }
}
