//! What the causes about evictions share: who says that the pod was evicted, and what the pod had asked for.

use sonde_grammar::Fact;
use sonde_grammar::fact::EvictionFact;
use sonde_model::{Kind, ObjectRef, Quantity, Risk, Severity, bytes_text};
use sonde_world::view::Pod;

use crate::message::Message;
use crate::{Case, Facts, Seen, Symptom};

/// The word about the eviction that `pick` takes, and who said it.
pub(super) fn said<'a, T>(
    facts: &Facts<'a>,
    pick: impl Fn(&'a EvictionFact) -> Option<T>,
) -> Option<(T, &'a Message)> {
    // A container that ended in a pod that lives on was not evicted.
    if facts.episode.symptom == Symptom::Terminated
        && !facts.is_text()
        && facts.pod().status.phase != "Failed"
    {
        return None;
    }
    facts.all_messages().find_map(|message| {
        let found = message.facts.iter().find_map(|fact| match fact {
            Fact::Eviction(it) => pick(it),
            _ => None,
        });
        Some((found?, message))
    })
}

/// How a cause tells what one word about an eviction means.
pub(super) struct Told {
    /// What was done, as the first step.
    pub(super) how: String,
    /// What is wrong, in one sentence.
    pub(super) headline: String,
    /// How bad it is.
    pub(super) severity: Severity,
    /// The node is the root, for all its pods that were ended so.
    pub(super) of_node: bool,
    pub(super) advice: &'static str,
}

/// States the case of a cause that one word about the eviction proves; the word itself, where there is one.
pub(super) fn tell<'a>(
    facts: &Facts<'a>,
    case: &mut Case,
    pick: impl Fn(&'a EvictionFact) -> Option<Told>,
) -> Option<&'a Message> {
    let (told, message) = said(facts, pick)?;
    case.proven_by(message.seen());
    case.step(told.how, [message.seen()]);
    if let Some((code, ended)) = facts.exit() {
        case.step(format!("its process ends with exit code {code}"), [ended]);
    }
    case.headline(told.headline);
    case.severity(told.severity);
    if let Some(node) = facts.node_ref().filter(|_| told.of_node) {
        case.root(node);
    }
    case.advice(told.advice, Risk::None);
    Some(message)
}

/// "pod app-1" of a workload, "a pod" of a text.
pub(super) fn victim(facts: &Facts<'_>) -> String {
    let subject = &facts.episode.subject;
    if subject.kind == Kind::Pod {
        format!("pod {}", subject.name)
    } else {
        "a pod".into()
    }
}

/// "node worker-2", "the node".
pub(super) fn node_name(node: Option<&ObjectRef>) -> String {
    node.map_or_else(|| "the node".into(), |node| format!("node {}", node.name))
}

/// The pod's quality of service class: its status says it, else its spec does.
pub(super) fn qos(pod: &Pod) -> &str {
    if !pod.status.qos_class.is_empty() {
        return &pod.status.qos_class;
    }
    let mut any = false;
    let mut all_equal = true;
    for container in &pod.spec.containers {
        for resource in ["cpu", "memory"] {
            let limit = container.limit(resource).and_then(|it| it.quantity());
            let request = container.request(resource).and_then(|it| it.quantity());
            any |= limit.is_some() || request.is_some();
            all_equal &= limit.is_some() && limit == request;
        }
    }
    match (any, all_equal) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// What the pod asked for of a resource, in bytes; 0 without a request.
pub(super) fn requested(pod: &Pod, resource: &str) -> i64 {
    let one = |container: &sonde_world::view::Container| {
        container
            .request(resource)
            .and_then(|it| it.quantity())
            .map_or(0, Quantity::units)
    };
    pod.spec.containers.iter().map(one).fold(0, i64::saturating_add)
}

/// The step about class and request, which decide who goes first.
pub(super) fn step_qos(facts: &Facts<'_>, case: &mut Case, resource: &str) {
    if facts.is_text() || facts.is_partial() {
        return;
    }
    let pod = facts.pod();
    let request = requested(pod, resource);
    let text = match request {
        0 => format!(
            "its class is {} and it requests no {resource}: such pods go first",
            qos(pod)
        ),
        bytes => format!(
            "its class is {} and it requests {} of {resource}",
            qos(pod),
            bytes_text(bytes)
        ),
    };
    case.step(text, [facts.field("status.qosClass", qos(pod))]);
}

/// Other pods of the node whose class lets them take what others lack: the usual culprits.
pub(super) fn unbounded(facts: &Facts<'_>, resource: &str) -> Option<Seen> {
    const NAMED_MAX: usize = 5;
    // What shares the node by now had no part in an eviction that is long over.
    if facts.episode.ended.is_some() {
        return None;
    }
    let node = facts.node_ref()?;
    let all = facts.survey().unbounded(facts.snapshot, &node.name, resource);
    let others = || all.iter().filter(|pod| **pod != facts.episode.subject);
    let total = others().count();
    if total == 0 {
        return None;
    }
    let names: Vec<String> = others()
        .take(NAMED_MAX)
        .map(|pod| format!("{}/{}", pod.namespace, pod.name))
        .collect();
    Some(facts.computed(
        format!("pods on {}", node.name),
        format!(
            "{total} other pods have no {resource} limit: {}",
            names.join(", ")
        ),
    ))
}
