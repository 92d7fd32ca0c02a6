//! CRE-MOUNT-TYPE-MISMATCH: a volume's file is mounted where the image has a folder, or a folder where it has a file.

use sonde_grammar::Fact;
use sonde_grammar::fact::StartFailure;
use sonde_model::{Code, Risk};

use super::said::{mount_over, said, tell_start};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-MOUNT-TYPE-MISMATCH"),
    title: "file mounted over a folder, or the reverse",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-MOUNT-TYPE-MISMATCH"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Start(StartFailure::Mount {
            target,
            type_mismatch: true,
            forbidden_target: false,
            ..
        }) => Some(target.as_deref()),
        _ => None,
    });
    let Some((target, message)) = found else { return };
    case.proven_by(message.seen());
    let mount = target.and_then(|target| mount_over(facts, target));
    let at = target.unwrap_or("its target");
    let what =
        format!("at {at} a file and a folder do not fit over each other: one is mounted, the other is there");
    let field = mount.as_ref().map(|(mount, field)| {
        let of = if mount.sub_path.is_empty() {
            String::new()
        } else {
            format!(", path {} of it,", mount.sub_path)
        };
        let text = format!("the volume {}{of} is mounted at {}", mount.name, mount.mount_path);
        (
            text,
            facts.field(&format!("{field}.mountPath"), &mount.mount_path),
        )
    });
    tell_start(facts, case, field, message, &what);
    match &mount {
        Some((mount, _)) if mount.sub_path.is_empty() => case.advice(
            format!("to mount one file name it: subPath with the file's name in the volume, and {} as mountPath", mount.mount_path),
            Risk::Restart,
        ),
        Some((mount, _)) => case.advice(
            format!("subPath {} is a folder in the volume (or was made as one because it did not exist): correct the name", mount.sub_path),
            Risk::Restart,
        ),
        None => case.advice("mount a folder over a folder, and a file (subPath) over a file", Risk::Restart),
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_start};

    #[test]
    fn a_folder_over_a_file() {
        check_start(&Check {
            code: "CRE-MOUNT-TYPE-MISMATCH",
            proofs: &[
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error mounting \"/var/lib/kubelet/pods/0f2f/volume-subpaths/conf/app/0\" to rootfs at \"/etc/app.conf\": mount /var/lib/kubelet/pods/0f2f/volume-subpaths/conf/app/0:/etc/app.conf (via /proc/self/fd/6), flags: 0x5001: not a directory: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type: unknown",
            ],
            says: &["/etc/app.conf"],
            pod: json!({"spec": {"containers": [{"name": "app", "volumeMounts": [{"name": "conf", "mountPath": "/etc/app.conf", "subPath": "app.conf"}]}]}}),
        });
    }
}
