//! IMG-NEVER-POLICY: the image is not on the node and the pod forbids to pull it.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{Root, failed_by};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-NEVER-POLICY"),
    title: "image not on the node and imagePullPolicy is Never",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-NEVER-POLICY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| *failure == PullFailure::PolicyNever) else {
        return;
    };
    case.proven_by(pull.seen());
    if let Some((container, path)) = facts
        .container()
        .filter(|(it, _)| !it.image_pull_policy.is_empty())
    {
        case.step(
            "the pod forbids to pull it",
            [facts.field(&format!("{path}.imagePullPolicy"), &container.image_pull_policy)],
        );
    }
    pull.tell(
        facts,
        case,
        &Root::Image,
        "it is not on the node, and imagePullPolicy is Never",
    );
    case.advice(
        "set imagePullPolicy to IfNotPresent, or load the image onto every node that may run the pod (for containerd `ctr -n k8s.io images import`)",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use super::super::testing::{silent, waiting};
    use crate::testing::Scene;

    const WORDS: &str = "Container image \"registry.example/app:1\" is not present with pull policy of Never";

    #[test]
    fn found_from_reason_message_and_text() {
        for scene in [
            Scene::new().object(waiting("ErrImageNeverPull", WORDS)),
            Scene::new().object(waiting("ErrImageNeverPull", "")),
            Scene::new().loose(&format!("Warning  ErrImageNeverPull  3s  kubelet  {WORDS}")),
        ] {
            let outcome = scene.diagnose();
            let finding = outcome.finds_only("IMG-NEVER-POLICY", Verdict::Proven);
            assert!(finding.headline.contains("Never"), "{}", finding.headline);
        }
        silent("IMG-NEVER-POLICY");
    }
}
