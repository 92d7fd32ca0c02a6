//! NOD-KUBELET-UNHEALTHY: kubelet not well.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-KUBELET-UNHEALTHY"),
    title: "kubelet not well",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-KUBELET-UNHEALTHY"),
};

const TOLD: Told = Told {
    kind: CheckKind::Kubelet,
    headline: |it| format!("the kubelet of node {} is not well: {}", it.node, it.found),
    then: &["pods on the node are no longer started, stopped or probed as they should"],
    look: ("what it says", "journalctl -u kubelet -n 50 --no-pager"),
    advice: &[(
        "look at the kubelet's log, then restart it: systemctl restart kubelet",
        Risk::Wide,
    )],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
