//! IMG-INVALID-NAME: the image's name is malformed; nobody was asked for it.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{Root, failed_by, set_image};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-INVALID-NAME"),
    title: "malformed image name",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-INVALID-NAME"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| *failure == PullFailure::InvalidName) else {
        return;
    };
    case.proven_by(pull.seen());
    let (fault, better) = fault(&pull.image);
    pull.tell(
        facts,
        case,
        &Root::Image,
        &format!("its name is malformed{fault}"),
    );
    let better = better.filter(|better| !better.is_empty());
    match better
        .as_ref()
        .and_then(|better| Some((better, set_image(facts, better)?)))
    {
        Some((better, command)) => {
            case.fix(
                format!("correct the name, for example to {better}"),
                command,
                Risk::Restart,
            );
        }
        None => {
            case.advice(
                "write the name as REGISTRY/PATH:TAG, in small letters, without a scheme",
                Risk::Restart,
            );
        }
    }
}

/// What is wrong with a name, and the name without it.
fn fault(image: &str) -> (String, Option<String>) {
    let scheme = ["https://", "http://", "docker://", "oci://"]
        .into_iter()
        .find(|scheme| image.starts_with(scheme));
    if let Some(scheme) = scheme {
        return (
            format!(": it begins with {scheme}"),
            Some(image[scheme.len()..].to_owned()),
        );
    }
    if image.trim() != image || image.contains(char::is_whitespace) {
        let without: String = image.split_whitespace().collect();
        return (": it contains white space".into(), Some(without));
    }
    if image.contains(['$', '{', '<']) {
        return (": it holds a placeholder that nothing has filled in".into(), None);
    }
    let (path, tag) = match image.rfind(':').filter(|at| !image[*at..].contains('/')) {
        Some(at) => (&image[..at], &image[at..]),
        None => (image, ""),
    };
    if tag == ":" {
        return (": its tag is empty".into(), None);
    }
    // A host may have capitals; a path may not.
    let (host, rest) = match path.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) => (format!("{host}/"), rest),
        _ => (String::new(), path),
    };
    if rest.chars().any(|c| c.is_ascii_uppercase()) {
        let better = format!("{host}{}{tag}", rest.to_ascii_lowercase());
        return (": its path has capital letters".into(), Some(better));
    }
    (String::new(), None)
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use super::super::testing::{silent, waiting_for};
    use super::fault;
    use crate::testing::Scene;

    #[test]
    fn found_from_reason_and_message() {
        for (image, message, word) in [
            (
                "registry.example/App:1",
                "Failed to apply default image tag \"registry.example/App:1\": couldn't parse image reference \"registry.example/App:1\": invalid reference format: repository name must be lowercase",
                "capital",
            ),
            (
                "registry.example/App:1",
                "Failed to apply default image tag \"registry.example/App:1\": couldn't parse image name \"registry.example/App:1\": invalid reference format: repository name (App) must be lowercase",
                "capital",
            ),
            (
                "https://registry.example/app:1",
                "Failed to apply default image tag \"https://registry.example/app:1\": couldn't parse image name \"https://registry.example/app:1\": invalid reference format",
                "https://",
            ),
        ] {
            let outcome = Scene::new()
                .object(waiting_for(image, "InvalidImageName", message))
                .diagnose();
            let finding = outcome.finds_only("IMG-INVALID-NAME", Verdict::Proven);
            assert!(finding.headline.contains(word), "{}", finding.headline);
            assert!(
                finding.fixes[0]
                    .command
                    .as_deref()
                    .is_some_and(|it| it.ends_with("app=registry.example/app:1"))
            );
            let outcome = Scene::new()
                .loose(&format!("Warning InspectFailed {message}"))
                .diagnose();
            outcome.finds_only("IMG-INVALID-NAME", Verdict::Proven);
        }
        silent("IMG-INVALID-NAME");
    }

    #[test]
    fn faults_of_names() {
        for (image, word, better) in [
            ("docker://a/b", "docker://", Some("a/b")),
            (" a/b:1", "white space", Some("a/b:1")),
            ("r.Example/a:1", "", None),
            ("app:", "tag is empty", None),
            ("${IMAGE}:1", "placeholder", None),
            ("shop/Web:V1", "capital", Some("shop/web:V1")),
        ] {
            let (said, to) = fault(image);
            assert!(said.contains(word), "{image}: {said}");
            assert_eq!(to.as_deref(), better, "{image}");
        }
    }
}
