//! CRE-NOT-EXECUTABLE: the command is there and may not be executed, or is a folder.

use sonde_grammar::Fact;
use sonde_grammar::fact::StartFailure;
use sonde_model::{Code, Risk};

use super::said::{command_field, look_into_image, mount_over, said, tell_start};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-NOT-EXECUTABLE"),
    title: "command may not be executed",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-NOT-EXECUTABLE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Start(StartFailure::NotExecutable { command }) => Some((command.as_str(), false)),
        Fact::Start(StartFailure::IsDirectory { command }) => Some((command.as_str(), true)),
        _ => None,
    });
    let Some(((command, folder), message)) = found else {
        return;
    };
    case.proven_by(message.seen());
    let shown = if command.is_empty() {
        "its command"
    } else {
        command
    };
    let what = if folder {
        format!("{shown} is a folder, not a program")
    } else {
        format!("{shown} may not be executed (permission denied)")
    };
    tell_start(facts, case, command_field(facts, command), message, &what);
    let mut mounted = false;
    if let Some((mount, field)) = mount_over(facts, command) {
        let seen = facts.field(&format!("{field}.mountPath"), &mount.mount_path);
        case.step(
            format!(
                "it lies in the volume {}, mounted at {}",
                mount.name, mount.mount_path
            ),
            [seen],
        );
        let volume = facts
            .pod()
            .spec
            .volumes
            .iter()
            .find(|volume| volume.name == mount.name);
        if volume.is_some_and(|it| it.config_map.is_some() || it.secret.is_some() || it.projected.is_some()) {
            // Nothing in the image is to blame.
            mounted = !folder;
            case.advice("files of a ConfigMap or Secret are not executable: set the volume's defaultMode to 0755, or run them with a shell", Risk::Restart);
        }
    }
    look_into_image(facts, case, command);
    if mounted {
        return;
    }
    if folder {
        case.advice("name the program in it", Risk::Restart);
    } else {
        case.advice(
            "make the file executable in the image (chmod +x), for the user that the container runs as; where it is a folder, name the program in it",
            Risk::Restart,
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_start};

    #[test]
    fn a_file_without_the_right() {
        check_start(&Check {
            code: "CRE-NOT-EXECUTABLE",
            proofs: &[
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/app/run.sh\": permission denied: unknown",
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/app/run.sh\": is a directory: unknown",
                "crun: open executable `/app/run.sh`: Permission denied: OCI permission denied",
            ],
            says: &["/app/run.sh"],
            pod: json!({}),
        });
    }
}
