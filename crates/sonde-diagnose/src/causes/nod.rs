//! Nodes that work and are short of something, or whose kernel complains: by their own conditions, and by what was
//! checked on them.

#[cfg(test)]
mod checks;
#[cfg(test)]
mod contracts;

crate::cause::family!(
    clock,
    conntrack_full,
    container_pids,
    cpu_saturated,
    disk_full,
    disk_pressure,
    disk_read_only,
    disk_stall,
    file_handles,
    inodes,
    kernel_trouble,
    kubelet_unhealthy,
    memory_pressure,
    memory_stall,
    network_unavailable,
    pid_pressure,
    pids,
    runtime_silent,
    tasks_blocked,
    zombies
);

use sonde_grammar::Fact;
use sonde_grammar::fact::{EvictionFact, NodeFact};
use sonde_model::Severity;
use sonde_world::view::{Condition, Pod};

use crate::{Case, Facts, Seen};

/// A node can be short of it.
struct Scarce {
    /// The conditions that say so.
    conditions: &'static [&'static str],
    /// What it is, in words.
    word: &'static str,
    /// As messages about the node call it.
    said: &'static [&'static str],
    /// As evictions call it.
    evicted_for: &'static [&'static str],
}

/// The node's condition, where it is the episode's and true.
fn condition(facts: &Facts<'_>, kind: &str) -> Option<(Condition, Seen)> {
    if facts.episode.word != kind {
        return None;
    }
    // The very columns that triage saw.
    let node = facts.snapshot.get(&facts.episode.subject)?.node()?;
    let condition = node.conditions.iter().find(|it| it.kind == kind)?.clone();
    let mut seen = facts.field(
        &format!("status.conditions[{kind}]"),
        format!("{}: {}", condition.reason, condition.message),
    );
    seen.time = condition.last_transition_time.0;
    condition.is_true().then_some((condition, seen))
}

/// What every pressure does: the kubelet evicts, and the node takes no new pods.
fn pressure(facts: &Facts<'_>, case: &mut Case, scarce: &Scarce) -> bool {
    if facts.is_text() {
        return told(facts, case, scarce);
    }
    let Some((_, seen)) = scarce.conditions.iter().find_map(|kind| condition(facts, kind)) else {
        return false;
    };
    let node = &facts.episode.subject;
    let short_of = scarce.word;
    case.proven_by(seen.clone());
    case.step(
        format!("the kubelet of {} sees too little {short_of} left", node.name),
        [seen],
    );
    let mut evicted = 0_usize;
    let mut for_it = false;
    for object in facts.snapshot.pods_on_node(&node.name) {
        if object.pod().is_some_and(|pod| pod.reason.as_ref() == "Evicted") {
            evicted += 1;
            for_it |= object
                .encoded
                .decode::<Pod>()
                .is_ok_and(|pod| is_victim(&pod, scarce));
        }
    }
    // Without the pods nobody knows how many.
    if evicted > 0 || facts.snapshot.is_complete_everywhere(&sonde_model::Kind::Pod) {
        let seen = facts.computed(format!("evicted pods of {}", node.name), evicted.to_string());
        case.step(
            format!("it evicts pods ({evicted} so far) and the node takes no new ones"),
            [seen],
        );
    } else {
        case.step("it evicts pods and the node takes no new ones", []);
    }
    case.headline(format!(
        "node {} is short of {short_of}: pods are evicted and new ones avoid it",
        node.name
    ));
    case.severity(Severity::Error);
    if for_it {
        // A victim's own finding says who used how much: the same trouble, told better.
        case.follows(node.clone());
    } else {
        case.root(node.clone());
    }
    true
}

fn is_victim(pod: &Pod, scarce: &Scarce) -> bool {
    sonde_grammar::message::facts(&pod.status.reason, &pod.status.message)
        .iter()
        .any(|fact| match fact {
            Fact::Eviction(EvictionFact::NodePressure { resource, .. }) => {
                scarce.evicted_for.contains(&resource.as_str())
            }
            Fact::Eviction(EvictionFact::NodeCondition { conditions }) => conditions
                .iter()
                .any(|it| scarce.conditions.contains(&it.as_str())),
            _ => false,
        })
}

/// Lines alone: the kubelet says that it is short of it.
fn told(facts: &Facts<'_>, case: &mut Case, scarce: &Scarce) -> bool {
    let said = facts.find(|fact| match fact {
        Fact::Node(NodeFact::Pressure { resource } | NodeFact::Reclaiming { resource })
            if scarce.said.contains(&resource.as_str()) =>
        {
            Some(())
        }
        _ => None,
    });
    let subject = &facts.episode.subject;
    let node = if subject.kind == sonde_model::Kind::Node {
        format!("node {}", subject.name)
    } else {
        "a node".into()
    };
    let Some(((), message)) = said else {
        return full_of_images(facts, case, scarce, &node);
    };
    case.proven_by(message.seen());
    case.step(
        format!("the kubelet of {node} sees too little {} left", scarce.word),
        [message.seen()],
    );
    case.headline(format!(
        "{node} is short of {}: pods are evicted and new ones avoid it",
        scarce.word
    ));
    case.severity(Severity::Error);
    true
}

/// The kubelet removes images before it evicts, and that does not help: the disk is above the threshold of images, which
/// is mostly lower than that of an eviction.
fn full_of_images(facts: &Facts<'_>, case: &mut Case, scarce: &Scarce, node: &str) -> bool {
    let freed = facts.find(|fact| match fact {
        Fact::Node(NodeFact::FreeDiskFailed { detail }) if scarce.said.contains(&"imagefs") => Some(detail),
        _ => None,
    });
    let Some((detail, message)) = freed else {
        return false;
    };
    case.supported_by(message.seen());
    case.step(
        format!("the kubelet of {node} cannot free enough disk by removing images: {detail}"),
        [message.seen()],
    );
    case.headline(format!(
        "the disk of {node} is nearly full, and removing unused images does not free enough of it"
    ));
    case.severity(Severity::Error);
    true
}
