//! What the causes of a lost or not ready node have in common: the node's own evidence, and its pods.

use sonde_grammar::Fact;
use sonde_grammar::fact::NodeFact;
use sonde_model::{EvidenceKind, Kind, ObjectRef, Severity};
use sonde_world::view::{Condition, Node};

use crate::{Case, Facts, Message, Seen, Symptom, field_on};

/// The node of an episode: of the node itself, or of a pod that nobody can reach there.
pub(super) struct Home {
    pub(super) reference: ObjectRef,
    pub(super) node: Node,
    messages: Vec<Message>,
}

/// The node, where it is known and does not report well. A pod that is stuck in deletion on a node that works is
/// none of these causes' business.
pub(super) fn troubled(facts: &Facts<'_>) -> Option<Home> {
    let reference = facts.node_ref()?;
    let node = facts.node()?;
    node.condition("Ready").filter(|ready| !ready.is_true())?;
    let messages = facts.messages_about(&reference);
    Some(Home {
        reference,
        node,
        messages,
    })
}

impl Home {
    /// The Ready condition as evidence.
    pub(super) fn ready(&self) -> Option<(&Condition, Seen)> {
        let ready = self.node.condition("Ready")?;
        let text = format!("{}: {}: {}", ready.status, ready.reason, ready.message);
        let mut seen = field_on(&self.reference, "status.conditions[Ready]", text);
        seen.time = ready.last_transition_time.0;
        Some((ready, seen))
    }

    /// The control plane has not heard of the node: everything else it shows is old.
    pub(super) fn is_silent(&self) -> bool {
        self.node
            .condition("Ready")
            .is_some_and(|ready| ready.status == "Unknown")
    }

    /// The newest message with a fact that `pick` takes, seen at the earliest half an hour before the node was lost.
    pub(super) fn find<T>(&self, pick: impl Fn(&NodeFact) -> Option<T>) -> Option<(T, Seen)> {
        let lost = self
            .node
            .condition("Ready")
            .and_then(|ready| ready.last_transition_time.0);
        let recent = |message: &&Message| match (lost, message.seen.time) {
            (Some(lost), Some(time)) => time >= lost - jiff::SignedDuration::from_mins(30),
            _ => true,
        };
        self.messages.iter().filter(recent).find_map(|message| {
            let picked = message.facts.iter().find_map(|fact| match fact {
                Fact::Node(fact) => pick(fact),
                _ => None,
            })?;
            Some((picked, message.seen()))
        })
    }

    /// Ends the chain with what it means for the pods, and roots the case at the node.
    pub(super) fn conclude(&self, facts: &Facts<'_>, case: &mut Case) {
        let name = &self.reference.name;
        let count = facts
            .snapshot
            .pods_on_node(name)
            .filter(|it| it.pod().is_some_and(|it| !it.is_terminal()))
            .count();
        let seen = Seen {
            kind: EvidenceKind::Computed,
            source: format!("pods bound to {name}"),
            object: Some(self.reference.clone()),
            time: None,
            text: format!("{count} that have not ended"),
        };
        let effect = if self.is_silent() {
            "what they do is not known, and they may still run"
        } else {
            "they get no service traffic while the node is not ready, and new pods avoid it"
        };
        case.step(format!("{count} pods are bound to {name}: {effect}"), [seen]);
        case.severity(Severity::Critical);
        case.root(self.reference.clone());
    }
}

/// A pod whose node object does not exist any more.
pub(super) fn gone(facts: &Facts<'_>) -> Option<(ObjectRef, Seen)> {
    if facts.episode.subject.kind != Kind::Pod
        || !matches!(facts.episode.symptom, Symptom::Lost | Symptom::Deleting)
    {
        return None;
    }
    // A pod that names a node which never was has neither been placed by a scheduler nor taken by a kubelet.
    if !facts.is_partial() && facts.was_bound_by_hand() {
        return None;
    }
    let reference = facts.node_ref()?;
    let seen = facts.absence(&reference)?;
    Some((reference, seen))
}
