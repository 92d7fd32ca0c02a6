//! CRE-WORKING-DIR: the container's working directory does not exist or may not be entered.

use sonde_grammar::Fact;
use sonde_grammar::fact::StartFailure;
use sonde_model::{Code, Risk};

use super::said::{said, tell_start};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-WORKING-DIR"),
    title: "working directory not there",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-WORKING-DIR"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Start(StartFailure::WorkingDir { dir }) => Some(dir.as_str()),
        _ => None,
    });
    let Some((dir, message)) = found else { return };
    case.proven_by(message.seen());
    let shown = if dir.is_empty() {
        "its working directory"
    } else {
        dir
    };
    let why = if message.seen.text.contains("ermission denied") {
        "may not be entered by its user"
    } else {
        "does not exist"
    };
    let field = facts.container().map(|(container, path)| {
        if container.working_dir.is_empty() {
            let text = format!(
                "{shown} is the working directory of the image {}",
                container.image
            );
            (text, facts.field(&format!("{path}.image"), &container.image))
        } else {
            let text = format!(
                "{} is to work in {}",
                facts.container_phrase(),
                container.working_dir
            );
            (
                text,
                facts.field(&format!("{path}.workingDir"), &container.working_dir),
            )
        }
    });
    tell_start(
        facts,
        case,
        field,
        message,
        &format!("the working directory {shown} {why}"),
    );
    case.advice(
        "correct workingDir, or let the image have the folder with rights for the container's user",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_start};

    #[test]
    fn a_folder_that_is_not_there() {
        check_start(&Check {
            code: "CRE-WORKING-DIR",
            proofs: &[
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: chdir to cwd (\"/srv\") set in config.json failed: no such file or directory: unknown",
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: chdir to cwd (\"/srv\") set in config.json failed: permission denied: unknown",
                "crun: cannot chdir to `/srv`: No such file or directory: OCI runtime attempted to invoke a command that was not found",
            ],
            says: &["/srv"],
            pod: json!({"spec": {"containers": [{"name": "app", "workingDir": "/srv"}]}}),
        });
    }
}
