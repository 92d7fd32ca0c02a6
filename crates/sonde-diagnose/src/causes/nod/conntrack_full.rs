//! NOD-CONNTRACK-FULL: table of tracked connections nearly full.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-CONNTRACK-FULL"),
    title: "table of tracked connections nearly full",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-CONNTRACK-FULL"),
};

const TOLD: Told = Told {
    kind: CheckKind::Conntrack,
    headline: |it| {
        format!(
            "node {} tracks nearly as many connections as it can: {}",
            it.node, it.found
        )
    },
    then: &[
        "when the table is full, packets of new connections are dropped: connects time out now and then, DNS too",
    ],
    look: (
        "which addresses have the most connections",
        "sysctl net.netfilter.nf_conntrack_max; cut -d\" \" -f7 /proc/net/nf_conntrack | sort | uniq -c | sort -n | tail",
    ),
    advice: &[
        (
            "raise net.netfilter.nf_conntrack_max (kube-proxy: conntrack.maxPerCore)",
            Risk::Wide,
        ),
        (
            "find who opens so many connections and does not reuse them",
            Risk::None,
        ),
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
