//! EVI-API: somebody evicted the pod through the API: kubectl drain, an autoscaler, the descheduler.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Kind, Severity};

use super::evicted::{Told, node_name, tell, victim};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-API"),
    title: "evicted through the API",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EVI-API"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let (node, victim) = (node_name(facts.node_ref().as_ref()), victim(facts));
    tell(facts, case, |it| match it {
        EvictionFact::Api { detail } => Some(Told {
            how: format!("somebody evicted it through the API: {detail}"),
            headline: format!(
                "{victim} was evicted through the API from {node}: a drain, an autoscaler or the descheduler"
            ),
            severity: Severity::Warning,
            of_node: false,
            advice: "planned moves need nothing; guard what must not move with a PodDisruptionBudget, and let Jobs ignore disruptions (podFailurePolicy with DisruptionTarget)",
        }),
        _ => None,
    });
}
