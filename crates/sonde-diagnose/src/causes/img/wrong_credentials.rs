//! IMG-WRONG-CREDENTIALS: the registry got a login and refused it: wrong, or without the right to this image.

use sonde_model::{Code, Kind, Risk};

use super::login::refused;
use super::pull::Root;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-WRONG-CREDENTIALS"),
    title: "registry refuses the login",
    explains: &[Symptom::ImageNotPulled],
    reads: &[Kind::Secret],
    state,
    page: page!("IMG-WRONG-CREDENTIALS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(refusal) = refused(facts) else { return };
    if refusal.expired || refusal.anonymous == Some(true) {
        return;
    }
    let secrets = &refusal.secrets;
    let sent = refusal.anonymous == Some(false);
    let what = match (sent, secrets.present.first()) {
        (true, _) => {
            case.proven_by(refusal.pull.seen());
            format!("{} refuses the login that was sent", refusal.pull.registry)
        }
        // That a secret exists does not show that it is for this registry: its content is never read.
        (false, Some(secret)) => {
            case.supported_by(refusal.pull.seen());
            format!(
                "{} refuses, although the pod names the pull secret {}: its login is wrong, for another registry, or may not read this image",
                refusal.pull.registry, secret.name
            )
        }
        (false, None) if !secrets.known || refusal.is_cloud() => {
            case.hinted_by(refusal.pull.seen());
            refusal.answer()
        }
        (false, None) => return,
    };
    if secrets.known {
        case.step("the pod's pull secrets", [refusal.secrets_field(facts)]);
    }
    refusal.pull.tell(facts, case, &Root::Image, &what);
    if let Some(secret) = secrets.present.first() {
        case.look(
            "for which registries the secret holds a login",
            format!(
                "kubectl get {} -o jsonpath='{{.data.\\.dockerconfigjson}}' | base64 -d | jq '.auths | keys'",
                secret.kubectl()
            ),
        );
        case.fix(
            "renew the secret with a login that may read this image",
            format!(
                "kubectl create secret docker-registry {} -n {} --docker-server={} --docker-username=USER --docker-password=PASSWORD --dry-run=client -o yaml | kubectl apply -f -",
                secret.name, secret.namespace, refusal.pull.registry
            ),
            Risk::None,
        );
    } else {
        case.advice("renew the login in the pull secret, or on the node where the runtime holds it, with one that may read this image", Risk::None);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use super::super::testing::{silent, waiting};
    use crate::testing::{Scene, merge};

    const SENT: &str = "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://registry.example/token: 401 Unauthorized";
    const PLAIN: &str = "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": unexpected status from HEAD request to https://registry.example/v2/app/manifests/1: 403 Forbidden";
    const ANONYMOUS: &str =
        "failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized";

    fn scene(words: &str) -> Scene {
        let mut pod = waiting("ErrImagePull", words);
        merge(
            &mut pod,
            json!({"spec": {"imagePullSecrets": [{"name": "regcred"}]}}),
        );
        Scene::new().object(pod).complete(&[Kind::Secret])
    }

    fn secret() -> Value {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "regcred", "namespace": "shop"}})
    }

    #[test]
    fn proven_where_a_login_was_sent_and_likely_where_a_secret_is_there() {
        scene(SENT)
            .object(secret())
            .diagnose()
            .finds_only("IMG-WRONG-CREDENTIALS", Verdict::Proven);
        scene(PLAIN)
            .object(secret())
            .diagnose()
            .finds_only("IMG-WRONG-CREDENTIALS", Verdict::Likely);
        let pasted = Scene::new().loose(&format!(
            "Failed to pull image \"registry.example/app:1\": {SENT}"
        ));
        pasted
            .diagnose()
            .finds_only("IMG-WRONG-CREDENTIALS", Verdict::Proven);
    }

    #[test]
    fn not_found_for_rivals_nor_without_words() {
        scene(ANONYMOUS)
            .object(secret())
            .diagnose()
            .lacks("IMG-WRONG-CREDENTIALS");
        scene(PLAIN).diagnose().lacks("IMG-WRONG-CREDENTIALS");
        silent("IMG-WRONG-CREDENTIALS");
    }
}
