//! IMG-TOKEN-EXPIRED: the registry refuses the login because its token or password has expired.

use jiff::SignedDuration;
use sonde_model::{Code, Kind, Risk};

use super::login::refused;
use super::pull::Root;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-TOKEN-EXPIRED"),
    title: "registry token expired",
    explains: &[Symptom::ImageNotPulled],
    reads: &[Kind::Secret],
    state,
    page: page!("IMG-TOKEN-EXPIRED"),
};

/// Tokens of Amazon's registry live this long.
const ECR_TOKEN: SignedDuration = SignedDuration::from_hours(12);

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(refusal) = refused(facts) else { return };
    let old = refusal.secrets.present.iter().find_map(|secret| {
        let created = facts.snapshot.get(secret)?.created?;
        (facts.now?.duration_since(created) > ECR_TOKEN).then_some((secret, created))
    });
    let is_ecr = refusal.pull.registry.contains(".dkr.ecr.");
    if refusal.expired {
        case.proven_by(refusal.pull.seen());
    } else if let (true, Some((secret, created))) = (is_ecr, old) {
        let mut seen = field_on(secret, "metadata.creationTimestamp", created);
        seen.time = Some(created);
        case.hinted_by(seen.clone());
        case.step("tokens of this registry live for twelve hours; the pull secret is older, unless something renews it", [seen]);
    } else {
        return;
    }
    let what = format!(
        "{} refuses the login: its token has expired",
        refusal.pull.registry
    );
    refusal.pull.tell(facts, case, &Root::Image, &what);
    if let Some(secret) = refusal.secrets.named.first() {
        case.advice(
            format!("renew the token in {secret}, and let something renew it before it expires again"),
            Risk::None,
        );
    } else {
        case.advice(
            "let the kubelet's credential provider plugin fetch a fresh token for each pull",
            Risk::Wide,
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::{Kind, Verdict};

    use super::super::testing::{Check, check, waiting_for};
    use crate::testing::{Scene, merge};

    #[test]
    fn an_expired_token() {
        check(&Check {
            code: "IMG-TOKEN-EXPIRED",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": unexpected status from HEAD request to https://registry.example/v2/app/manifests/1: 403 Forbidden: authorization token has expired",
                "Error response from daemon: denied: Your authorization token has expired. Reauthenticate and try again.",
            ],
            says: &["expired"],
        });
    }

    #[test]
    fn an_old_secret_for_amazons_registry_is_only_a_hint() {
        let image = "1234.dkr.ecr.eu-west-1.amazonaws.com/app:1";
        let words = format!(
            "failed to resolve reference \"{image}\": unexpected status from HEAD request to https://1234.dkr.ecr.eu-west-1.amazonaws.com/v2/app/manifests/1: 403 Forbidden"
        );
        let mut pod = waiting_for(image, "ErrImagePull", &words);
        merge(&mut pod, json!({"spec": {"imagePullSecrets": [{"name": "ecr"}]}}));
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ecr", "namespace": "shop", "creationTimestamp": "2026-02-01T00:00:00Z"}});
        let outcome = Scene::new()
            .object(pod)
            .object(secret)
            .complete(&[Kind::Secret])
            .diagnose();
        let finding = outcome.finds_only("IMG-WRONG-CREDENTIALS", Verdict::Likely);
        assert!(
            finding
                .rivals
                .iter()
                .any(|code| code.as_str() == "IMG-TOKEN-EXPIRED")
        );
    }
}
