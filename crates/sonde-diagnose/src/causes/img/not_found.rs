//! IMG-NOT-FOUND: the registry has no such repository, tag or digest.

use std::collections::BTreeSet;

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Kind, Risk, nearest};
use sonde_world::view::ReplicaSet;

use super::login::{refused, secrets};
use super::pull::{Pull, Root, failed, names, set_image, wants_reason};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-NOT-FOUND"),
    title: "no such image or tag in the registry",
    explains: &[Symptom::ImageNotPulled],
    reads: &[Kind::ReplicaSet],
    state,
    page: page!("IMG-NOT-FOUND"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed(facts) else {
        return wants_reason(facts, case);
    };
    if *pull.failure == PullFailure::NotFound {
        // Many registries answer so, too, about an image that only a login may see.
        let without_login = secrets(facts).all_missing().cloned();
        if without_login.is_some() {
            case.supported_by(pull.seen());
        } else {
            case.proven_by(pull.seen());
        }
        let what = format!("{} has no such image or tag", pull.registry);
        pull.tell(facts, case, &Root::Image, &what);
        if let Some((secret, seen)) = without_login {
            case.step(
                format!("it was asked without a login, because {secret} does not exist; many registries hide private images so"),
                [seen],
            );
        }
        suggest(facts, case, &pull);
        return;
    }
    // A registry that says "does not exist or needs a login" leaves both open.
    let Some(refusal) =
        refused(facts).filter(|refusal| refusal.maybe_missing && refusal.anonymous != Some(false))
    else {
        return;
    };
    if refusal.is_official() {
        case.supported_by(pull.seen());
    } else {
        case.hinted_by(pull.seen());
    }
    pull.tell(facts, case, &Root::Image, &refusal.answer());
    if refusal.is_official() {
        case.step(
            "images of that short form are Docker Hub's own, which need no login: there is none of this name",
            [],
        );
    }
    suggest(facts, case, &pull);
}

/// Names near the wanted one that this cluster has pulled before. What else the registry has cannot be seen from here.
fn suggest(facts: &Facts<'_>, case: &mut Case, pull: &Pull<'_>) {
    let known = known_images(facts);
    let (repository, _) = split(&pull.image);
    let same: BTreeSet<String> = known
        .iter()
        .filter(|image| **image != pull.image && split(image).0 == repository)
        .cloned()
        .collect();
    let close = if same.is_empty() {
        let repositories: BTreeSet<&str> = known.iter().map(|image| split(image).0).collect();
        nearest(repository, repositories)
    } else {
        None
    };
    let command = |image: &str| set_image(facts, image);
    if let Some(newest) = same.iter().next_back() {
        let seen = facts.computed(
            "images of this workload's revisions and of the node",
            names(&same),
        );
        case.step(
            format!("other tags of it were pulled before: {}", names(&same)),
            [seen],
        );
        if let Some(command) = command(newest) {
            case.fix(
                "name a tag that exists; this one was pulled before",
                command,
                Risk::Restart,
            );
        }
    } else if let Some(close) = close {
        let seen = facts.computed("images of this workload's revisions and of the node", close);
        case.step(
            format!("{close} was pulled before, which is nearly the same name"),
            [seen],
        );
        case.advice(
            format!("if {close} was meant, correct the image's name"),
            Risk::Restart,
        );
    }
    case.look(
        "whether the image is there",
        format!("docker manifest inspect {}", pull.image),
    );
    case.advice(
        format!(
            "push {} to the registry, or name an image and tag that are there",
            pull.image
        ),
        Risk::Restart,
    );
    let is_set = |it: &&std::sync::Arc<sonde_world::Object>| it.reference.kind == Kind::ReplicaSet;
    let revisions = facts.snapshot.owned_by(&facts.workload()).filter(is_set).count();
    // The first revision has none before it.
    if facts.workload().kind == Kind::Deployment && revisions > 1 {
        case.fix(
            "or go back to the revision before",
            format!("kubectl rollout undo {}", facts.workload().kubectl()),
            Risk::Restart,
        );
    }
}

