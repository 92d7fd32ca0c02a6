//! EVI-EMPTY-DIR-LIMIT: an emptyDir volume holds more than its sizeLimit.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Risk};

use super::evicted::{said, victim};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-EMPTY-DIR-LIMIT"),
    title: "evicted: an emptyDir is over its size limit",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[],
    state,
    page: page!("EVI-EMPTY-DIR-LIMIT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |it| match it {
        EvictionFact::EmptyDirLimit { volume, limit } => Some((volume, limit)),
        _ => None,
    });
    let Some(((volume, limit), message)) = found else {
        return;
    };
    case.proven_by(message.seen());
    let at = facts.pod().spec.volumes.iter().position(|it| it.name == *volume);
    if let Some(at) = at {
        let mounts: Vec<String> = facts
            .pod()
            .all_containers()
            .flat_map(|container| {
                let mounts = container
                    .volume_mounts
                    .iter()
                    .filter(|mount| mount.name == *volume);
                mounts.map(|mount| format!("{} in {}", mount.mount_path, container.name))
            })
            .collect();
        case.step(
            format!("volume {volume} ({}) may hold {limit}", mounts.join(", ")),
            [facts.field(&format!("spec.volumes[{at}].emptyDir.sizeLimit"), limit)],
        );
    }
    case.step(format!("it holds more than {limit}"), [message.seen()]);
    case.step(
        "the kubelet evicts the pod",
        [facts.field("status.reason", &facts.episode.word)],
    );
    case.headline(format!(
        "{} was evicted because its emptyDir volume {volume} holds more than its limit of {limit}",
        victim(facts)
    ));
    case.advice(
        format!("write less to {volume}, clean it up, or raise its sizeLimit"),
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::pressure::tests::evicted;
    use crate::testing::{Scene, pod};

    #[test]
    fn found_with_volume_and_limit() {
        let message = "Usage of EmptyDir volume \"scratch\" exceeds the limit \"8Mi\". ";
        let outcome = Scene::new().object(evicted("Evicted", message)).diagnose();
        let finding = outcome.finds_only("EVI-EMPTY-DIR-LIMIT", Verdict::Proven);
        assert!(
            finding.headline.contains("scratch") && finding.headline.contains("8Mi"),
            "{}",
            finding.headline
        );
    }

    /// Replaced each time, and evicted each time: the set is whole only for minutes.
    #[test]
    fn a_loop_of_replacements_is_an_alarm_with_its_count() {
        let message = "Usage of EmptyDir volume \"scratch\" exceeds the limit \"8Mi\". ";
        let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "app", "namespace": "shop"},
            "spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": 1}});
        let scene = |minutes: &[u32]| {
            let mut scene = Scene::new()
                .object(set.clone())
                .object(pod(json!({"metadata": {"name": "app-now"}})));
            for (at, minute) in minutes.iter().enumerate() {
                let mut gone = evicted("Evicted", message);
                gone["metadata"]["name"] = json!(format!("app-{at}"));
                gone["metadata"]["uid"] = json!(format!("u-{at}"));
                gone["metadata"]["creationTimestamp"] = json!(format!("2026-03-01T11:{minute}:00Z"));
                gone["status"]["startTime"] = json!(format!("2026-03-01T11:{minute}:00Z"));
                gone["status"]["containerStatuses"] = json!([]);
                scene = scene.object(gone);
            }
            scene.diagnose()
        };
        let outcome = scene(&[50, 51, 52, 53, 54]);
        let finding = outcome.finds_only("EVI-EMPTY-DIR-LIMIT", Verdict::Proven);
        assert!(
            finding.headline.contains("5 times in a row"),
            "{}",
            finding.headline
        );
        // Once is made good; five at once are one time.
        scene(&[50]).is_calm();
        scene(&[50, 50, 50, 50, 50]).is_calm();
    }

    #[test]
    fn not_found_without_the_words_and_calm_when_healthy() {
        Scene::new()
            .object(evicted("Evicted", ""))
            .diagnose()
            .lacks("EVI-EMPTY-DIR-LIMIT");
        let volumes = json!({"spec": {"volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "8Mi"}}]}});
        Scene::new().object(pod(volumes)).diagnose().is_calm();
    }
}
