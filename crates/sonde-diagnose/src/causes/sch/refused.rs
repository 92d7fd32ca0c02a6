//! What all refusals of a kubelet have in common.

use sonde_grammar::Fact;
use sonde_grammar::fact::RejectFact;
use sonde_model::{Kind, Risk};

use crate::{Case, Facts, Message};

/// The kubelet's refusal.
pub(super) fn refusal<'a>(facts: &Facts<'a>) -> Option<(&'a RejectFact, &'a Message)> {
    facts.find(|fact| match fact {
        Fact::Reject(refused) => Some(refused),
        _ => None,
    })
}

/// `the kubelet of node n1`, as far as it is known.
pub(super) fn kubelet(facts: &Facts<'_>) -> String {
    facts.node_ref().map_or_else(
        || "the kubelet".to_owned(),
        |node| format!("the kubelet of {node}"),
    )
}

/// The end of the chain, and what to do with the refused pod.
pub(super) fn finish(facts: &Facts<'_>, case: &mut Case, message: &Message) {
    case.step(
        "the kubelet refuses the pod, which stays Failed; only a new pod is tried again",
        [message.seen()],
    );
    if facts.episode.subject.kind == Kind::Pod {
        case.fix(
            "remove the refused pod; a controller makes another one, which may get another node",
            format!("kubectl delete {}", facts.episode.subject.kubectl()),
            Risk::None,
        );
    }
}
