//! CRE-RUNTIME-DOWN: the kubelet does not reach the container runtime.

use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, SandboxFailure};
use sonde_model::{Code, Risk};

use super::said::{look_at_node, said, tell_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-RUNTIME-DOWN"),
    title: "container runtime does not answer",
    explains: &[Symptom::NotStarting, Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-RUNTIME-DOWN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Sandbox(SandboxFailure::RuntimeDown) => Some(()),
        Fact::Create(CreateFailure::RuntimeDown) => Some(()),
        _ => None,
    });
    let Some((_, message)) = found else { return };
    case.proven_by(message.seen());
    tell_node(facts, case, message, "its container runtime does not answer");
    look_at_node(
        facts,
        case,
        "the runtime",
        "systemctl status containerd crio docker; journalctl -u containerd -u crio -n 50",
    );
    case.advice(
        "start the runtime again; pods that run keep running meanwhile",
        Risk::Wide,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_sandbox};

    #[test]
    fn a_runtime_that_is_gone() {
        check_sandbox(&Check {
            code: "CRE-RUNTIME-DOWN",
            proofs: &[
                "connection error: desc = \"transport: Error while dialing dial unix /run/containerd/containerd.sock: connect: connection refused\"",
                "error reading from server: EOF",
            ],
            says: &["runtime does not answer"],
            pod: json!({}),
        });
    }
}
