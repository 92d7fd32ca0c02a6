//! IMG-NO-CREDENTIALS: the registry wants a login and the node had none for it.

use sonde_model::{Code, Kind, Risk};

use super::login::{Refusal, refused};
use super::pull::{Root, failed, wants_reason};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-NO-CREDENTIALS"),
    title: "no login for the registry",
    explains: &[Symptom::ImageNotPulled],
    reads: &[Kind::Secret],
    state,
    page: page!("IMG-NO-CREDENTIALS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if failed(facts).is_none() {
        return wants_reason(facts, case);
    }
    let Some(refusal) = refused(facts) else { return };
    let secrets = &refusal.secrets;
    if refusal.anonymous == Some(false)
        || refusal.expired
        || (!secrets.missing.is_empty() && secrets.present.is_empty())
    {
        return;
    }
    let none = secrets.known && secrets.named.is_empty();
    let all_seen = secrets.present.len() == secrets.named.len();
    let seen = refusal.pull.seen();
    match refusal.anonymous {
        // The runtime asked without a login: it had none, whatever the pod names.
        Some(true) if secrets.known && all_seen && !refusal.maybe_missing => case.proven_by(seen),
        Some(true) => case.supported_by(seen),
        // A cloud's node logs in by itself: it may have, and lack the right.
        _ if none && !refusal.is_official() && !refusal.is_cloud() => case.supported_by(seen),
        _ if none || !secrets.known => case.hinted_by(seen),
        _ => return,
    };
    let names_some = !secrets.named.is_empty();
    if secrets.known {
        let text = if names_some && !all_seen {
            "the pod names a pull secret, and the node asked without a login all the same: the secret does not exist or holds none for this registry"
        } else if names_some {
            "the pod names a pull secret, and the node asked without a login all the same: the secret holds none for this registry"
        } else {
            "the pod names no pull secret, nor did its service account when the pod was made"
        };
        case.step(text, [refusal.secrets_field(facts)]);
    }
    refusal
        .pull
        .tell(facts, case, &Root::Image, &what(&refusal, none));
    advise(facts, case, &refusal);
}

fn what(refusal: &Refusal<'_>, none: bool) -> String {
    let answer = refusal.answer();
    if none {
        format!("{answer}; the pod has no pull secret")
    } else {
        answer
    }
}

fn advise(facts: &Facts<'_>, case: &mut Case, refusal: &Refusal<'_>) {
    let registry = &refusal.pull.registry;
    let namespace = &facts.episode.subject.namespace;
    let account = Some(facts.pod().spec.service_account_name.as_str())
        .filter(|it| !it.is_empty())
        .unwrap_or("default");
    if refusal.is_cloud() {
        case.advice(
            format!("nodes usually log in to {registry} by themselves: look at the node's cloud role and at the kubelet's credential provider"),
            Risk::None,
        );
    }
    if !namespace.is_empty() {
        case.fix(
            format!("make a pull secret for {registry}"),
            format!("kubectl create secret docker-registry regcred -n {namespace} --docker-server={registry} --docker-username=USER --docker-password=PASSWORD"),
            Risk::None,
        );
        case.fix(
            "and name it in the service account, or in the pod template's imagePullSecrets; pods made before do not get it",
            format!("kubectl patch serviceaccount {account} -n {namespace} -p '{{\"imagePullSecrets\":[{{\"name\":\"regcred\"}}]}}'"),
            Risk::None,
        );
    } else {
        case.advice(
            format!("name a pull secret for {registry} in the pod's imagePullSecrets"),
            Risk::Restart,
        );
    }
    case.look(
        "whether the image is there, with a login that may see it",
        format!("docker manifest inspect {}", refusal.pull.image),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::{Kind, Verdict};

    use super::super::testing::{new_kubelet, old_kubelet, silent, waiting};
    use crate::testing::{Scene, merge, pod};

    const ANONYMOUS: &str = "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://registry.example/token: 401 Unauthorized";
    const PLAIN: &str = "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": unexpected status from HEAD request to https://registry.example/v2/app/manifests/1: 401 Unauthorized";
    const MAYBE: &str = "Error response from daemon: pull access denied for registry.example/app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied";
    const MISSING: &str = "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": registry.example/app:1: not found";

    #[test]
    fn proven_by_an_anonymous_request() {
        for scene in [old_kubelet(ANONYMOUS), new_kubelet(ANONYMOUS)] {
            let outcome = scene.complete(&[Kind::Secret]).diagnose();
            let finding = outcome.finds_only("IMG-NO-CREDENTIALS", Verdict::Proven);
            assert!(
                finding.headline.contains("without a login"),
                "{}",
                finding.headline
            );
        }
    }

    #[test]
    fn likely_where_the_pod_names_no_secret() {
        let outcome = new_kubelet(PLAIN).complete(&[Kind::Secret]).diagnose();
        outcome.finds_only("IMG-NO-CREDENTIALS", Verdict::Likely);
    }

    #[test]
    fn an_answer_that_leaves_both_open_says_so() {
        let outcome = new_kubelet(MAYBE).complete(&[Kind::Secret]).diagnose();
        let finding = outcome.finds_only("IMG-NO-CREDENTIALS", Verdict::Likely);
        assert!(
            finding.headline.contains("does not say which"),
            "{}",
            finding.headline
        );
        assert!(finding.rivals.iter().any(|code| code.as_str() == "IMG-NOT-FOUND"));
        let pasted = Scene::new()
            .loose(&format!(
                "Failed to pull image \"registry.example/app:1\": {MAYBE}"
            ))
            .diagnose();
        pasted.finds_only("IMG-NO-CREDENTIALS", Verdict::Possible);
    }

    #[test]
    fn proven_although_a_secret_is_named_when_the_node_asked_without_a_login() {
        let mut named = waiting("ErrImagePull", ANONYMOUS);
        merge(
            &mut named,
            json!({"spec": {"imagePullSecrets": [{"name": "regcred"}]}}),
        );
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "regcred", "namespace": "shop"}});
        let outcome = Scene::new()
            .object(named)
            .object(secret)
            .complete(&[Kind::Secret])
            .diagnose();
        let finding = outcome.finds_only("IMG-NO-CREDENTIALS", Verdict::Proven);
        assert!(
            finding
                .chain
                .iter()
                .any(|step| step.text.contains("holds none for this registry"))
        );
    }

    #[test]
    fn not_found_for_a_rival_nor_without_words() {
        new_kubelet(MISSING).diagnose().lacks("IMG-NO-CREDENTIALS");
        silent("IMG-NO-CREDENTIALS");
        Scene::new().object(pod(json!({}))).diagnose().is_calm();
    }
}
