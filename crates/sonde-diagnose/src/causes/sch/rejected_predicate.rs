//! SCH-REJECTED-PREDICATE: the pod was bound to a node where its kubelet's own filters refuse it.

use sonde_grammar::fact::RejectFact;
use sonde_model::Code;

use super::refused::{finish, kubelet, refusal};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

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
        _ => "a filter of the kubelet fails",
    };
    case.headline(format!("{} refused the pod: {why} ({name})", kubelet(facts)));
    case.step(
        "the pod was bound without the scheduler, or the node changed after it was bound",
        [facts.field("spec.nodeName", &facts.pod().spec.node_name)],
    );
    finish(facts, case, message);
    if let Some(node) = facts.node_ref() {
        case.look(
            "the node's labels and taints now",
            format!("kubectl get {node} -o yaml"),
        );
    }
}
