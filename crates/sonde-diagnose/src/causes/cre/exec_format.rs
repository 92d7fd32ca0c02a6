//! CRE-EXEC-FORMAT: the program is not made for the node's architecture, or is no program.

use sonde_grammar::Fact;
use sonde_grammar::fact::StartFailure;
use sonde_grammar::log::AppSign;
use sonde_model::{Code, Risk};
use sonde_world::view::Node;

use super::said::{command_field, runtimes_line, said, tell_start};
use crate::cause::page;
use crate::field_on;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-EXEC-FORMAT"),
    title: "program of another format or architecture",
    explains: &[Symptom::ContainerNotCreated, Symptom::Terminated],
    reads: &[],
    state,
    page: page!("CRE-EXEC-FORMAT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if facts.episode.symptom == Symptom::Terminated {
        return in_log(facts, case);
    }
    let found = said(facts, |fact| match fact {
        Fact::Start(StartFailure::ExecFormat { command }) => Some(command.as_str()),
        _ => None,
    });
    let Some((command, message)) = found else { return };
    case.proven_by(message.seen());
    tell_node(facts, case);
    let shown = if command.is_empty() {
        "its program"
    } else {
        command
    };
    let node = facts.node();
    let architecture = architecture(node.as_ref());
    let of = architecture.map_or(String::new(), |it| format!(", {it},"));
    let what =
        format!("{shown} is not made for the node's architecture{of} or is no program (exec format error)");
    tell_start(facts, case, command_field(facts, command), message, &what);
    advise(case);
}

/// Newer runtimes let the program be found and started; what the kernel refuses is then the only line of its log.
fn in_log(facts: &Facts<'_>, case: &mut Case) {
    let sign = |sign: &AppSign| matches!(sign, AppSign::ExecFormat).then_some(());
    let Some(((), line)) = runtimes_line(facts, sign) else {
        return;
    };
    case.proven_by(line.clone());
    tell_node(facts, case);
    let command = line
        .text
        .split_whitespace()
        .find(|word| word.starts_with('/'))
        .unwrap_or_default()
        .trim_end_matches(':');
    if let Some((text, seen)) = command_field(facts, command) {
        case.step(text, [seen]);
    }
    let node = facts.node();
    let of = architecture(node.as_ref()).map_or(String::new(), |it| format!(", {it},"));
    let what = format!(
        "its program is not made for the node's architecture{of} or is no program (exec format error)"
    );
    case.step(what.clone(), [line]);
    case.headline(format!("{} cannot run: {what}", facts.container_phrase()));
    advise(case);
}

fn architecture(node: Option<&Node>) -> Option<&str> {
    node.map(|node| node.status.node_info.architecture.as_str())
        .filter(|it| !it.is_empty())
}

fn tell_node(facts: &Facts<'_>, case: &mut Case) {
    let node = facts.node();
    if let (Some(reference), Some(architecture)) = (facts.node_ref(), architecture(node.as_ref())) {
        let seen = field_on(&reference, "status.nodeInfo.architecture", architecture);
        case.step(format!("node {} is {architecture}", reference.name), [seen]);
    }
}

fn advise(case: &mut Case) {
    case.advice("build the image for the node's architecture (docker buildx build --platform), or keep the pod on fitting nodes (nodeSelector kubernetes.io/arch)", Risk::Restart);
    case.advice(
        "a script needs a first line that names its interpreter: #!/bin/sh",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::{Check, check_start};
    use crate::testing::{Scene, crashed, pod};

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

    #[test]
    fn newer_runtimes_leave_a_line_in_the_log() {
        let crashed = || pod(json!({"status": {"containerStatuses": [crashed(255, "Error")]}}));
        let outcome = Scene::new()
            .object(crashed())
            .log("shop/app-1", "app", true, "exec /app/foreign: exec format error")
            .diagnose();
        outcome.finds_only("CRE-EXEC-FORMAT", Verdict::Proven);
        // A shell that meets such a file is the application's own doing.
        let shell = "/entry.sh: line 3: /app/foreign: Exec format error";
        let outcome = Scene::new()
            .object(crashed())
            .log("shop/app-1", "app", true, shell)
            .diagnose();
        outcome.lacks("CRE-EXEC-FORMAT");
    }
}
