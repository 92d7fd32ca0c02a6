//! CRE-CNI-NOT-READY: the node has no working CNI configuration yet.

use sonde_grammar::Fact;
use sonde_grammar::fact::SandboxFailure;
use sonde_model::{Code, Risk};

use super::said::{look_at_node, said, tell_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-CNI-NOT-READY"),
    title: "node's network not ready",
    explains: &[Symptom::NotStarting],
    reads: &[],
    state,
    page: page!("CRE-CNI-NOT-READY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Sandbox(SandboxFailure::NetworkNotReady { .. }) => Some(()),
        _ => None,
    });
    let Some((_, message)) = found else { return };
    case.proven_by(message.seen());
    tell_node(
        facts,
        case,
        message,
        "its network is not ready: there is no usable CNI configuration",
    );
    look_at_node(
        facts,
        case,
        "the CNI configuration",
        "ls -l /etc/cni/net.d /opt/cni/bin",
    );
    case.look(
        "whether the network add-on runs on every node",
        "kubectl get pods -n kube-system -o wide",
    );
    case.advice(
        "let the network add-on run on the node: it writes the configuration in /etc/cni/net.d",
        Risk::Wide,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_sandbox};

    #[test]
    fn a_node_without_a_network() {
        check_sandbox(&Check {
            code: "CRE-CNI-NOT-READY",
            proofs: &[
                "cni plugin not initialized",
                "network is not ready: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
            ],
            says: &["network is not ready"],
            pod: json!({}),
        });
    }
}
