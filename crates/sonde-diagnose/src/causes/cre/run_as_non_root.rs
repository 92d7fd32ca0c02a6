//! CRE-RUN-AS-NON-ROOT: the pod forbids root and the image runs as root, or as a user by name.

use sonde_grammar::Fact;
use sonde_grammar::fact::CreateFailure;
use sonde_model::{Code, Risk};

use super::said::{said, security_field, tell_start};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-RUN-AS-NON-ROOT"),
    title: "runAsNonRoot and the image runs as root",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-RUN-AS-NON-ROOT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Create(CreateFailure::RunsAsRoot { .. }) => Some(None),
        Fact::Create(CreateFailure::NonNumericUser { user }) => Some(Some(user)),
        _ => None,
    });
    let Some((user, message)) = found else { return };
    case.proven_by(message.seen());
    let container = facts.container();
    let image = container
        .as_ref()
        .map(|(it, _)| it.image.clone())
        .filter(|image| !image.is_empty());
    let of_pod = facts.pod().spec.security_context.as_ref();
    let of_container = container
        .as_ref()
        .and_then(|(it, _)| it.security_context.as_ref());
    let forbids = security_field(facts, "runAsNonRoot", |own| {
        let value = if own {
            of_container?.run_as_non_root
        } else {
            of_pod?.run_as_non_root
        };
        value.map(|it| it.to_string())
    });
    let run_as = of_container
        .and_then(|it| it.run_as_user)
        .or(of_pod.and_then(|it| it.run_as_user));
    let what = match (user, run_as) {
        (Some(user), _) => format!(
            "root is forbidden (runAsNonRoot), and the image's user is a name ({user}) that the kubelet cannot check"
        ),
        (None, Some(0)) => "root is forbidden (runAsNonRoot), and runAsUser is 0, which is root".to_owned(),
        (None, _) => "root is forbidden (runAsNonRoot), and the image runs as root".to_owned(),
    };
    let field = forbids.map(|seen| ("the pod forbids to run as root".to_owned(), seen));
    if let Some(image) = &image {
        let (_, path) = container
            .as_ref()
            .map_or((None, String::new()), |(it, path)| (Some(it), path.clone()));
        case.step(
            format!("{} runs the image {image}", facts.container_phrase()),
            [facts.field(&format!("{path}.image"), image)],
        );
    }
    tell_start(facts, case, field, message, &what);
    if let Some(name) = facts.episode.container.as_deref() {
        let list = if facts.init_position().is_some() {
            "initContainers"
        } else {
            "containers"
        };
        let user = if user.is_some() { "ID" } else { "1000" };
        if of_container.and_then(|it| it.run_as_user) == Some(0) || run_as == Some(0) {
            case.advice(
                format!("remove runAsUser: 0, or let it be a user other than root ({user})"),
                Risk::Restart,
            );
        }
        let text = "run it as a user by number that may read what the image needs";
        if let Some(workload) = facts.template_owner() {
            case.fix(
                text,
                format!("kubectl patch {} --patch '{{\"spec\":{{\"template\":{{\"spec\":{{\"{list}\":[{{\"name\":\"{name}\",\"securityContext\":{{\"runAsUser\":{user}}}}}]}}}}}}}}'", workload.kubectl()),
                Risk::Restart,
            );
        } else {
            // Nothing of a pod's user can be changed while it is there.
            case.advice(
                format!("{text}: set securityContext.runAsUser: {user} for container {name}"),
                Risk::Restart,
            );
        }
    }
    // What the pod says of the user stands above what the image says.
    if run_as.is_none() {
        case.advice("or build the image with a numeric user: `USER 1000`", Risk::None);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_create};

    #[test]
    fn an_image_of_root() {
        check_create(&Check {
            code: "CRE-RUN-AS-NON-ROOT",
            proofs: &[
                "container has runAsNonRoot and image will run as root",
                "container has runAsNonRoot and image will run as root (pod: \"app-1_shop(0f2f7b7c)\", container: app)",
                "container's runAsUser breaks non-root policy (pod: \"app-1_shop(0f2f7b7c)\", container: app)",
                "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root (pod: \"app-1_shop(0f2f7b7c)\", container: app)",
            ],
            says: &["runAsNonRoot"],
            pod: json!({"spec": {"securityContext": {"runAsNonRoot": true}}}),
        });
    }
}
