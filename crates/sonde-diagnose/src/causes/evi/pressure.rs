//! What the causes about a node's pressure share.

use sonde_grammar::Fact;
use sonde_grammar::fact::{EvictionFact, NodeFact};
use sonde_grammar::log::NodeLine;
use sonde_model::{Quantity, Risk};

use super::evicted::{node_name, said, step_qos, unbounded, victim};
use crate::subject::log_words;
use crate::{Case, Facts, Seen, field_on};

/// One resource that a node can be short of.
pub(super) struct Short {
    /// As the kubelets' messages call it; some names ended with 1.11.
    pub(super) resources: &'static [&'static str],
    /// As the headline says it: "memory", "disk space".
    pub(super) word: &'static str,
    /// The pod's resource whose request and limit count; empty where pods cannot ask for it.
    pub(super) request: &'static str,
    /// What shows who uses it.
    pub(super) look: &'static str,
    /// The node's condition while it lasts.
    pub(super) condition: &'static str,
    /// What to do.
    pub(super) advice: &'static str,
}

pub(super) fn state(facts: &Facts<'_>, case: &mut Case, short: &Short) {
    let found = said(facts, |it| match it {
        EvictionFact::NodePressure {
            resource,
            threshold,
            available,
            over_request,
        } if short.resources.contains(&resource.as_str()) => Some((threshold, available, over_request)),
        _ => None,
    });
    let Some(((threshold, available, over_request), message)) = found else {
        return;
    };
    case.proven_by(message.seen());
    let node = facts.node_ref();
    let numbers = match (available, threshold) {
        (Some(available), Some(threshold)) => format!(" ({available} left, threshold {threshold})"),
        _ => String::new(),
    };
    case.step(
        format!("{} is short of {}{numbers}", node_name(node.as_ref()), short.word),
        [shortage(facts, short, message.seen())],
    );
    if let Some(seen) = unbounded(facts, short.request).filter(|_| !short.request.is_empty()) {
        case.step("other pods of the node may take as much as they like", [seen]);
    }
    let mut used = String::new();
    let mut most = None;
    for (container, usage, request) in over_request {
        case.step(
            format!("container {container} used {usage}, more than its request of {request}"),
            [message.seen()],
        );
        let bytes = Quantity::parse(usage).ok();
        if used.is_empty() || bytes > most {
            most = bytes;
            used = format!("; container {container} used {usage} and had requested {request}");
        }
    }
    if !short.request.is_empty() {
        step_qos(facts, case, short.request);
    }
    case.step(
        "the kubelet evicts the pod to win it back",
        [match facts.snapshot.get(&facts.episode.subject) {
            Some(_) => facts.field("status.reason", &facts.episode.word),
            None => message.seen(),
        }],
    );
    case.headline(format!(
        "{} ran short of {}{numbers} and evicted {}{used}",
        node_name(node.as_ref()),
        short.word,
        victim(facts)
    ));
    let lasting = facts.node().and_then(|it| it.condition(short.condition).cloned());
    if let Some((node, condition)) = node.as_ref().zip(lasting.filter(|it| it.is_true())) {
        let path = format!("status.conditions[{}]", condition.kind);
        case.step(
            format!(
                "{} is still short of it, and takes no new pods that do not tolerate that",
                node.name
            ),
            [field_on(
                node,
                &path,
                format!("{}: {}", condition.reason, condition.message),
            )],
        );
    }
    if let Some(node) = node {
        case.look(
            format!("who uses the {} of the node", short.word),
            short.look.replace("{}", &node.name),
        );
        case.root(node);
    }
    case.advice(short.advice, Risk::None);
}

