//! SCH-REJECTED-RESOURCES: the pod was bound to a node whose kubelet found too little of a resource for it.

use sonde_grammar::fact::RejectFact;
use sonde_model::{Code, Risk};

use super::refused::{finish, kubelet, refusal};
use super::words;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-REJECTED-RESOURCES"),
    title: "the kubelet had too little of a resource",
    explains: &[Symptom::Rejected],
    reads: &[],
    state,
    page: page!("SCH-REJECTED-RESOURCES"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((
        RejectFact::OutOf {
            resource,
            requested,
            used,
            capacity,
        },
        message,
    )) = refusal(facts)
    else {
        return;
    };
    case.proven_by(message.seen());
    // The kubelet writes CPU in millicores.
    let amount = |text: &Option<String>| {
        let number = text.as_deref().and_then(|text| text.parse().ok())?;
        Some(words::amount(resource, number))
    };
    let numbers = match (amount(requested), amount(used), amount(capacity)) {
        (Some(requested), Some(used), Some(capacity)) => {
            format!(": {requested} asked for, {used} of {capacity} in use")
        }
        _ => String::new(),
    };
    case.headline(format!(
        "{} refused the pod for want of {resource}{numbers}",
        kubelet(facts)
    ));
    case.step(
        "the pod was bound without the scheduler's look at the room, or the node's room had changed since",
        [facts.field("spec.nodeName", &facts.pod().spec.node_name)],
    );
    finish(facts, case, message);
    case.advice(
        "let the scheduler choose the node (no spec.nodeName), and look whether static pods or a kubelet restart took the room",
        Risk::Restart,
    );
}
