//! EVI-PREEMPTED-CRITICAL: the kubelet ended the pod to admit a critical one.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Kind, Severity};

use super::evicted::{Told, node_name, tell, victim};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-PREEMPTED-CRITICAL"),
    title: "preempted by the kubelet for a critical pod",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EVI-PREEMPTED-CRITICAL"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let (node, victim) = (node_name(facts.node_ref().as_ref()), victim(facts));
    tell(facts, case, |it| {
        match it {
        EvictionFact::PreemptedForCritical => Some(Told {
            how: "the kubelet made room for a critical pod (static or system priority) that was bound to the node"
                .into(),
            headline: format!("{victim} was ended on {node} to make room for a critical system pod"),
            severity: Severity::Error,
            of_node: false,
            advice: "leave room for system pods: see kube-reserved and system-reserved, and the requests of DaemonSets",
        }),
        _ => None,
    }
    });
}
