//! SCH-REJECTED-TOPOLOGY: the kubelet's topology manager could not align CPU, memory and devices as its policy asks.

use sonde_grammar::fact::RejectFact;
use sonde_model::{Code, Risk};

use super::refused::{finish, kubelet, refusal};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-REJECTED-TOPOLOGY"),
    title: "the resources cannot be aligned on one NUMA node",
    explains: &[Symptom::Rejected],
    reads: &[],
    state,
    page: page!("SCH-REJECTED-TOPOLOGY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((RejectFact::Topology { .. }, message)) = refusal(facts) else {
        return;
    };
    case.proven_by(message.seen());
    case.headline(format!(
        "{} refused the pod: its CPU, memory and devices do not fit on one NUMA node together",
        kubelet(facts)
    ));
    case.step(
        "the scheduler counts the node as a whole, the kubelet's topology manager each NUMA node",
        [message.seen()],
    );
    finish(facts, case, message);
    case.advice(
        "ask for less per pod, or use topologyManagerPolicy best-effort on these nodes",
        Risk::Wide,
    );
}
