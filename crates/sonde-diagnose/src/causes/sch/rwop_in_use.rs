//! SCH-RWOP-IN-USE: the pod's claim is for one pod only, and another pod uses it.

use sonde_model::{Code, Risk};
use sonde_schedule::Rejection;

use super::stated::{claim_ref, decides, who};
use crate::cause::page;
use crate::field_on;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-RWOP-IN-USE"),
    title: "its ReadWriteOncePod claim is in use",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-RWOP-IN-USE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::Rwop) else {
        return;
    };
    let who = who(facts);
    let used = stated.rejections().find_map(|rejection| match rejection {
        Rejection::ReadWriteOncePod { claim, holder } => Some((claim.clone(), holder.clone())),
        _ => None,
    });
    match used {
        Some((claim, holder)) => {
            case.headline(format!(
                "{who} needs claim {claim}, which is for one pod only (ReadWriteOncePod) and {holder} uses it"
            ));
            let reference = claim_ref(facts, &claim);
            case.step(
                format!("claim {claim} may be used by one pod at a time"),
                [field_on(&reference, "spec.accessModes", "ReadWriteOncePod")],
            );
            if facts.workload() == facts.snapshot.root_owner(&holder) {
                case.advice(
                    "the other pod is of the same workload: use strategy Recreate, or one claim per replica (StatefulSet)",
                    Risk::Restart,
                );
            } else {
                case.advice(
                    format!("wait until {holder} ends, or give the pod a claim of its own"),
                    Risk::None,
                );
            }
        }
        None => {
            case.headline(format!(
                "a claim of {who} is for one pod only (ReadWriteOncePod), and another pod uses it"
            ));
        }
    }
    stated.finish(facts, case);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::{Scene, merge};

    const SAID: &str = "0/1 nodes are available: 1 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";

    fn scene_with(mode: &str) -> Scene {
        let mut holder = other("old", "n1", "1", json!({}));
        merge(&mut holder, with_claim());
        scene()
            .object(zoned("n1", "a"))
            .object(claim(json!({"spec": {"accessModes": [mode]}})))
            .object(volume("a"))
            .object(holder)
            .object(pending(SAID, with_claim()))
    }

    #[test]
    fn found_with_who_uses_it() {
        let outcome = scene_with("ReadWriteOncePod").diagnose();
        let finding = outcome.finds_only("SCH-RWOP-IN-USE", Verdict::Proven);
        assert!(
            finding.headline.contains("pod/old uses it"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn not_with_another_mode() {
        scene_with("ReadWriteOnce").diagnose().lacks("SCH-RWOP-IN-USE");
    }

    #[test]
    fn proven_by_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-RWOP-IN-USE", Verdict::Proven);
    }
}
