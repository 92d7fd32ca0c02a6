//! IMG-PLATFORM: the image exists, and not for the node's architecture or system.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{Root, failed_by};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-PLATFORM"),
    title: "image not made for the node's platform",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-PLATFORM"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| *failure == PullFailure::Platform) else {
        return;
    };
    case.proven_by(pull.seen());
    let node = facts.node_ref().zip(facts.node());
    let architecture = node
        .as_ref()
        .map(|(_, node)| node.status.node_info.architecture.as_str())
        .filter(|it| !it.is_empty());
    let what = match architecture {
        Some(architecture) => format!("there is none for the node's architecture, {architecture}"),
        None => "there is none for the node's architecture or system".into(),
    };
    if let (Some((reference, _)), Some(architecture)) = (&node, architecture) {
        let seen = field_on(reference, "status.nodeInfo.architecture", architecture);
        case.step(format!("node {} is {architecture}", reference.name), [seen]);
    }
    pull.tell(facts, case, &Root::Image, &what);
    case.look(
        "for which platforms the image exists",
        format!("docker buildx imagetools inspect {}", pull.image),
    );
    case.advice(
        format!(
            "build the image for {} too (docker buildx build --platform linux/amd64,linux/arm64)",
            architecture.unwrap_or("the node's architecture")
        ),
        Risk::None,
    );
    case.advice(
        "or keep the pod on nodes that it fits: nodeSelector kubernetes.io/arch",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::{Check, check, new_kubelet};

    const WORDS: &str = "failed to pull and unpack image \"registry.example/app:1\": no match for platform in manifest: not found";

    #[test]
    fn another_architecture() {
        check(&Check {
            code: "IMG-PLATFORM",
            proofs: &[
                WORDS,
                "no matching manifest for linux/arm64/v8 in the manifest list entries",
                "choosing image instance: no image found in manifest list for architecture arm64, variant \"v8\", OS linux",
            ],
            says: &["architecture"],
        });
    }

    #[test]
    fn the_nodes_architecture_is_named() {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
            "status": {"nodeInfo": {"architecture": "arm64"}, "conditions": [{"type": "Ready", "status": "True"}]}});
        let outcome = new_kubelet(WORDS).object(node).diagnose();
        let finding = outcome.finds_only("IMG-PLATFORM", Verdict::Proven);
        assert!(finding.headline.contains("arm64"), "{}", finding.headline);
    }
}
