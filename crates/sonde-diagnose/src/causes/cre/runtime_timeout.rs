//! CRE-RUNTIME-TIMEOUT: the container runtime did not answer in time.

use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, SandboxFailure};
use sonde_model::{Code, Risk};

use super::said::{look_at_node, said, tell_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-RUNTIME-TIMEOUT"),
    title: "container runtime too slow",
    explains: &[Symptom::NotStarting, Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-RUNTIME-TIMEOUT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Sandbox(SandboxFailure::RuntimeTimeout) => Some(()),
        Fact::Create(CreateFailure::RuntimeTimeout) => Some(()),
        _ => None,
    });
    let Some((_, message)) = found else { return };
    case.generally_proven_by(message.seen());
    tell_node(
        facts,
        case,
        message,
        "its container runtime did not answer in time",
    );
    look_at_node(
        facts,
        case,
        "load, disk and runtime",
        "uptime; iostat -x 1 3; journalctl -u containerd -u crio -n 50",
    );
    case.advice("a runtime is slow when the node's disk or CPU is overloaded, or when a shim hangs; lighten the node, restart the runtime", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_sandbox};

    #[test]
    fn a_runtime_that_is_slow() {
        check_sandbox(&Check {
            code: "CRE-RUNTIME-TIMEOUT",
            proofs: &["context deadline exceeded"],
            says: &["did not answer in time"],
            pod: json!({}),
        });
    }
}
