//! SCH-REJECTED-PREDICATE: the pod was bound to a node where its kubelet's own filters refuse it.

use std::collections::BTreeSet;
use std::sync::Arc;

use sonde_grammar::fact::RejectFact;
use sonde_model::{Code, Risk};

use super::refused::{finish, kubelet, refusal};
use crate::cause::page;
use crate::{Case, Cause, Facts, Message, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-REJECTED-PREDICATE"),
    title: "the kubelet found that the pod does not belong there",
    explains: &[Symptom::Rejected],
    reads: &[],
    state,
    page: page!("SCH-REJECTED-PREDICATE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((RejectFact::Predicate { name }, message)) = refusal(facts) else {
        return;
    };
    case.proven_by(message.seen());
    let why = match name.as_str() {
        "NodeAffinity" | "MatchNodeSelector" => "the node does not match its node selector or affinity",
        "NodePorts" | "HostPortConflict" | "PodFitsHostPorts" => "a host port that it wants is taken",
        "NodeName" | "HostName" => "it names another node",
        "TaintToleration" => "it does not tolerate a NoExecute taint of the node",
        "PodOSSelectorNodeLabelDoesNotMatch" | "PodOSNotSupported" => "it is for another operating system",
        "SysctlForbidden" => "it asks for a sysctl that the node does not allow",
        "AppArmor" => "the node cannot enforce the AppArmor profile that it asks for",
        "PodLevelResourcesNotSupported" => {
            "it asks for resources of the pod as a whole, which the node does not support"
        }
        _ => "a filter of the kubelet fails",
    };
    case.headline(format!("{} refused the pod: {why} ({name})", kubelet(facts)));
    if name == "SysctlForbidden" {
        return sysctl(facts, case, message);
    }
    if matches!(name.as_str(), "AppArmor" | "PodLevelResourcesNotSupported") {
        case.step(
            "no scheduler looks at what only the kubelet can tell",
            [facts.field("spec.nodeName", &facts.pod().spec.node_name)],
        );
    } else {
        case.step(
            "the pod was bound without the scheduler, or the node changed after it was bound",
            [facts.field("spec.nodeName", &facts.pod().spec.node_name)],
        );
    }
    finish(facts, case, message);
    if let Some(node) = facts.node_ref() {
        case.look(
            "the node's labels and taints now",
            format!("kubectl get {node} -o yaml"),
        );
    }
}

/// Beside the safe ones a kubelet sets only the sysctls that its administrator allows; the scheduler does not look at them.
fn sysctl(facts: &Facts<'_>, case: &mut Case, message: &Message) {
    let words = &message.seen.text;
    let name = words
        .split_once("forbidden sysctl: ")
        .map(|(_, rest)| rest.trim_start_matches(['"', '\\']))
        .map(|rest| rest.split(['"', '\\', ' ']).next().unwrap_or(rest))
        .filter(|name| !name.is_empty());
    let shown = name.unwrap_or("a sysctl");
    let refused = refused_alike(facts);
    case.headline(match &refused {
        Some((pods, nodes)) => format!(
            "{pods} pods of {} were refused by {}: they set {shown}, which the kubelet does not allow (SysctlForbidden)",
            facts.workload(),
            nodes_phrase(nodes)
        ),
        None => format!(
            "{} refused the pod: it sets {shown}, which the node does not allow (SysctlForbidden)",
            kubelet(facts)
        ),
    });
    let set = facts.pod().spec.security_context.as_ref().and_then(|context| {
        let at = context
            .sysctls
            .iter()
            .position(|it| Some(it.name.as_str()) == name)?;
        Some((at, &context.sysctls[at]))
    });
    if let Some((at, sysctl)) = set {
        let path = format!("spec.securityContext.sysctls[{at}]");
        let text = format!("{}={}", sysctl.name, sysctl.value);
        case.step(format!("the pod sets {text}"), [facts.field(&path, &text)]);
    }
    case.step(
        format!("{shown} is none of the sysctls that every node allows, and this node's kubelet was not told to allow it"),
        [message.seen()],
    );
    if let Some((pods, nodes)) = &refused {
        let text = format!("{pods} on {}", nodes_phrase(nodes));
        case.step(
            "its controller makes new pods all the time, and each is refused",
            [facts.computed(format!("refused pods of {}", facts.workload()), text)],
        );
    }
    case.advice(
        format!("remove {shown} from securityContext.sysctls in the pod template"),
        Risk::Restart,
    );
    case.advice(
        format!("or allow it on the nodes where the pod may run (kubelet --allowed-unsafe-sysctls={shown}, a restart of the kubelet), and bind the pod to those by a label"),
        Risk::Wide,
    );
    if facts.workload() == facts.episode.subject {
        finish(facts, case, message);
    } else {
        case.step(
            "a refused pod stays Failed, and no other node's kubelet allows more by itself: to delete pods does not help",
            [message.seen()],
        );
    }
}