/// What says that the node is short of it: the message, or, where it tells only of the eviction, the line of the kubelet's
/// eviction manager before it.
fn shortage(facts: &Facts<'_>, short: &Short, message: Seen) -> Seen {
    if short.resources.iter().any(|it| message.text.contains(it)) {
        return message;
    }
    let names = |fact: &Fact| matches!(fact, Fact::Node(NodeFact::Reclaiming { resource }) if short.resources.contains(&resource.as_str()));
    let lines = facts.texts.node.values().flatten();
    let before = |line: &&NodeLine| message.time.is_none() || line.time <= message.time;
    let found = lines.filter(|line| line.facts.iter().any(names)).rfind(before);
    found.map_or(message, |line| {
        let (kind, source) = log_words(line.origin);
        Seen {
            kind,
            source: source.to_owned(),
            object: None,
            time: line.time,
            text: line.text.clone(),
        }
    })
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use crate::testing::{Scene, pod};

    pub(in crate::causes::evi) fn evicted(reason: &str, message: &str) -> Value {
        pod(json!({"spec": {"restartPolicy": "Never"},
            "status": {"phase": "Failed", "reason": reason, "message": message, "conditions": [], "containerStatuses": []}}))
    }

    /// Each row: what the kubelet of some version says, the code, words of the headline.
    const SAID: &[(&str, &str, &[&str])] = &[
        (
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. Container app was using 300Mi, request is 100Mi, has larger consumption of memory. ",
            "EVI-MEMORY",
            &["n1", "memory", "90Mi left", "threshold 100Mi", "300Mi", "100Mi"],
        ),
        (
            "The node was low on resource: memory. Container app was using 2Gi, which exceeds its request of 0. ",
            "EVI-MEMORY",
            &["2Gi"],
        ),
        (
            "The node was low on resource: ephemeral-storage. Threshold quantity: 5Gi, available: 3.1Gi. Container app was using 12Gi, request is 0, has larger consumption of ephemeral-storage. ",
            "EVI-NODE-DISK",
            &["n1", "disk", "12Gi"],
        ),
        (
            "The node was low on resource: nodefs.",
            "EVI-NODE-DISK",
            &["disk"],
        ),
        (
            "The node was low on resource: imagefs.",
            "EVI-NODE-DISK",
            &["disk"],
        ),
        (
            "The node was low on resource: nodefsInodes.",
            "EVI-INODES",
            &["inodes"],
        ),
        (
            "The node was low on resource: inodes. Threshold quantity: 1000, available: 800. ",
            "EVI-INODES",
            &["inodes"],
        ),
        (
            "The node was low on resource: pids. Threshold quantity: 1000, available: 300. ",
            "EVI-PIDS",
            &["process"],
        ),
    ];

    #[test]
    fn found_in_the_words_of_the_versions() {
        for (message, code, words) in SAID {
            let outcome = Scene::new().object(evicted("Evicted", message)).diagnose();
            let finding = outcome.finds_only(code, Verdict::Proven);
            assert_eq!(finding.subject.kind, Kind::Node);
            for word in *words {
                assert!(finding.headline.contains(word), "{word}: {}", finding.headline);
            }
        }
    }

    /// The line of the eviction says neither what was short nor what the pod's status is.
    #[test]
    fn a_kubelets_lines_alone_quote_the_one_that_names_it() {
        let lines = "I1121 04:00:14.002000    1201 eviction_manager.go:366] \"Eviction manager: must evict pod(s) to reclaim\" resourceName=\"ephemeral-storage\"\n\
            I1121 04:00:14.202000    1201 eviction_manager.go:602] \"Eviction manager: pod is evicted successfully\" pod=\"logs/fluentd-abcd1\"";
        let outcome = Scene::new().kubelet("", lines).diagnose();
        let finding = outcome.finds_only("EVI-NODE-DISK", Verdict::Proven);
        let quotes = |id: &str| finding.evidence.iter().any(|it| it.text.contains(id));
        assert!(
            quotes("must evict")
                && !finding
                    .evidence
                    .iter()
                    .any(|it| it.source.contains("status.reason")),
            "{finding:?}"
        );
    }

    #[test]
    fn one_node_that_evicts_two_pods_is_one_finding() {
        let mut other = evicted("Evicted", SAID[0].0);
        other["metadata"]["name"] = "app-2".into();
        other["metadata"]["uid"] = "other".into();
        let outcome = Scene::new()
            .object(evicted("Evicted", SAID[0].0))
            .object(other)
            .diagnose();
        assert_eq!(
            outcome.finds_only("EVI-MEMORY", Verdict::Proven).explains.len(),
            2
        );
    }

    #[test]
    fn not_claimed_without_the_kubelets_words() {
        for (_, code, _) in SAID {
            Scene::new().object(evicted("Evicted", "")).diagnose().lacks(code);
        }
    }

    #[test]
    fn over_when_the_controller_has_replaced_the_pod() {
        let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "app", "namespace": "shop", "uid": "u-rs"},
            "spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": 1}});
        let outcome = Scene::new()
            .object(set)
            .object(evicted("Evicted", SAID[0].0))
            .diagnose();
        assert!(outcome.is_calm().finding("EVI-MEMORY").ended.is_some());
    }
}
