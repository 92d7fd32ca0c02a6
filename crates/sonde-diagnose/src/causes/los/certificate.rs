//! LOS-CERTIFICATE: the kubelet's certificate is expired or refused, so the API server does not hear it.

use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Risk};

use super::node::troubled;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-CERTIFICATE"),
    title: "kubelet certificate expired or refused",
    explains: &[Symptom::NodeNotReady, Symptom::Lost, Symptom::Deleting],
    reads: &[Kind::Node],
    state,
    page: page!("LOS-CERTIFICATE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(home) = troubled(facts) else { return };
    if !home.is_silent() {
        return;
    }
    let said = home.find(|fact| match fact {
        NodeFact::Certificate { detail } => Some(detail.clone()),
        _ => None,
    });
    let Some((detail, seen)) = said else { return };
    case.proven_by(seen.clone());
    let name = &home.reference.name;
    case.step(format!("the API server does not accept the certificate of the kubelet of {name}: {detail}"), [seen]);
    case.step("so the node is not ready", home.ready().map(|(_, seen)| seen));
    home.conclude(facts, case);
    case.headline(format!("node {name} is lost: its kubelet's certificate is expired or refused"));
    case.look("requests for new certificates that wait for approval", "kubectl get csr");
    case.advice(
        format!("give the kubelet of {name} a new certificate, and look at why its rotation failed; check the clock too"),
        Risk::Wide,
    );
}
