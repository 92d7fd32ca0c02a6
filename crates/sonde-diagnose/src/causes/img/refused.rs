//! IMG-REFUSED: nobody listens where the node looks for the registry.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk, nearest};

use super::not_found::{known_images, split};
use super::pull::{Pull, Root, failed_by, look_from_node, set_image};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-REFUSED"),
    title: "registry refuses connections",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-REFUSED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| matches!(failure, PullFailure::Refused)) else {
        return;
    };
    if let Some(near) = only_on_nodes(facts, &pull.image) {
        return not_on_node(facts, case, &pull, near);
    }
    case.proven_by(pull.seen());
    let root = pull.registry_or_node(facts);
    pull.tell(
        facts,
        case,
        &root,
        &format!("nobody listens at {} (connection refused)", pull.peer()),
    );
    look_from_node(facts, case, &pull);
    case.advice("start the registry, or correct its host and port in the image name or in the runtime's mirror settings", Risk::None);
}

/// An image that was put on a node by hand has `localhost` for its registry, which nobody serves. The nearest such image
/// on the pod's node, where the wanted one is none of its images; empty where nothing is near.
fn only_on_nodes(facts: &Facts<'_>, image: &str) -> Option<String> {
    if !image.starts_with("localhost/") {
        return None;
    }
    let known = known_images(facts);
    let local: Vec<&str> = known
        .iter()
        .map(String::as_str)
        .filter(|it| it.starts_with("localhost/"))
        .collect();
    // Without the tag of the wanted one, or with it, the policy is at fault, and not the name.
    if local.is_empty() || local.contains(&image) {
        return None;
    }
    let (repository, _) = split(image);
    let same = local.iter().rfind(|it| split(it).0 == repository).copied();
    let near = same.or_else(|| nearest(image, local.iter().copied()));
    near.map(ToOwned::to_owned)
}

fn not_on_node(facts: &Facts<'_>, case: &mut Case, pull: &Pull<'_>, near: String) {
    case.proven_by(pull.seen());
    let what = format!(
        "it is not among the images of the node, and no registry serves {}",
        pull.registry
    );
    pull.tell(facts, case, &Root::Image, &what);
    let seen = facts.computed("images of this workload's revisions and of the node", &near);
    case.step(format!("the node has {near}"), [seen]);
    let text = format!("if {near} was meant, correct the image's name");
    match set_image(facts, &near) {
        Some(command) => case.fix(text, command, Risk::Restart),
        None => case.advice(text, Risk::Restart),
    };
    case.advice(
        format!(
            "else import {} on each node that may run the pod, or push it to a registry and name that",
            pull.image
        ),
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::waiting_for;
    use super::super::testing::{Check, check};
    use crate::testing::Scene;

    #[test]
    fn a_registry_that_is_down() {
        check(&Check {
            code: "IMG-REFUSED",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp 10.2.3.4:443: connect: connection refused",
                "initializing source docker://registry.example/app:1: pinging container registry registry.example: Get \"https://registry.example/v2/\": dial tcp 10.2.3.4:443: connect: connection refused",
            ],
            says: &["registry.example", "nobody listens"],
        });
    }

    #[test]
    fn an_image_that_only_nodes_have_is_not_missing_in_a_registry() {
        let node = |have: &str| {
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
                "status": {"images": [{"names": [have]}], "conditions": [{"type": "Ready", "status": "True"}]}})
        };
        for (wanted, have, near) in [
            (
                "localhost/busybx:1",
                "localhost/busybox:1",
                Some("localhost/busybox:1"),
            ),
            (
                "localhost/busybox:nope",
                "localhost/busybox:1",
                Some("localhost/busybox:1"),
            ),
            ("localhost/busybox:1", "registry.example/busybox:1", None),
            ("localhost/billing:1", "localhost/busybox:1", None),
        ] {
            let said = format!(
                "Back-off pulling image \"{wanted}\": ErrImagePull: failed to pull and unpack image \"{wanted}\": failed to resolve reference \"{wanted}\": failed to do request: Head \"http://localhost/v2/x/manifests/1\": dial tcp 127.0.0.1:80: connect: connection refused"
            );
            let outcome = Scene::new()
                .object(waiting_for(wanted, "ImagePullBackOff", &said))
                .object(node(have))
                .diagnose();
            let finding = outcome.finds_only("IMG-REFUSED", Verdict::Proven);
            let first = &finding.fixes[0].text;
            match near {
                Some(near) => assert!(
                    first.contains(near) && finding.headline.contains("images of the node"),
                    "{wanted}: {first}, {}",
                    finding.headline
                ),
                None => assert!(first.contains("start the registry"), "{wanted}: {first}"),
            }
        }
    }
}
