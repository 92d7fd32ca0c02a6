//! Nodes that work and are short of something, or whose kernel complains.

crate::cause::family!(
    disk_pressure,
    kernel_trouble,
    memory_pressure,
    network_unavailable,
    pid_pressure
);

use sonde_model::Severity;
use sonde_world::view::Condition;

use crate::{Case, Facts, Seen};

/// The node's condition, where it is the episode's and true.
fn condition(facts: &Facts<'_>, kind: &str) -> Option<(Condition, Seen)> {
    if facts.episode.word != kind {
        return None;
    }
    let condition = facts.node()?.condition(kind)?.clone();
    let mut seen = facts.field(
        &format!("status.conditions[{kind}]"),
        format!("{}: {}", condition.reason, condition.message),
    );
    seen.time = condition.last_transition_time.0;
    condition.is_true().then_some((condition, seen))
}

/// What every pressure does: the kubelet evicts, and the node takes no new pods.
fn pressure(facts: &Facts<'_>, case: &mut Case, kind: &str, short_of: &str) -> bool {
    let Some((_, seen)) = condition(facts, kind) else {
        return false;
    };
    let node = &facts.episode.subject;
    case.proven_by(seen.clone());
    case.step(
        format!("the kubelet of {} sees too little {short_of} left", node.name),
        [seen],
    );
    let evicted = facts
        .snapshot
        .pods_on_node(&node.name)
        .filter(|it| it.pod().is_some_and(|pod| pod.reason.as_ref() == "Evicted"))
        .count();
    let seen = facts.computed(format!("evicted pods of {}", node.name), evicted.to_string());
    case.step(
        format!("it evicts pods ({evicted} so far) and the node takes no new ones"),
        [seen],
    );
    case.headline(format!(
        "node {} is short of {short_of}: pods are evicted and new ones avoid it",
        node.name
    ));
    case.severity(Severity::Error);
    case.root(node.clone());
    true
}