/// How many pods of the same workload were refused for the same reason, and by which nodes; where they are several.
fn refused_alike(facts: &Facts<'_>) -> Option<(usize, BTreeSet<Arc<str>>)> {
    let owner = facts.snapshot.get(&facts.episode.subject)?.owner.as_ref()?;
    let mut nodes = BTreeSet::new();
    let mut pods = 0;
    for pod in facts
        .snapshot
        .owned_by(&owner.reference)
        .filter_map(|it| it.pod())
    {
        if pod.reason.as_ref() == "SysctlForbidden" {
            pods += 1;
            nodes.insert(pod.node.clone());
        }
    }
    (pods > 1).then_some((pods, nodes))
}

/// "node n1", "nodes n1 and n2", "5 nodes".
fn nodes_phrase(nodes: &BTreeSet<Arc<str>>) -> String {
    const NAMED_MAX: usize = 3;
    let names: Vec<&str> = nodes.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [one] => format!("node {one}"),
        many if many.len() <= NAMED_MAX => format!("nodes {}", many.join(" and ")),
        many => format!("{} nodes", many.len()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use super::super::testing::scheduled;
    use crate::testing::Scene;

    fn refused(name: &str, node: &str, said: &str) -> Value {
        scheduled(
            json!({"metadata": {"name": name, "uid": name}, "spec": {"nodeName": node,
            "securityContext": {"sysctls": [{"name": "net.core.somaxconn", "value": "1024"}]}},
            "status": {"phase": "Failed", "reason": said, "conditions": null, "containerStatuses": null,
                "message": "forbidden sysctl: \"net.core.somaxconn\" not allowlisted"}}),
        )
    }

    #[test]
    fn pods_that_every_node_refuses_are_one_finding_that_counts_them() {
        let mut scene = Scene::new();
        for (at, node) in ["n1", "n2", "n1", "n2"].iter().enumerate() {
            scene = scene.object(refused(&format!("app-{at}"), node, "SysctlForbidden"));
        }
        let outcome = scene.diagnose();
        let finding = outcome.finds_only("SCH-REJECTED-PREDICATE", Verdict::Proven);
        assert!(
            finding.headline.contains("4 pods of") && finding.headline.contains("nodes n1 and n2"),
            "{}",
            finding.headline
        );
        assert!(
            finding.fixes[0].text.contains("remove net.core.somaxconn from")
                && finding
                    .fixes
                    .iter()
                    .any(|it| it.text.contains("--allowed-unsafe-sysctls=net.core.somaxconn"))
                && !finding
                    .fixes
                    .iter()
                    .any(|it| it.command.as_ref().is_some_and(|it| it.contains("delete"))),
            "{:?}",
            finding.fixes
        );
    }

    #[test]
    fn one_refused_pod_names_its_node() {
        let outcome = Scene::new()
            .object(refused("app-1", "n1", "SysctlForbidden"))
            .diagnose();
        let finding = outcome.finding("SCH-REJECTED-PREDICATE");
        assert!(
            finding
                .headline
                .contains("n1 refused the pod: it sets net.core.somaxconn"),
            "{}",
            finding.headline
        );
    }
}
