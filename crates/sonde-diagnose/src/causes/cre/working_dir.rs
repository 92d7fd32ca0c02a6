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
    let set = facts
        .container()
        .map_or("", |(container, _)| container.working_dir.as_str());
    // Where a part of the path is no folder, the runtime names that part.
    let whole = if set.starts_with(dir) { set } else { dir };
    let shown = if whole.is_empty() {
        "its working directory"
    } else {
        whole
    };
    let says = |words: &str| message.seen.text.to_ascii_lowercase().contains(words);
    let (why, advice) = if says("permission denied") {
        (
            "may not be entered by its user".to_owned(),
            "correct workingDir, or let the image have the folder with rights for the container's user",
        )
    } else if says("not a directory") || says("file exists") {
        let file = if dir.is_empty() { "a part of it" } else { dir };
        (
            format!("cannot be a folder: {file} is a file"),
            "correct workingDir: it has to name a folder",
        )
    } else if says("read-only file system") {
        (
            "does not exist, and cannot be made on a read-only file system".to_owned(),
            "correct workingDir, or let the image have the folder, or mount an emptyDir there",
        )
    } else {
        (
            "does not exist".to_owned(),
            "correct workingDir, or let the image have the folder with rights for the container's user",
        )
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
    case.advice(advice, Risk::Restart);
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

    #[test]
    fn a_file_in_the_path_is_named_with_the_whole_path() {
        check_start(&Check {
            code: "CRE-WORKING-DIR",
            proofs: &[
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: mkdir /etc/passwd: not a directory: unknown",
            ],
            says: &["the working directory /etc/passwd/x cannot be a folder: /etc/passwd is a file"],
            pod: json!({"spec": {"containers": [{"name": "app", "workingDir": "/etc/passwd/x"}]}}),
        });
    }
}
