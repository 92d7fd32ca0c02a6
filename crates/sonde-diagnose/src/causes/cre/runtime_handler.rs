//! CRE-RUNTIME-HANDLER: the node's runtime does not know the handler of the pod's RuntimeClass.

use sonde_grammar::Fact;
use sonde_grammar::fact::SandboxFailure;
use sonde_model::{Code, Kind, ObjectRef, Risk};

use super::said::{look_at_node, said, tell_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-RUNTIME-HANDLER"),
    title: "runtime class not on the node",
    explains: &[Symptom::NotStarting],
    reads: &[],
    state,
    page: page!("CRE-RUNTIME-HANDLER"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Sandbox(SandboxFailure::RuntimeHandler { handler }) => Some(handler),
        _ => None,
    });
    let Some((handler, message)) = found else { return };
    case.proven_by(message.seen());
    let class = facts.pod().spec.runtime_class_name.as_str();
    if !class.is_empty() {
        case.step(
            format!("the pod wants the RuntimeClass {class}"),
            [facts.field("spec.runtimeClassName", class)],
        );
    }
    let what = format!("its runtime has no handler {handler}");
    tell_node(facts, case, message, &what);
    if !class.is_empty() {
        case.headline(format!(
            "pods with RuntimeClass {class} cannot start: the node's runtime has no handler {handler}"
        ));
        case.root(ObjectRef::cluster(Kind::RuntimeClass, class));
    }
    look_at_node(
        facts,
        case,
        "the runtime's handlers",
        "crictl info | grep -A3 runtimes; grep -A3 runtimes /etc/containerd/config.toml",
    );
    case.advice("configure the handler in the runtime of every node that such pods may run on, or give the RuntimeClass a nodeSelector for the nodes that have it", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_sandbox};

    #[test]
    fn an_unknown_handler() {
        check_sandbox(&Check {
            code: "CRE-RUNTIME-HANDLER",
            proofs: &[
                "failed to get sandbox runtime: no runtime for \"kata\" is configured",
                "failed to find runtime handler kata from runtime list map[runc:0xc0]",
            ],
            says: &["kata"],
            pod: json!({"spec": {"runtimeClassName": "kata"}}),
        });
    }
}
