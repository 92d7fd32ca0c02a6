//! LOS-NETWORK-NOT-READY: the node has no working network plugin.

use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Risk};

use super::node::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-NETWORK-NOT-READY"),
    title: "network plugin not ready",
    explains: &[Symptom::NodeNotReady, Symptom::Deleting],
    reads: &[Kind::Node],
    state,
    page: page!("LOS-NETWORK-NOT-READY"),
};

const TOLD: Told = Told {
    silent: Some(false),
    is: |fact| matches!(fact, NodeFact::NetworkNotReady { .. }),
    step: |node, words| format!("the runtime of {node} has no network plugin: {words}"),
    headline: "is not ready: its network plugin (CNI) is not set up",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if tell(facts, case, &TOLD) {
        case.fix(
            "look at the network plugin's pod on this node: it writes the configuration under /etc/cni/net.d",
            match facts.node_ref() {
                Some(node) => format!(
                    "kubectl get pods -A -o wide --field-selector spec.nodeName={}",
                    node.name
                ),
                None => "kubectl get pods -A -o wide".into(),
            },
            Risk::None,
        );
    }
}
