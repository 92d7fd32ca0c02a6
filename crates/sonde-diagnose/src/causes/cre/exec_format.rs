//! CRE-EXEC-FORMAT: the program is not made for the node's architecture, or is no program.

use sonde_grammar::Fact;
use sonde_grammar::fact::StartFailure;
use sonde_model::{Code, Risk};

use super::said::{command_field, said, tell_start};
use crate::field_on;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-EXEC-FORMAT"),
    title: "program of another format or architecture",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-EXEC-FORMAT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Start(StartFailure::ExecFormat { command }) => Some(command.as_str()),
        _ => None,
    });
    let Some((command, message)) = found else { return };
    case.proven_by(message.seen());
    let shown = if command.is_empty() { "its program" } else { command };
    let node = facts.node_ref().zip(facts.node());
    let architecture = node.as_ref().map(|(_, node)| node.status.node_info.architecture.as_str()).filter(|it| !it.is_empty());
    if let (Some((reference, _)), Some(architecture)) = (&node, architecture) {
        let seen = field_on(reference, "status.nodeInfo.architecture", architecture);
        case.step(format!("node {} is {architecture}", reference.name), [seen]);
    }
    let of = architecture.map_or(String::new(), |it| format!(", {it},"));
    let what = format!("{shown} is not made for the node's architecture{of} or is no program (exec format error)");
    tell_start(facts, case, command_field(facts, command), message, &what);
    case.advice("build the image for the node's architecture (docker buildx build --platform), or keep the pod on fitting nodes (nodeSelector kubernetes.io/arch)", Risk::Restart);
    case.advice("a script needs a first line that names its interpreter: #!/bin/sh", Risk::Restart);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_start};

    #[test]
    fn a_foreign_program() {
        check_start(&Check {
            code: "CRE-EXEC-FORMAT",
            proofs: &[
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec /app/run: exec format error: unknown",
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/app/run\": exec format error: unknown",
            ],
            says: &["exec format error"],
            pod: json!({}),
        });
    }
}
