//! SCH-VOLUME-AFFINITY: the volumes of the pod are in a zone or on a node from where no node takes the pod.

use sonde_model::{Code, Kind, ObjectRef, Risk};
use sonde_schedule::{Rejection, RejectionKind};

use super::stated::{claim_ref, decides, who};
use crate::cause::page;
use crate::field_on;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-VOLUME-AFFINITY"),
    title: "its volume is out of reach",
    explains: &[Symptom::Unschedulable],
    reads: &[
        Kind::PersistentVolume,
        Kind::PersistentVolumeClaim,
        Kind::StorageClass,
    ],
    state,
    page: page!("SCH-VOLUME-AFFINITY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::VolumeAffinity) else {
        return;
    };
    let who = who(facts);
    let out_of_reach = stated.rejections().find(|rejection| {
        matches!(
            rejection.kind(),
            RejectionKind::VolumeNodeAffinity
                | RejectionKind::VolumeZone
                | RejectionKind::VolumeGone
                | RejectionKind::NoVolume
        )
    });
    match out_of_reach {
        Some(Rejection::VolumeNodeAffinity {
            claim,
            volume,
            misses,
        }) => {
            let place = misses.first().map_or_else(
                || "nowhere".to_owned(),
                |miss| miss.requirement.requirement.text(),
            );
            at(case, claim, volume, &place, &who);
        }
        Some(Rejection::VolumeZone {
            claim,
            volume,
            key,
            values,
            ..
        }) => {
            let place = format!("{key}={}", values.join(","));
            at(case, claim, volume, &place, &who);
        }
        Some(Rejection::VolumeGone { claim, volume }) => {
            case.headline(format!(
                "claim {claim} of {who} is bound to volume {volume}, which does not exist"
            ));
            let reference = ObjectRef::cluster(Kind::PersistentVolume, volume);
            case.step(format!("volume {volume} is gone"), facts.absence(&reference));
            case.follows(claim_ref(facts, claim));
        }
        Some(Rejection::NoVolume {
            claim,
            class,
            elsewhere,
            ..
        }) => {
            case.headline(if *elsewhere {
                format!("class {class} makes no volume for claim {claim} where {who} may run")
            } else {
                format!("no volume of class {class} fits claim {claim} where {who} may run, and the class makes none")
            });
            case.step(
                format!("claim {claim} waits for a volume that its pod can reach"),
                [field_on(&claim_ref(facts, claim), "spec.storageClassName", class)],
            );
            case.advice(
                "offer a volume that fits, or choose a class that makes volumes where the pod may run",
                Risk::Wide,
            );
        }
        _ => {
            case.headline(format!(
                "the volumes of {who} cannot be reached from any node that takes it"
            ));
            case.look(
                "where the volumes are",
                "kubectl get pv -o custom-columns=NAME:.metadata.name,CLAIM:.spec.claimRef.name,WHERE:.spec.nodeAffinity.required",
            );
        }
    }
    stated.finish(facts, case);
}

/// A volume that exists somewhere else.
fn at(case: &mut Case, claim: &str, volume: &str, place: &str, who: &str) {
    case.headline(format!(
        "volume {volume} (claim {claim}) is at {place}, and no node there comes into question for {who}"
    ));
    let reference = ObjectRef::cluster(Kind::PersistentVolume, volume);
    case.step(
        format!("volume {volume} can be reached from {place} only"),
        [field_on(&reference, "spec.nodeAffinity", place)],
    );
    case.advice(
        format!("let the pod run at {place} (selector, room, a node there), or restore the data into a volume elsewhere"),
        Risk::DataLoss,
    );
    case.look("which nodes are there", format!("kubectl get nodes -l '{place}'"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::{Scene, merge};

    const SAID: &str = "0/2 nodes are available: 2 node(s) had volume node affinity conflict. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    const SAID_1_33: &str = "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";

    fn nodes() -> Scene {
        scene()
            .object(zoned("n1", "a"))
            .object(zoned("n2", "b"))
            .object(claim(json!({})))
    }

    #[test]
    fn found_when_the_zone_has_no_node() {
        let outcome = nodes()
            .object(volume("c"))
            .object(pending(SAID, with_claim()))
            .diagnose();
        let finding = outcome.finds_only("SCH-VOLUME-AFFINITY", Verdict::Proven);
        assert!(
            finding.headline.contains("volume v (claim data) is at zone=c"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn found_when_selector_and_volume_disagree() {
        let mut patch = with_claim();
        merge(&mut patch, json!({"spec": {"nodeSelector": {"zone": "a"}}}));
        nodes()
            .object(volume("b"))
            .object(pending(SAID, patch))
            .diagnose()
            .finds_only("SCH-VOLUME-AFFINITY", Verdict::Proven);
    }

    #[test]
    fn not_when_the_node_there_is_full() {
        nodes()
            .object(volume("b"))
            .object(other("big", "n2", "4", json!({})))
            .object(pending(SAID, with_claim()))
            .diagnose()
            .finds_only("SCH-CLUSTER-FULL", Verdict::Proven);
    }

    #[test]
    fn proven_by_the_words_alone() {
        for said in [SAID, SAID_1_33] {
            Scene::new()
                .loose(said)
                .diagnose()
                .finds_only("SCH-VOLUME-AFFINITY", Verdict::Proven);
        }
    }

    #[test]
    fn over_when_a_node_came() {
        nodes()
            .object(volume("b"))
            .object(pending(SAID, with_claim()))
            .diagnose()
            .lacks("SCH-VOLUME-AFFINITY");
    }
}
