//! SCH-HOST-PORT: the pod wants a port of its node, and on every node that would take it another pod has that port.

use sonde_model::{Code, Risk};
use sonde_schedule::Rejection;

use super::stated::{decides, who};
use crate::Seen;
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-HOST-PORT"),
    title: "a host port is taken on every node",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-HOST-PORT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::HostPort) else {
        return;
    };
    let who = who(facts);
    let taken = stated.rejections().find_map(|rejection| match rejection {
        Rejection::HostPort {
            port,
            protocol,
            held_by,
        } => Some((*port, protocol.clone(), held_by.clone())),
        _ => None,
    });
    match taken {
        Some((port, protocol, holder)) => {
            case.headline(format!(
                "{who} wants host port {port}/{protocol}, which is taken on {} ({holder} in {} has it)",
                stated.node_names(),
                holder.namespace
            ));
            if let Some(seen) = port_field(facts, port) {
                case.step(format!("the pod wants port {port} of its node"), [seen]);
            }
        }
        None => {
            case.headline(format!("a host port that {who} wants is taken on every node"));
        }
    }
    case.advice(
        "remove hostPort (a Service reaches the pod without it), or choose another port",
        Risk::Restart,
    );
    // Where the filters ran they tell whether replicas of its own are in the way.
    if !stated.is_computed() {
        case.advice(
            "no node takes two pods with one host port: run fewer replicas than nodes",
            Risk::Restart,
        );
    }
    stated.finish(facts, case);
}

/// The field that asks for the port.
fn port_field(facts: &Facts<'_>, wanted: i64) -> Option<Seen> {
    facts
        .pod()
        .spec
        .containers
        .iter()
        .enumerate()
        .find_map(|(at, container)| {
            let index = container.ports.iter().position(|port| port.host_port == wanted)?;
            Some(facts.field(&format!("spec.containers[{at}].ports[{index}].hostPort"), wanted))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::{Scene, merge};

    const SAID: &str = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";

    fn wants(port: i64) -> serde_json::Value {
        json!({"spec": {"containers": [{"name": "app", "image": "registry.example/app:1", "ports": [{"containerPort": 80, "hostPort": port, "protocol": "TCP"}]}]}})
    }

    fn scene_with(taken: i64) -> Scene {
        let mut holder = other("edge", "n1", "0", json!({}));
        merge(&mut holder, wants(taken));
        scene()
            .object(node("n1", json!({})))
            .object(holder)
            .object(pending(SAID, wants(80)))
    }

    #[test]
    fn found_with_who_has_it() {
        let outcome = scene_with(80).diagnose();
        let finding = outcome.finds_only("SCH-HOST-PORT", Verdict::Proven);
        assert!(
            finding.headline.contains("host port 80/TCP") && finding.headline.contains("pod/edge in shop"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn over_when_the_port_is_free() {
        scene_with(81).diagnose().lacks("SCH-HOST-PORT");
    }

    #[test]
    fn proven_by_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-HOST-PORT", Verdict::Proven);
    }
}
