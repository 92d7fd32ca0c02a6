//! IMG-DNS: the node cannot resolve the name of the registry, or of the host that gives its tokens.

use std::collections::BTreeSet;

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk, nearest};

use super::pull::{Asked, failed, look_from_node, wants_reason};
use crate::cause::page;
use crate::survey::registry_of;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-DNS"),
    title: "registry's name cannot be resolved",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-DNS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed(facts) else {
        return wants_reason(facts, case);
    };
    let PullFailure::Dns { host } = pull.failure else {
        return;
    };
    case.proven_by(pull.seen());
    let host = if host.is_empty() { &pull.registry } else { host };
    let what = match &pull.asked {
        Asked::Proxy(_) => format!("the name of the proxy {host} cannot be resolved"),
        _ => format!("the name {host} cannot be resolved"),
    };
    let root = pull.registry_or_node(facts);
    pull.tell(facts, case, &root, &what);
    if let Some(known) = known_registry_like(facts, host) {
        let seen = facts.computed("registries of the images on the node", &known);
        case.step(
            format!("the node holds images of {known}, which is nearly the same name"),
            [seen],
        );
        case.advice(
            format!("if {known} was meant, correct the image's name"),
            Risk::Restart,
        );
    }
    if let Some(node) = facts.node_ref() {
        case.look(
            format!("what node {} gets for the name", node.name),
            format!("ssh {} 'getent hosts {host}; cat /etc/resolv.conf'", node.name),
        );
    }
    look_from_node(facts, case, &pull);
    case.advice(
        "correct the registry's name, or let the node's own resolver know it: images are pulled with the node's DNS, not with the cluster's",
        Risk::None,
    );
}

fn known_registry_like(facts: &Facts<'_>, host: &str) -> Option<String> {
    let node = facts.node()?;
    let registries: BTreeSet<&str> = node
        .status
        .images
        .iter()
        .flat_map(|image| &image.names)
        .map(|name| registry_of(name))
        .collect();
    nearest(host, registries).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::{Check, check, new_kubelet, waiting_for};
    use crate::testing::Scene;

    const WORDS: &str = "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp: lookup registry.example on 10.96.0.10:53: no such host";

    #[test]
    fn a_name_that_does_not_resolve() {
        check(&Check {
            code: "IMG-DNS",
            proofs: &[
                WORDS,
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp: lookup registry.example on 10.96.0.10:53: read udp 10.1.0.5:39184->10.96.0.10:53: i/o timeout",
                "Error response from daemon: Get https://registry.example/v2/: dial tcp: lookup registry.example: no such host",
            ],
            says: &["registry.example", "cannot be resolved"],
        });
    }

    #[test]
    fn a_nearly_equal_registry_on_the_node_is_named() {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
            "status": {"images": [{"names": ["registry.exampel/app:0"]}], "conditions": [{"type": "Ready", "status": "True"}]}});
        let outcome = new_kubelet(WORDS).object(node).diagnose();
        let finding = outcome.finds_only("IMG-DNS", Verdict::Proven);
        assert!(
            finding
                .chain
                .iter()
                .any(|step| step.text.contains("registry.exampel")),
            "{:?}",
            finding.chain
        );
    }

    /// A pod of the scene that waits for `image` on `node`, with the words of a failed lookup.
    fn other(name: &str, image: &str, node: &str) -> serde_json::Value {
        let host = image.split('/').next().unwrap_or_default();
        let message = format!(
            "Back-off pulling image \"{image}\": ErrImagePull: failed to do request: Head \"https://{host}/v2/\": dial tcp: lookup {host}: no such host"
        );
        let mut pod = waiting_for(image, "ImagePullBackOff", &message);
        crate::testing::merge(
            &mut pod,
            json!({"metadata": {"name": name, "uid": name, "ownerReferences": null}, "spec": {"nodeName": node}}),
        );
        pod
    }

    #[test]
    fn one_registry_is_one_finding() {
        let outcome = Scene::new()
            .object(other("a", "r.example/a:1", "n1"))
            .object(other("b", "r.example/b:1", "n2"))
            .diagnose();
        let finding = outcome.finds_only("IMG-DNS", Verdict::Proven);
        assert_eq!(finding.explains.len(), 2);
        assert_eq!(finding.subject.to_string(), "registry/r.example");
    }

    #[test]
    fn several_registries_on_one_node_are_the_nodes_finding() {
        let outcome = Scene::new()
            .object(other("a", "r.example/a:1", "n1"))
            .object(other("b", "s.example/b:1", "n1"))
            .diagnose();
        let finding = outcome.finds_only("IMG-DNS", Verdict::Proven);
        assert_eq!(finding.subject.to_string(), "node/n1");
    }
}
