//! SCH-REJECTED-RESOURCES: the pod was bound to a node whose kubelet found too little of a resource for it.

use sonde_grammar::fact::RejectFact;
use sonde_model::{Code, Kind, Risk};

use super::refused::{finish, kubelet, refusal};
use super::words;
use crate::cause::page;
use crate::{Case, Cause, Facts, Message, Symptom};

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
    if let (Some(requested), Some(capacity)) = (number(requested), number(capacity))
        && requested > capacity
    {
        return too_large(facts, case, message, (resource, requested, capacity));
    }
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

fn number(text: &Option<String>) -> Option<i64> {
    text.as_deref()?.parse().ok()
}

/// It would not fit if the node were empty.
fn too_large(
    facts: &Facts<'_>,
    case: &mut Case,
    message: &Message,
    (resource, requested, capacity): (&str, i64, i64),
) {
    let asked = words::amount(resource, requested);
    let has = words::amount(resource, capacity);
    case.headline(format!(
        "{} refused the pod: it asks for {asked}, and the whole node has {has}",
        kubelet(facts)
    ));
    case.step(
        "the pod was bound without the scheduler's look at the node's size",
        [facts.field("spec.nodeName", &facts.pod().spec.node_name)],
    );
    finish(facts, case, message);
    let largest = facts
        .snapshot
        .is_complete_everywhere(&Kind::Node)
        .then(|| largest(facts, resource))
        .flatten();
    match largest {
        Some((node, most)) if most < requested => {
            let most = words::amount(resource, most);
            case.step(
                format!("no node is that large: the largest, {node}, has {most}"),
                [facts.computed(
                    format!("{resource} that the nodes offer"),
                    format!("{node}: {most}"),
                )],
            );
            case.advice(
                format!("ask for at most {most}, or add a node that is large enough"),
                Risk::Restart,
            );
        }
        Some((node, _)) => {
            case.advice(
                format!("remove spec.nodeName, so that the scheduler chooses a node that is large enough, such as {node}"),
                Risk::Restart,
            );
        }
        None => {
            case.advice(
                format!("ask for less than {has}, or remove spec.nodeName, so that the scheduler chooses a node that is large enough"),
                Risk::Restart,
            );
        }
    }
}

/// The node that offers most of a resource.
fn largest(facts: &Facts<'_>, resource: &str) -> Option<(String, i64)> {
    facts
        .snapshot
        .of_kind(Kind::Node)
        .filter_map(|node| {
            let offered = node.node()?.allocatable.get(resource);
            Some((node.reference.name.to_string(), offered))
        })
        .max_by(|one, other| one.1.cmp(&other.1).then_with(|| other.0.cmp(&one.0)))
}
