//! ADM-INVALID: the API server finds the pod's fields invalid.

use sonde_grammar::fact::AdmissionRefusal;
use sonde_model::{Code, Risk};

use super::refusal::{cannot_create, newest, pods_are_missing};
use crate::cause::page;
use crate::triage::invalid_fields;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-INVALID"),
    title: "the pod is invalid",
    explains: &[Symptom::PodsNotCreated],
    reads: &[],
    state,
    page: page!("ADM-INVALID"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((refusal, message)) = newest(facts) else {
        return in_manifest(facts, case);
    };
    // A refusal of a plugin that no grammar knows says more than nothing: its own words.
    let detail = match refusal {
        AdmissionRefusal::Invalid { detail } => {
            case.proven_by(message.seen());
            detail
        }
        AdmissionRefusal::Other { detail } => {
            case.supported_by(message.seen());
            detail
        }
        _ => return,
    };
    case.step(
        format!("the API server refuses the pod: {detail}"),
        [message.seen()],
    );
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: the API server refuses the pod: {detail}",
        cannot_create(facts)
    ));
    case.advice("correct the named field in the pod's template", Risk::Restart);
}

/// A manifest that no cluster has taken yet, and will not take.
fn in_manifest(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let invalid = facts
        .snapshot
        .get(subject)
        .map(|object| invalid_fields(object))
        .unwrap_or_default();
    let Some(first) = invalid.first() else { return };
    for field in &invalid {
        let seen = facts.field(&field.path, &field.value);
        case.proven_by(seen.clone());
        case.step(field.why.clone(), [seen]);
    }
    case.step("the API server refuses such an object", []);
    let more = match invalid.len() - 1 {
        0 => String::new(),
        1 => "; one more field is invalid".to_owned(),
        more => format!("; {more} more fields are invalid"),
    };
    case.headline(format!("{subject} will be refused: {}{more}", first.why));
    let paths: Vec<&str> = invalid.iter().map(|field| field.path.as_str()).collect();
    case.advice(format!("correct {}", paths.join(" and ")), Risk::None);
    case.look(
        "what the API server says of it, without making it",
        "kubectl apply --dry-run=server -f FILE",
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::Scene;

    fn manifest(label: &str, request: &str, uid: Option<&str>) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop", "namespace": "shop", "uid": uid},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "shop"}},
                "template": {"metadata": {"labels": {"app": label}}, "spec": {"containers": [{"name": "app", "image": "a:1",
                    "resources": {"requests": {"memory": request}, "limits": {"memory": "512Mi"}}}]}}}})
    }

    /// Each row: the template's label, the request of memory; words of the headline and of the steps, none where it is
    /// well.
    #[test]
    fn a_manifest_that_will_be_refused_is_told_before_it_is_applied() {
        for (label, request, headline, step) in [
            (
                "shopp",
                "256Mi",
                "does not match the labels of its own pod template (app=shopp)",
                "",
            ),
            ("shop", "1Gi", "requests more memory than its limit of 512Mi", ""),
            (
                "shopp",
                "1Gi",
                "app=shopp); one more field is invalid",
                "requests more memory",
            ),
        ] {
            let outcome = Scene::new().object(manifest(label, request, None)).diagnose();
            let finding = outcome.finds_only("ADM-INVALID", Verdict::Proven);
            assert!(finding.headline.contains(headline), "{}", finding.headline);
            assert!(
                finding.chain.iter().any(|it| it.text.contains(step)),
                "{:?}",
                finding.chain
            );
        }
        for (label, request) in [("shop", "512Mi"), ("shop", "0.5Gi")] {
            Scene::new()
                .object(manifest(label, request, None))
                .diagnose()
                .is_calm();
        }
        // What a cluster has taken was valid.
        Scene::new()
            .object(manifest("shopp", "1Gi", Some("u-1")))
            .diagnose()
            .is_calm();
    }
}
