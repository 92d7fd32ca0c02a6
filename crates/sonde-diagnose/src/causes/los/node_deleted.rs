//! LOS-NODE-DELETED: the pod is bound to a node whose object does not exist any more.

use sonde_grammar::Fact;
use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Kind, Risk, Severity};

use super::node::gone;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-NODE-DELETED"),
    title: "node object removed",
    explains: &[
        Symptom::Lost,
        Symptom::Deleting,
        Symptom::Terminated,
        Symptom::Evicted,
    ],
    reads: &[Kind::Node],
    state,
    page: page!("LOS-NODE-DELETED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((node, seen)) = gone(facts) else {
        return collected(facts, case);
    };
    case.proven_by(seen.clone());
    case.step(
        format!("the pod is bound to {node}"),
        [facts.field("spec.nodeName", &node.name)],
    );
    case.step("that node does not exist any more", [seen]);
    case.step(
        "no kubelet will ever report about the pod; the control plane removes it within a minute or so",
        [],
    );
    case.headline(format!(
        "pods are bound to node {}, which was removed from the cluster",
        node.name
    ));
    case.root(node);
    case.fix(
        "if the machine is surely off, remove the pod without waiting for a kubelet",
        format!(
            "kubectl delete {} --force --grace-period=0",
            facts.episode.subject.kubectl()
        ),
        Risk::DataLoss,
    );
    case.advice(crate::causes::forced_delete_leaves(facts), Risk::DataLoss);
}

/// The control plane ended the pod because its node is gone (`DisruptionTarget`, 1.26 on).
fn collected(facts: &Facts<'_>, case: &mut Case) {
    let said = facts.find(|fact| matches!(fact, Fact::Eviction(EvictionFact::NodeGone)).then_some(()));
    let Some(((), message)) = said else { return };
    let node = facts.node_ref();
    let name = node
        .as_ref()
        .map_or("its node".into(), |node| format!("node {}", node.name));
    case.proven_by(message.seen());
    case.step(format!("{name} was removed from the cluster"), [message.seen()]);
    case.step(
        "the control plane ends the pods that were bound to it",
        [facts.field("status.phase", &facts.pod().status.phase)],
    );
    case.headline(format!(
        "{name} was removed from the cluster, and its pods ended with it"
    ));
    case.severity(Severity::Warning);
    case.advice(
        "planned removals need nothing: drain nodes before they are removed, so that their pods end in order",
        Risk::None,
    );
    if let Some(node) = node {
        case.root(node);
    }
}
