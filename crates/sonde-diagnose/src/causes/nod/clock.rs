//! NOD-CLOCK: clock not right.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-CLOCK"),
    title: "clock not right",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-CLOCK"),
};

const TOLD: Told = Told {
    kind: CheckKind::Clock,
    headline: |it| format!("the clock of node {} is not kept right: {}", it.node, it.found),
    then: &[
        "certificates and tokens are refused as expired or not yet valid, leases and logs disagree with other nodes",
    ],
    look: (
        "whether a time daemon runs and has servers",
        "timedatectl; chronyc tracking; systemctl status chronyd systemd-timesyncd",
    ),
    advice: &[(
        "start the time daemon again, or give it servers that it can reach",
        Risk::Wide,
    )],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
