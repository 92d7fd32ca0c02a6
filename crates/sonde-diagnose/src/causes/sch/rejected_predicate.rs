//! SCH-REJECTED-PREDICATE: the pod was bound to a node where its kubelet's own filters refuse it.

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
    case.headline(format!(
        "{} refused the pod: it sets {shown}, which the node does not allow (SysctlForbidden)",
        kubelet(facts)
    ));
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
    finish(facts, case, message);
    case.advice(
        format!("remove {shown} from securityContext.sysctls in the pod template"),
        Risk::Restart,
    );
    case.advice(
        format!("or allow it on the nodes where the pod may run (kubelet --allowed-unsafe-sysctls={shown}, a restart of the kubelet), and bind the pod to those by a label"),
        Risk::Wide,
    );
}
