//! IMG-PULL-SECRET-MISSING: the registry wants a login, and the pull secret that the pod names does not exist.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Kind, ObjectRef, Risk, nearest};

use super::login::{refused, secrets};
use super::pull::{Root, failed_by};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-PULL-SECRET-MISSING"),
    title: "pull secret does not exist",
    explains: &[Symptom::ImageNotPulled],
    reads: &[Kind::Secret],
    state,
    page: page!("IMG-PULL-SECRET-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(refusal) = refused(facts) else {
        return hidden(facts, case);
    };
    let secrets = &refusal.secrets;
    let Some((object, seen)) = secrets.missing.first() else {
        let unlisted = secrets.named.len() > secrets.present.len();
        if unlisted {
            case.wants(
                facts.want_kind(Kind::Secret),
                "whether the pull secrets that the pod names exist",
            );
        }
        return;
    };
    let all = secrets.missing.len() == secrets.named.len();
    // With a second secret that exists, or an image that may not exist, the missing one need not be the reason.
    if all && !refusal.maybe_missing {
        case.proven_by(seen.clone());
    } else {
        case.supported_by(seen.clone());
    }
    case.step(
        format!("the pod pulls with {object}"),
        [refusal.secrets_field(facts)],
    );
    case.step(
        format!("{object} does not exist in its namespace, so the node asks without a login"),
        [seen.clone()],
    );
    refusal.pull.tell(facts, case, &Root::Image, &refusal.answer());
    case.headline(format!(
        "image {} cannot be pulled: {} wants a login, and the pull secret {} does not exist",
        refusal.pull.image, refusal.pull.registry, object.name
    ));
    case.root_key(object.name.as_ref());
    mend(facts, case, object, &refusal.pull.registry);
}

/// The registry knows no such image, and was asked without a login: many hide private images so.
fn hidden(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| *failure == PullFailure::NotFound) else {
        return;
    };
    let secrets = secrets(facts);
    let Some((object, seen)) = secrets.all_missing() else {
        return;
    };
    case.hinted_by(seen.clone());
    case.step(format!("the pod pulls with {object}"), [secrets.field(facts)]);
    case.step(
        format!("{object} does not exist in its namespace, so the node asks without a login"),
        [seen.clone()],
    );
    let what = format!("{} knows no such image, or hides it", pull.registry);
    pull.tell(facts, case, &Root::Image, &what);
    case.headline(format!(
        "image {} cannot be pulled: {} hides it, or the pull secret {} is missing",
        pull.image, pull.registry, object.name
    ));
    mend(facts, case, object, &pull.registry);
}

