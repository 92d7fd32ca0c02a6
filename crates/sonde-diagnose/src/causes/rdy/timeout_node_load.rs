//! RDY-TIMEOUT-NODE-LOAD: probes of several workloads on the same node time out together.

use sonde_model::Code;

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-TIMEOUT-NODE-LOAD"),
    title: "no answer in time: the node is overloaded",
    explains: &[Symptom::NotReady],
    reads: &[sonde_model::Kind::Pod],
    state,
    page: page!("RDY-TIMEOUT-NODE-LOAD"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else { return };
    let Why::TimeoutNodeLoad(others) = why else { return };
    let Some(node) = facts.node_ref() else { return };
    for seen in &others {
        case.proven_by(seen.clone());
    }
    let told = Told {
        what: format!("is not ready: probes of {} other workloads on node {} time out as well", others.len(), node.name),
        fault: "the system: the node is overloaded",
        reason: Some((format!("probes of {} other workloads on the node time out too", others.len()), others.first().cloned())),
        sure: true,
        advice: "find what loads the node (CPU, memory reclaim, disk), and move or bound it",
    };
    unready_state(facts, case, &failing, told);
    case.root(node);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::{Kind, Verdict};

    use super::super::unready::tests::scene;
    use crate::testing::{Scene, pod};

    const TIMED_OUT: &str = "Readiness probe failed: Get \"http://10.0.0.9:8080/ready\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";

    fn neighbour(scene: Scene, name: &str, node: &str) -> Scene {
        let it = pod(json!({
            "metadata": {"name": name, "uid": name, "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": name, "controller": true}]},
            "spec": {"nodeName": node}
        }));
        scene.object(it).event(&format!("Pod/shop/{name}"), "Unhealthy", TIMED_OUT, "2026-03-01T11:58:30Z")
    }

    #[test]
    fn found_when_several_workloads_of_the_node_are_slow() {
        let mut it = scene(json!({}), TIMED_OUT);
        for name in ["db", "web"] {
            it = neighbour(it, name, "n1");
        }
        let outcome = it.diagnose();
        assert_eq!(outcome.finds_only("RDY-TIMEOUT-NODE-LOAD", Verdict::Proven).subject.kind, Kind::Node);
    }

    #[test]
    fn not_found_when_they_are_elsewhere() {
        let mut it = scene(json!({}), TIMED_OUT);
        for name in ["db", "web"] {
            it = neighbour(it, name, "n2");
        }
        it.diagnose().finds_only("RDY-TIMEOUT", Verdict::Proven);
    }
}
