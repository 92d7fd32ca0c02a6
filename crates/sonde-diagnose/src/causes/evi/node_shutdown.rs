//! EVI-NODE-SHUTDOWN: the node was shutting down, and the kubelet ended the pod.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Kind, Severity};

use super::evicted::{Told, node_name, tell, victim};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-NODE-SHUTDOWN"),
    title: "ended because the node shut down",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EVI-NODE-SHUTDOWN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let (node, victim) = (node_name(facts.node_ref().as_ref()), victim(facts));
    tell(facts, case, |it| match it {
        EvictionFact::NodeShutdown => Some(Told {
            how: "the node was shutting down, so its kubelet ended the pod".into(),
            headline: format!("{victim} was ended because {node} was shutting down"),
            severity: Severity::Warning,
            of_node: true,
            advice: "drain nodes before they shut down; pods that are left over as Failed can be deleted",
        }),
        _ => None,
    });
}
