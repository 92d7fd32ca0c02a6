//! LOS-LEASE-OLD-NODE-ALIVE: the control plane marks the node as lost while its kubelet goes on writing events.

use sonde_model::{Code, Kind, Moment as _, Risk};

use super::node::troubled;
use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-LEASE-OLD-NODE-ALIVE"),
    title: "lease is old, yet the node is alive",
    explains: &[Symptom::NodeNotReady, Symptom::Lost, Symptom::Deleting],
    reads: &[Kind::Node, Kind::Lease],
    state,
    page: page!("LOS-LEASE-OLD-NODE-ALIVE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(home) = troubled(facts).filter(|home| home.is_silent()) else {
        return;
    };
    let Some((ready, lost)) = home.ready() else { return };
    let Some(lost_at) = ready.last_transition_time.0 else {
        return;
    };
    let name = &home.reference.name;
    // The kubelet names itself as the host of its events. A minute's grace: the last ones may arrive late.
    let alive = facts
        .snapshot
        .of_kind(Kind::Event)
        .filter_map(|event| event.event())
        .filter(|event| event.component.as_ref() == "kubelet" && event.host == *name)
        .filter(|event| {
            event
                .last
                .is_some_and(|last| last > lost_at.later(jiff::SignedDuration::from_secs(60)))
        })
        .max_by_key(|event| event.last);
    let Some(event) = alive else { return };
    let seen = Seen {
        kind: sonde_model::EvidenceKind::Event,
        source: format!("event {} from kubelet {name}", event.reason),
        object: Some(event.about.clone()),
        time: event.last,
        text: event.message.to_string(),
    };
    case.proven_by(seen.clone());
    case.step(
        format!("the control plane has had no heartbeat of {name}"),
        [lost],
    );
    case.step(
        "its kubelet has written events since then, so it runs and reaches the API server",
        [seen],
    );
    home.conclude(facts, case);
    case.headline(format!(
        "node {name} counts as lost although its kubelet is alive: its heartbeats do not arrive"
    ));
    case.look(
        "the node's lease",
        format!("kubectl get lease {name} -n kube-node-lease -o yaml"),
    );
    case.advice(
        "look for a kubelet that may not update its lease or node status (rights, admission webhooks, a clock that is wrong)",
        Risk::None,
    );
}
