//! EVI-EPHEMERAL-LIMIT: the pod wrote more to its containers' file systems, logs and emptyDirs than its own limit.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Risk};

use super::evicted::{said, victim};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-EPHEMERAL-LIMIT"),
    title: "evicted: over its own ephemeral-storage limit",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[],
    state,
    page: page!("EVI-EPHEMERAL-LIMIT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |it| match it {
        EvictionFact::ContainerEphemeralLimit { container, limit } => Some((Some(container.clone()), limit)),
        EvictionFact::PodEphemeralLimit { limit } => Some((None, limit)),
        _ => None,
    });
    let Some(((container, limit), message)) = found else {
        return;
    };
    case.proven_by(message.seen());
    let whose = match &container {
        Some(container) => format!("container {container}"),
        None => "its containers together".into(),
    };
    if let Some((spec, path)) = container.as_deref().and_then(|name| facts.pod().container(name))
        && let Some(amount) = spec.limit("ephemeral-storage")
    {
        let seen = facts.field(&format!("{path}.resources.limits.ephemeral-storage"), amount);
        case.step(
            format!("{whose} may write {limit} to its file system and logs"),
            [seen],
        );
    }
    case.step(format!("{whose} wrote more than {limit}"), [message.seen()]);
    case.step(
        "the kubelet evicts the pod",
        [facts.field("status.reason", &facts.episode.word)],
    );
    case.headline(format!(
        "{} was evicted because {whose} wrote more than the ephemeral-storage limit of {limit}",
        victim(facts)
    ));
    case.advice(
        "write to a volume instead of the container's file system, rotate or shorten logs, or raise limits.ephemeral-storage",
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
    fn found_for_a_container_and_for_the_pod() {
        for message in [
            "Container app exceeded its local ephemeral storage limit \"10Mi\". ",
            "Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ",
        ] {
            let outcome = Scene::new().object(evicted("Evicted", message)).diagnose();
            assert!(
                outcome
                    .finds_only("EVI-EPHEMERAL-LIMIT", Verdict::Proven)
                    .headline
                    .contains("10Mi")
            );
        }
    }

    #[test]
    fn not_found_when_the_node_was_short_and_calm_when_healthy() {
        let node = evicted("Evicted", "The node was low on resource: ephemeral-storage. ");
        Scene::new().object(node).diagnose().lacks("EVI-EPHEMERAL-LIMIT");
        Scene::new()
            .object(evicted("Evicted", ""))
            .diagnose()
            .lacks("EVI-EPHEMERAL-LIMIT");
        Scene::new().object(pod(json!({}))).diagnose().is_calm();
    }
}
