//! IMG-SERIAL-PULL: the pull waits behind another image's: the kubelet pulls one image after the other.

use jiff::{SignedDuration, Timestamp};
use sonde_grammar::fact::PullFact;
use sonde_grammar::{Fact, message};
use sonde_model::{Code, ObjectRef, Risk, Severity};

use super::pull::failed;
use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-SERIAL-PULL"),
    title: "pull waits behind another image",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-SERIAL-PULL"),
};

/// A pull that another one holds up for less than this is no trouble; a guess.
const LONG: SignedDuration = SignedDuration::from_mins(5);

/// A pull of another pod that began and has not ended.
pub(super) struct Running {
    pod: ObjectRef,
    image: String,
    began: Timestamp,
    seen: Seen,
}

fn state(facts: &Facts<'_>, case: &mut Case) {
    if failed(facts).is_some() {
        return;
    }
    let newest = facts.messages().find_map(|message| {
        message.facts.iter().find_map(|fact| match fact {
            Fact::Pull(PullFact::Started { image }) => Some((Some(image), message)),
            Fact::Pull(_) => Some((None, message)),
            _ => None,
        })
    });
    let Some((Some(image), message)) = newest else {
        return;
    };
    let Some((began, now)) = message.seen.time.zip(facts.now) else {
        return;
    };
    if now.duration_since(began) < LONG {
        return;
    }
    let Some(ahead) = first_in_line(facts, began) else {
        return;
    };
    // Without serializeImagePulls: false, which is the default, the first in line holds up the rest.
    case.supported_by(ahead.seen.clone());
    case.step(
        format!(
            "the node began to pull {} for {} at {}, and has not ended",
            ahead.image, ahead.pod, ahead.began
        ),
        [ahead.seen],
    );
    case.step(
        "by default the kubelet pulls one image after the other (serializeImagePulls)",
        [],
    );
    case.step(
        format!(
            "{} waits for its image {image} behind it",
            facts.container_phrase()
        ),
        [message.seen()],
    );
    case.headline(format!(
        "image {image} waits behind {}, which the node has been pulling since {}",
        ahead.image, ahead.began
    ));
    case.severity(Severity::Warning);
    if let Some(node) = facts.node_ref() {
        case.root(node).root_key(ahead.image);
    }
    case.advice(
        "let the kubelets pull in parallel (serializeImagePulls: false, with maxParallelImagePulls), or load big images beforehand",
        Risk::Wide,
    );
}

/// The oldest pull on the same node that has not ended and began before `before`.
pub(super) fn first_in_line(facts: &Facts<'_>, before: Timestamp) -> Option<Running> {
    let node = facts.node_ref()?;
    facts
        .snapshot
        .pods_on_node(&node.name)
        .filter(|pod| pod.reference != facts.episode.subject)
        .filter_map(|pod| pull_under_way(facts, &pod.reference))
        .filter(|pull| pull.began < before)
        .min_by(|a, b| a.began.cmp(&b.began).then_with(|| a.pod.cmp(&b.pod)))
}