fn mend(facts: &Facts<'_>, case: &mut Case, object: &ObjectRef, registry: &str) {
    let names: Vec<String> = facts
        .snapshot
        .in_namespace(Kind::Secret, &object.namespace)
        .map(|it| it.reference.name.to_string())
        .collect();
    if let Some(close) = nearest(&object.name, names.iter().map(String::as_str)) {
        let seen = facts.computed(format!("secrets like {}", object.name), close);
        case.step(
            format!("there is a secret {close}, which is nearly the same name"),
            [seen],
        );
        case.advice(
            format!(
                "if {close} was meant, correct imagePullSecrets in the pod's template or its service account"
            ),
            Risk::Restart,
        );
    }
    if !object.namespace.is_empty() {
        case.fix(
            format!("create {object}; secrets are not shared between namespaces"),
            format!(
                "kubectl create secret docker-registry {} -n {} --docker-server={} --docker-username=USER --docker-password=PASSWORD",
                object.name, object.namespace, registry
            ),
            Risk::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use super::super::testing::{silent, waiting};
    use crate::testing::{Scene, merge};

    const REFUSED: &str = "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized";

    fn naming(secrets: Value, words: &str) -> Scene {
        let mut pod = waiting("ErrImagePull", words);
        merge(&mut pod, json!({"spec": {"imagePullSecrets": secrets}}));
        Scene::new().object(pod)
    }

    fn secret(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "shop"}})
    }

    #[test]
    fn found_by_absence_and_by_the_kubelets_event() {
        let scene = || naming(json!([{"name": "regcred"}]), REFUSED);
        let outcome = scene()
            .object(secret("reg-cred"))
            .complete(&[Kind::Secret])
            .diagnose();
        let finding = outcome.finds_only("IMG-PULL-SECRET-MISSING", Verdict::Proven);
        assert!(
            finding.headline.contains("regcred does not exist"),
            "{}",
            finding.headline
        );
        assert!(
            finding.chain.iter().any(|step| step.text.contains("reg-cred")),
            "{:?}",
            finding.chain
        );
        let event = "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.";
        let outcome = scene()
            .event(
                "Pod/shop/app-1",
                "FailedToRetrieveImagePullSecret",
                event,
                "2026-03-01T11:59:00Z",
            )
            .diagnose();
        outcome.finds_only("IMG-PULL-SECRET-MISSING", Verdict::Proven);
    }

    #[test]
    fn not_found_when_the_secret_exists_or_the_image_does_not() {
        naming(json!([{"name": "regcred"}]), REFUSED)
            .object(secret("regcred"))
            .complete(&[Kind::Secret])
            .diagnose()
            .lacks("IMG-PULL-SECRET-MISSING");
        let missing = "registry.example/app:1: not found";
        naming(json!([{"name": "regcred"}]), missing)
            .complete(&[Kind::Secret])
            .object(secret("regcred"))
            .diagnose()
            .finds_only("IMG-NOT-FOUND", Verdict::Proven);
        // Asked without a login, many registries say so of private images as well.
        let outcome = naming(json!([{"name": "regcred"}]), missing)
            .complete(&[Kind::Secret])
            .diagnose();
        let finding = outcome.finds_only("IMG-NOT-FOUND", Verdict::Likely);
        assert!(
            finding
                .rivals
                .iter()
                .any(|it| it.as_str() == "IMG-PULL-SECRET-MISSING")
        );
        let said = "it was asked without a login, because secret/regcred does not exist";
        assert!(
            finding.chain.iter().any(|step| step.text.contains(said)),
            "{:?}",
            finding.chain
        );
        silent("IMG-PULL-SECRET-MISSING");
    }

    #[test]
    fn only_likely_beside_a_second_secret() {
        let plain = "unexpected status from HEAD request to https://registry.example/v2/app/manifests/1: 403 Forbidden";
        let outcome = naming(json!([{"name": "regcred"}, {"name": "other"}]), plain)
            .object(secret("other"))
            .complete(&[Kind::Secret])
            .diagnose();
        outcome
            .does_not_claim("IMG-PULL-SECRET-MISSING")
            .finding("IMG-PULL-SECRET-MISSING");
    }

    #[test]
    fn unknown_when_secrets_were_not_listed() {
        let plain = "unexpected status from HEAD request to https://registry.example/v2/app/manifests/1: 403 Forbidden";
        let outcome = naming(json!([{"name": "regcred"}]), plain).diagnose();
        outcome.lacks("IMG-PULL-SECRET-MISSING");
        assert!(!outcome.wants.is_empty());
    }

    #[test]
    fn over_when_the_image_came_and_calm_when_it_runs() {
        let mut runs = crate::testing::pod(json!({}));
        merge(
            &mut runs,
            json!({"spec": {"imagePullSecrets": [{"name": "regcred"}]}}),
        );
        let event = "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.";
        // The kubelet warns at each start, even where the image needs no login.
        let outcome = Scene::new()
            .object(runs)
            .complete(&[Kind::Secret])
            .event(
                "Pod/shop/app-1",
                "FailedToRetrieveImagePullSecret",
                event,
                "2026-03-01T11:59:00Z",
            )
            .diagnose();
        outcome.is_calm();
    }
}
