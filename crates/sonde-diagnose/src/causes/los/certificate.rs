//! LOS-CERTIFICATE: the kubelet's certificate is expired or refused, so the API server does not hear it.

use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Risk};

use super::node::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-CERTIFICATE"),
    title: "kubelet certificate expired or refused",
    explains: &[Symptom::NodeNotReady, Symptom::Lost, Symptom::Deleting],
    reads: &[Kind::Node, Kind::Lease],
    state,
    page: page!("LOS-CERTIFICATE"),
};

const TOLD: Told = Told {
    silent: Some(true),
    is: |fact| matches!(fact, NodeFact::Certificate { .. }),
    step: |node, words| {
        format!("the API server does not accept the certificate of the kubelet of {node}: {words}")
    },
    headline: "is lost: its kubelet's certificate is expired or refused",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if tell(facts, case, &TOLD) {
        case.look(
            "requests for new certificates that wait for approval",
            "kubectl get csr",
        );
        case.advice(
            "give the kubelet a new certificate, and look at why its rotation failed; check the clock too",
            Risk::Wide,
        );
    }
}
