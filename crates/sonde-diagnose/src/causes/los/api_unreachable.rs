//! LOS-API-UNREACHABLE: the kubelet runs and cannot reach the API server.

use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Risk};

use super::node::troubled;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-API-UNREACHABLE"),
    title: "kubelet cannot reach the API server",
    explains: &[Symptom::NodeNotReady, Symptom::Lost, Symptom::Deleting],
    reads: &[Kind::Node],
    state,
    page: page!("LOS-API-UNREACHABLE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(home) = troubled(facts) else { return };
    if !home.is_silent() {
        return;
    }
    let said = home.find(|fact| match fact {
        NodeFact::ApiUnreachable { detail } | NodeFact::ApiForbidden { detail } => Some(detail.clone()),
        _ => None,
    });
    let Some((detail, seen)) = said else { return };
    case.proven_by(seen.clone());
    let name = &home.reference.name;
    case.step(format!("the kubelet of {name} runs and cannot report: {detail}"), [seen]);
    case.step("so the node is not ready", home.ready().map(|(_, seen)| seen));
    home.conclude(facts, case);
    case.headline(format!("node {name} is lost: its kubelet runs and cannot report to the API server"));
    case.advice(
        format!("look at the network between {name} and the API server, its load balancer and name"),
        Risk::None,
    );
}
