//! LOS-NETWORK-NOT-READY: the node has no working network plugin.

use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Risk};

use super::node::troubled;
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

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(home) = troubled(facts) else { return };
    if home.is_silent() {
        return;
    }
    let said = home.find(|fact| match fact {
        NodeFact::NetworkNotReady { detail } => Some(detail.clone()),
        _ => None,
    });
    let Some((detail, seen)) = said else { return };
    case.proven_by(seen.clone());
    let name = &home.reference.name;
    case.step(format!("the runtime of {name} has no network plugin: {detail}"), [seen]);
    case.step("so the node is not ready", home.ready().map(|(_, seen)| seen));
    home.conclude(facts, case);
    case.headline(format!("node {name} is not ready: its network plugin (CNI) is not set up"));
    case.fix(
        "look at the network plugin's pod on this node: it writes the configuration under /etc/cni/net.d",
        format!("kubectl get pods -A -o wide --field-selector spec.nodeName={name}"),
        Risk::None,
    );
}
