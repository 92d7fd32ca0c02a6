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
    let Some((failing, why)) = unready(facts) else {
        return;
    };
    let Why::TimeoutNodeLoad { others, strain } = why else {
        return;
    };
    let Some(node) = facts.node_ref() else { return };
    for seen in &others {
        case.supported_by(seen.clone());
    }
    if let Some(before) = failing.passed_before(facts) {
        case.step("the probe passed before in this run", [before]);
    }
    if let Some(strain) = &strain {
        case.proven_by(strain.clone());
        case.step(
            format!("node {} says itself that it is short of something", node.name),
            [strain.clone()],
        );
    }
    let told = Told {
        what: format!(
            "is not ready: its probe and those of {} other workloads on node {} timed out in the same minutes",
            others.len(),
            node.name
        ),
        fault: if strain.is_some() {
            "the system: the node is overloaded"
        } else {
            "most likely the system: an overloaded node"
        },
        reason: Some((
            format!(
                "probes of {} other workloads on the node, which usually pass, timed out too",
                others.len()
            ),
            others.first().cloned(),
        )),
        sure: strain.is_some(),
        advice: "find what loads the node (CPU, memory reclaim, disk), and move or bound it",
    };
    unready_state(facts, case, &failing, told);
    case.root(node);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use super::super::unready::tests::scene;
    use crate::testing::{Scene, merge, pod, status};

    const TIMED_OUT: &str = "Readiness probe failed: Get \"http://10.0.0.9:8080/ready\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";

    /// It passed until 11:57, and times out since.
    fn flapping(container: Value) -> Scene {
        let mut spec =
            json!({"name": "app", "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}}});
        merge(&mut spec, container);
        let it = pod(json!({
            "spec": {"containers": [spec]},
            "status": {
                "conditions": [{"type": "ContainersReady", "status": "False", "lastTransitionTime": "2026-03-01T11:57:00Z"}],
                "containerStatuses": [status(json!({"ready": false}))]
            }
        }));
        Scene::new().object(it).container_event(
            "Pod/shop/app-1",
            "app",
            "Unhealthy",
            TIMED_OUT,
            "2026-03-01T11:57:30Z",
        )
    }

    fn neighbour(scene: Scene, name: &str, node: &str, times: i64) -> Scene {
        let it = pod(json!({
            "metadata": {"name": name, "uid": name, "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": name, "controller": true}]},
            "spec": {"nodeName": node}
        }));
        let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "shop"},
            "involvedObject": {"kind": "Pod", "namespace": "shop", "name": name}, "reason": "Unhealthy", "type": "Warning",
            "message": TIMED_OUT, "count": times, "firstTimestamp": "2026-03-01T11:57:10Z", "lastTimestamp": "2026-03-01T11:58:30Z"});
        scene.object(it).object(event)
    }

    fn among(mut scene: Scene, node: &str, times: i64) -> Scene {
        for name in ["db", "web", "mail"] {
            scene = neighbour(scene, name, node, times);
        }
        scene
    }

    #[test]
    fn likely_when_several_workloads_of_the_node_are_slow_at_once() {
        let outcome = among(flapping(json!({})), "n1", 2).diagnose();
        assert_eq!(
            outcome
                .finds_only("RDY-TIMEOUT-NODE-LOAD", Verdict::Likely)
                .subject
                .kind,
            Kind::Node
        );
    }

    #[test]
    fn proven_when_the_node_says_that_it_cannot_keep_up() {
        let line = "I0301 11:57:20.000000 1 kubelet.go:2350] \"Skipping pod synchronization\" err=\"PLEG is not healthy: pleg was last seen active 3m3.9s ago; threshold is 3m0s\"";
        let outcome = among(flapping(json!({})), "n1", 2).kubelet("n1", line).diagnose();
        assert_eq!(
            outcome.finding("RDY-TIMEOUT-NODE-LOAD").verdict,
            Verdict::Proven,
            "{}",
            outcome.summary()
        );
    }

    #[test]
    fn a_probe_that_never_passed_is_slow_by_itself() {
        among(scene(json!({}), TIMED_OUT), "n1", 2)
            .diagnose()
            .finds_only("RDY-TIMEOUT", Verdict::Proven);
    }

    #[test]
    fn not_found_when_they_are_elsewhere_few_or_always_slow() {
        for scene in [
            among(flapping(json!({})), "n2", 2),
            among(flapping(json!({})), "n1", 63),
            neighbour(flapping(json!({})), "db", "n1", 2),
        ] {
            let outcome = scene.complete(&[Kind::Pod]).diagnose();
            outcome.finds_only("RDY-TIMEOUT", Verdict::Proven);
        }
        // Nobody looked at the node's other pods.
        flapping(json!({}))
            .diagnose()
            .finds_only("RDY-TIMEOUT", Verdict::Likely);
    }
}
