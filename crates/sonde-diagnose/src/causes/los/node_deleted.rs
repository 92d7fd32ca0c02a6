//! LOS-NODE-DELETED: the pod is bound to a node whose object does not exist any more.

use sonde_model::{Code, Kind, Risk};

use super::node::gone;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-NODE-DELETED"),
    title: "node object removed",
    explains: &[Symptom::Lost, Symptom::Deleting],
    reads: &[Kind::Node],
    state,
    page: page!("LOS-NODE-DELETED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((node, seen)) = gone(facts) else { return };
    case.proven_by(seen.clone());
    case.step(format!("the pod is bound to {node}"), [facts.field("spec.nodeName", &node.name)]);
    case.step("that node does not exist any more", [seen]);
    case.step("no kubelet will ever report about the pod; the control plane removes it within a minute or so", []);
    case.headline(format!("pods are bound to node {}, which was removed from the cluster", node.name));
    case.root(node);
    case.fix(
        "if the machine is surely off, remove the pod without waiting for a kubelet",
        format!("kubectl delete {} --force --grace-period=0", facts.episode.subject.kubectl()),
        Risk::DataLoss,
    );
}
