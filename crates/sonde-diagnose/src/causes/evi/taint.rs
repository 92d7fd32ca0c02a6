//! EVI-TAINT: the taint manager deleted the pod for a NoExecute taint that it does not tolerate.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Kind, Severity};

use super::evicted::{Told, node_name, tell, victim};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-TAINT"),
    title: "evicted by a taint",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EVI-TAINT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let (node, victim) = (node_name(facts.node_ref().as_ref()), victim(facts));
    tell(facts, case, |it| match it {
        EvictionFact::Taint => {
            let taint = taint(facts);
            let which = taint.as_ref().map_or_else(
                || "a NoExecute taint".to_owned(),
                |it| format!("the NoExecute taint {it}"),
            );
            Some(Told {
                how: format!(
                    "{node} has {which} that the pod does not tolerate, so the control plane deletes it"
                ),
                headline: format!(
                    "{victim} was deleted because {node} has {which} that it does not tolerate"
                ),
                severity: Severity::Warning,
                of_node: true,
                advice: "see why the node has the taint (not ready, unreachable, drained by hand), or tolerate it",
            })
        }
        _ => None,
    });
}

/// The node's NoExecute taints that the pod does not tolerate for good, where the node is known and still has them.
fn taint(facts: &Facts<'_>) -> Option<String> {
    let tolerated = |key: &str| {
        let tolerations = &facts.pod().spec.tolerations;
        tolerations
            .iter()
            .any(|it| (it.key == key || it.key.is_empty()) && it.toleration_seconds.is_none())
    };
    let named: Vec<String> = facts
        .node()?
        .spec
        .taints
        .into_iter()
        .filter(|taint| taint.effect == "NoExecute" && !tolerated(&taint.key))
        .map(|taint| {
            if taint.value.is_empty() {
                taint.key
            } else {
                format!("{}={}", taint.key, taint.value)
            }
        })
        .collect();
    (!named.is_empty()).then(|| named.join(", "))
}
