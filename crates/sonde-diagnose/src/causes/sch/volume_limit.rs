//! SCH-VOLUME-LIMIT: every node that would take the pod has as many volumes of a driver attached as it can.

use crate::wording::count;
use sonde_model::{Code, Kind, ObjectRef, Risk};
use sonde_schedule::Rejection;

use super::stated::{decides, who};
use crate::cause::page;
use crate::field_on;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-VOLUME-LIMIT"),
    title: "no node can attach another volume",
    explains: &[Symptom::Unschedulable],
    reads: &[Kind::CSINode, Kind::VolumeAttachment, Kind::PersistentVolume],
    state,
    page: page!("SCH-VOLUME-LIMIT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::VolumeLimit) else {
        return;
    };
    let who = who(facts);
    let full = stated.rejections().find_map(|rejection| match rejection {
        Rejection::VolumeLimit {
            driver,
            attached,
            limit,
            ..
        } => Some((driver.clone(), *attached, *limit)),
        _ => None,
    });
    match full {
        Some((driver, attached, limit)) => {
            case.headline(format!(
                "{} can attach no more volumes of {driver} ({attached} of {limit}), so {who} has no node",
                stated.node_names()
            ));
            if let Some(node) = stated.nodes().first() {
                let csi = ObjectRef::cluster(Kind::CSINode, &node.node);
                case.step(
                    format!("{driver} attaches at most {} to a node", count(limit, "volume")),
                    [field_on(&csi, "spec.drivers[].allocatable.count", limit)],
                );
            }
        }
        None => {
            case.headline(format!("no node can attach another volume, so {who} has no node"));
        }
    }
    case.look(
        "which volumes are attached where, also ones that no pod uses any more",
        "kubectl get volumeattachments -o custom-columns=NODE:.spec.nodeName,VOLUME:.spec.source.persistentVolumeName,ATTACHED:.status.attached",
    );
    case.advice(
        "add a node, or a kind of node that attaches more volumes",
        Risk::Wide,
    );
    stated.finish(facts, case);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/1 nodes are available: 1 node(s) exceed max volume count. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";

    fn scene_with(limit: i64) -> Scene {
        scene()
            .object(zoned("n1", "a"))
            .object(json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": "n1"}, "spec": {"drivers": [{"name": "csi.example.com", "nodeID": "n1", "allocatable": {"count": limit}}]}}))
            .object(claim(json!({})))
            .object(volume("a"))
            .object(json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "x"}, "spec": {"attacher": "csi.example.com", "nodeName": "n1", "source": {"persistentVolumeName": "w"}}, "status": {"attached": true}}))
            .object(pending(SAID, with_claim()))
    }

    #[test]
    fn found_with_the_limit() {
        let outcome = scene_with(1).diagnose();
        let finding = outcome.finds_only("SCH-VOLUME-LIMIT", Verdict::Proven);
        assert!(
            finding
                .headline
                .contains("node n1 can attach no more volumes of csi.example.com (1 of 1)"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn over_when_one_was_detached() {
        scene_with(2).diagnose().lacks("SCH-VOLUME-LIMIT");
    }

    #[test]
    fn proven_by_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-VOLUME-LIMIT", Verdict::Proven);
    }
}
