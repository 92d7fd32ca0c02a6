//! LOS-API-UNREACHABLE: the kubelet runs and cannot reach the API server.

use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Risk};

use super::node::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-API-UNREACHABLE"),
    title: "kubelet cannot reach the API server",
    explains: &[Symptom::NodeNotReady, Symptom::Lost, Symptom::Deleting],
    reads: &[Kind::Node, Kind::Lease],
    state,
    page: page!("LOS-API-UNREACHABLE"),
};

const TOLD: Told = Told {
    silent: Some(true),
    is: |fact| {
        matches!(
            fact,
            NodeFact::ApiUnreachable { .. } | NodeFact::ApiForbidden { .. }
        )
    },
    step: |node, words| format!("the kubelet of {node} runs and cannot report: {words}"),
    headline: "is lost: its kubelet runs and cannot report to the API server",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if tell(facts, case, &TOLD) {
        case.advice(
            "look at the network between the node and the API server, its load balancer and name, and at the rights of the kubelet",
            Risk::None,
        );
    }
}
