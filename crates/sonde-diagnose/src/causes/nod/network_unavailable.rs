//! NOD-NETWORK-UNAVAILABLE: the node's network route is not set up.

use sonde_model::{Code, Kind, Risk, Severity};

use super::condition;

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-NETWORK-UNAVAILABLE"),
    title: "node's network not set up",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node, Kind::Pod],
    state,
    page: page!("NOD-NETWORK-UNAVAILABLE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((condition, seen)) = condition(facts, "NetworkUnavailable") else {
        return;
    };
    let node = &facts.episode.subject;
    case.proven_by(seen.clone());
    case.step(
        format!(
            "the network of {} is not set up: {}",
            node.name, condition.message
        ),
        [seen],
    );
    case.headline(format!(
        "node {} has no working pod network: {}",
        node.name, condition.message
    ));
    case.severity(Severity::Error);
    case.root(node.clone());
    case.look(
        "the network plugin's pod on it",
        format!(
            "kubectl get pods -A -o wide --field-selector spec.nodeName={}",
            node.name
        ),
    );
    case.advice(
        "look at the cloud's route controller or the network plugin, whichever sets this condition",
        Risk::Wide,
    );
}