fn pull_under_way(facts: &Facts<'_>, pod: &ObjectRef) -> Option<Running> {
    let events = facts.snapshot.events_about(pod);
    events.into_iter().rev().find_map(|event| {
        let columns = event.event()?;
        message::facts(&columns.reason, &columns.message)
            .into_iter()
            .find_map(|fact| match fact {
                Fact::Pull(PullFact::Started { image }) => Some(columns.last.map(|began| Running {
                    pod: pod.clone(),
                    image,
                    began,
                    seen: Seen {
                        kind: sonde_model::EvidenceKind::Event,
                        source: format!("event {}", columns.reason),
                        object: Some(pod.clone()),
                        time: Some(began),
                        text: columns.message.to_string(),
                    },
                })),
                Fact::Pull(_) => Some(None),
                _ => None,
            })
    })?
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::{Severity, Verdict};

    use super::super::testing::waiting;
    use crate::testing::{Scene, merge};

    fn scene() -> Scene {
        let mut other = waiting("ContainerCreating", "");
        merge(
            &mut other,
            json!({"metadata": {"name": "big-1", "uid": "u2", "ownerReferences": null}}),
        );
        Scene::new()
            .object(waiting("ContainerCreating", ""))
            .object(other)
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Pulling",
                "Pulling image \"registry.example/app:1\"",
                "2026-03-01T11:40:00Z",
            )
            .container_event(
                "Pod/shop/big-1",
                "app",
                "Pulling",
                "Pulling image \"registry.example/big:1\"",
                "2026-03-01T11:30:00Z",
            )
    }

    #[test]
    fn found_behind_an_older_pull_on_the_same_node() {
        let outcome = scene().diagnose();
        let finding = outcome.finding("IMG-SERIAL-PULL");
        assert_eq!(finding.verdict, Verdict::Likely);
        assert!(
            finding.headline.contains("registry.example/big:1"),
            "{}",
            finding.headline
        );
        assert_eq!(finding.severity, Severity::Warning);
    }

    #[test]
    fn not_when_the_other_pull_has_ended() {
        let ended = "Successfully pulled image \"registry.example/big:1\" in 2m (2m including waiting)";
        let outcome = scene()
            .container_event("Pod/shop/big-1", "app", "Pulled", ended, "2026-03-01T11:32:00Z")
            .diagnose();
        outcome.lacks("IMG-SERIAL-PULL");
    }

    #[test]
    fn a_pull_with_none_ahead_is_slow_itself() {
        let alone = Scene::new()
            .object(waiting("ContainerCreating", ""))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Pulling",
                "Pulling image \"registry.example/app:1\"",
                "2026-03-01T11:40:00Z",
            );
        alone
            .diagnose()
            .lacks("IMG-SERIAL-PULL")
            .finds_only("IMG-SLOW-PULL", Verdict::Likely);
    }

    #[test]
    fn a_pull_that_failed_did_not_wait() {
        let words = "Failed to pull image \"registry.example/app:1\": registry.example/app:1: not found";
        let outcome = scene()
            .container_event("Pod/shop/app-1", "app", "Failed", words, "2026-03-01T11:41:00Z")
            .diagnose();
        outcome.lacks("IMG-SERIAL-PULL").finding("IMG-NOT-FOUND");
    }

    #[test]
    fn a_short_wait_is_no_trouble_nor_is_one_that_is_over() {
        scene()
            .now("2026-03-01T11:43:00Z")
            .diagnose()
            .lacks("IMG-SERIAL-PULL");
        let came = "Successfully pulled image \"registry.example/app:1\" in 2s (15m including waiting)";
        let outcome = scene()
            .container_event("Pod/shop/app-1", "app", "Pulled", came, "2026-03-01T11:55:00Z")
            .diagnose();
        outcome.lacks("IMG-SERIAL-PULL");
        let runs = Scene::new()
            .object(crate::testing::pod(json!({})))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Pulling",
                "Pulling image \"registry.example/app:1\"",
                "2026-03-01T09:40:00Z",
            )
            .container_event(
                "Pod/shop/big-1",
                "app",
                "Pulling",
                "Pulling image \"registry.example/big:1\"",
                "2026-03-01T09:30:00Z",
            );
        runs.diagnose().is_calm();
    }

    #[test]
    fn not_claimed_where_the_other_pods_events_are_not_known() {
        let mut other = waiting("ContainerCreating", "");
        merge(
            &mut other,
            json!({"metadata": {"name": "big-1", "uid": "u2", "ownerReferences": null}}),
        );
        let outcome = Scene::new()
            .object(waiting("ContainerCreating", ""))
            .object(other)
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Pulling",
                "Pulling image \"registry.example/app:1\"",
                "2026-03-01T11:40:00Z",
            )
            .diagnose();
        outcome.lacks("IMG-SERIAL-PULL");
    }
}
