//! CRE-UNKNOWN-USER: the user that the container should run as is not in its image.

use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, StartFailure};
use sonde_model::{Code, Risk};

use super::said::{said, tell_start};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-UNKNOWN-USER"),
    title: "user not in the image",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-UNKNOWN-USER"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Create(CreateFailure::UnknownUser { user })
        | Fact::Start(StartFailure::UnknownUser { user }) => Some(user.as_str()),
        _ => None,
    });
    let Some((user, message)) = found else { return };
    case.proven_by(message.seen());
    let what = if user.is_empty() {
        "the user or group that it is to run as is not in the image's /etc/passwd".to_owned()
    } else {
        format!("the image's /etc/passwd has no user or group {user}")
    };
    let field = facts
        .container()
        .filter(|(it, _)| !it.image.is_empty())
        .map(|(container, path)| {
            (
                format!("{} runs the image {}", facts.container_phrase(), container.image),
                facts.field(&format!("{path}.image"), &container.image),
            )
        });
    tell_start(facts, case, field, message, &what);
    case.advice(
        "name the user by number (`USER 1000` in the image, or runAsUser), or add it to the image",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_start};

    #[test]
    fn a_user_that_is_not_there() {
        check_start(&Check {
            code: "CRE-UNKNOWN-USER",
            proofs: &[
                "failed to create containerd container: unable to find user app: no matching entries in passwd file",
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: unable to find user app: no matching entries in passwd file: unknown",
            ],
            says: &["app", "passwd"],
            pod: json!({}),
        });
    }
}
