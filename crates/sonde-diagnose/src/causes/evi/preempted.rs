//! EVI-PREEMPTED: the scheduler deleted the pod to make room for one of higher priority.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Kind, Severity};

use super::evicted::{Told, node_name, tell, victim};
use crate::cause::page;
use crate::preemption::preemptor;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-PREEMPTED"),
    title: "preempted by a pod of higher priority",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EVI-PREEMPTED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let (node, victim) = (node_name(facts.node_ref().as_ref()), victim(facts));
    let told = tell(facts, case, |it| match it {
        EvictionFact::Preempted { by, .. } => {
            let by = by.as_deref().map(|by| preemptor(facts, by));
            let whom = by.map_or_else(
                || "a pod of higher priority".to_owned(),
                |by| format!("pod {by}, which has a higher priority"),
            );
            Some(Told {
                how: format!("the scheduler made room on the node for {whom}"),
                headline: format!("{victim} was preempted on {node}: the scheduler made room for {whom}"),
                severity: Severity::Error,
                of_node: false,
                advice: "give it a priority class that fits its importance, or the cluster more room",
            })
        }
        _ => None,
    });
    if told.is_some() && !facts.is_text() && !facts.is_partial() {
        let spec = &facts.pod().spec;
        let class = match spec.priority_class_name.as_str() {
            "" => "no priority class".to_owned(),
            class => format!("priority class {class}"),
        };
        let priority = spec.priority.unwrap_or(0);
        case.step(
            format!("it has priority {priority} ({class}), so pods of more come first"),
            [facts.field("spec.priority", priority)],
        );
    }
}