/// The images of the workload's other revisions, and those on the pod's node.
pub(super) fn known_images(facts: &Facts<'_>) -> BTreeSet<String> {
    let owner = facts.workload();
    let mut images = BTreeSet::new();
    let revisions = facts
        .snapshot
        .owned_by(&owner)
        .filter(|it| it.reference.kind == Kind::ReplicaSet);
    for set in revisions.filter_map(|it| facts.snapshot.view::<ReplicaSet>(&it.reference)) {
        // Only a revision whose pods were ready has shown that its images exist.
        if set.status.ready_replicas > 0 {
            let spec = set.spec.template.spec;
            images.extend(
                spec.init_containers
                    .into_iter()
                    .chain(spec.containers)
                    .map(|it| it.image),
            );
        }
    }
    if let Some(node) = facts.node() {
        let names = node.status.images.into_iter().flat_map(|image| image.names);
        images.extend(
            names
                .filter(|name| !name.contains('@'))
                .map(|name| short(&name).to_owned()),
        );
    }
    images
}

/// The name as people write it: runtimes spell Docker Hub out.
fn short(image: &str) -> &str {
    let image = image.strip_prefix("docker.io/").unwrap_or(image);
    image.strip_prefix("library/").unwrap_or(image)
}

/// Repository and tag or digest.
pub(super) fn split(image: &str) -> (&str, &str) {
    let image = short(image);
    if let Some((repository, digest)) = image.split_once('@') {
        return (repository, digest);
    }
    match image.rfind(':').filter(|at| !image[*at..].contains('/')) {
        Some(at) => (&image[..at], &image[at + 1..]),
        None => (image, ""),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::{Kind, Verdict};

    use super::super::testing::{Check, check, new_kubelet, waiting_for};
    use crate::testing::Scene;

    const CONTAINERD: &str = "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": registry.example/app:1: not found";

    #[test]
    fn no_such_image() {
        check(&Check {
            code: "IMG-NOT-FOUND",
            proofs: &[
                CONTAINERD,
                "Error response from daemon: manifest for registry.example/app:1 not found: manifest unknown: manifest unknown",
                "reading manifest 1 in registry.example/app: manifest unknown",
                "Error response from daemon: repository registry.example/app not found: name unknown: repository name not known to registry",
            ],
            says: &["registry.example/app:1", "no such image or tag"],
        });
    }

    #[test]
    fn names_that_were_pulled_before_are_suggested() {
        for (have, said) in [
            ("registry.example/app:0", "other tags"),
            ("registry.example/apps:1", "nearly the same name"),
        ] {
            let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
                "status": {"images": [{"names": [have]}], "conditions": [{"type": "Ready", "status": "True"}]}});
            let outcome = new_kubelet(CONTAINERD).object(node).diagnose();
            let finding = outcome.finds_only("IMG-NOT-FOUND", Verdict::Proven);
            assert!(
                finding.chain.iter().any(|step| step.text.contains(said)),
                "{:?}",
                finding.chain
            );
        }
    }

    #[test]
    fn a_refused_official_image_is_likely_missing() {
        let message = "Back-off pulling image \"ngimx:1\": ErrImagePull: failed to pull and unpack image \"docker.io/library/ngimx:1\": failed to resolve reference \"docker.io/library/ngimx:1\": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed";
        let outcome = Scene::new()
            .object(waiting_for("ngimx:1", "ImagePullBackOff", message))
            .complete(&[Kind::Secret])
            .diagnose();
        outcome.finds_only("IMG-NOT-FOUND", Verdict::Likely);
    }

    #[test]
    fn an_init_containers_image_blocks_the_containers() {
        let mut pod = waiting_for("registry.example/app:1", "PodInitializing", "");
        let message =
            format!("Back-off pulling image \"registry.example/wait:1\": ErrImagePull: {CONTAINERD}");
        crate::testing::merge(
            &mut pod,
            json!({
                "spec": {"initContainers": [{"name": "first", "image": "a"}, {"name": "wait", "image": "registry.example/app:1"}]},
                "status": {"initContainerStatuses": [
                    {"name": "first", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
                    {"name": "wait", "state": {"waiting": {"reason": "ImagePullBackOff", "message": message}}}]}
            }),
        );
        let outcome = Scene::new().object(pod).diagnose();
        let finding = outcome.finds_only("IMG-NOT-FOUND", Verdict::Proven);
        let last = &finding.chain.last().unwrap().text;
        assert!(
            last.contains("init container wait (2 of 2) blocks container app"),
            "{last}"
        );
    }
}
