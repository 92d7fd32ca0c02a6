//! EVI-NODE-CONDITION: the node was under pressure when the pod arrived, and its kubelet refused it.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Kind, Severity};

use super::evicted::{Told, node_name, tell, victim};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-NODE-CONDITION"),
    title: "refused by a node under pressure",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EVI-NODE-CONDITION"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let (node, victim) = (node_name(facts.node_ref().as_ref()), victim(facts));
    tell(facts, case, |it| match it {
        EvictionFact::NodeCondition { conditions } => {
            let had = format!(
                "had {} when the pod arrived, so its kubelet refused it",
                conditions.join(", ")
            );
            Some(Told {
                how: format!("the node {had}"),
                headline: format!("{victim} was refused because {node} {had}"),
                severity: Severity::Error,
                of_node: true,
                advice: "see what the node is short of; its pressure lasts minutes beyond the shortage (evictionPressureTransitionPeriod)",
            })
        }
        _ => None,
    });
}
