//! CRE-MOUNT-TYPE-MISMATCH: a volume's file is mounted where the image has a folder, or a folder where it has a file.

use sonde_grammar::Fact;
use sonde_grammar::fact::StartFailure;
use sonde_model::{Code, Kind, ObjectRef, Risk};
use sonde_world::view::VolumeMount;

use super::said::{mount_over, said, tell_start};
use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-MOUNT-TYPE-MISMATCH"),
    title: "file mounted over a folder, or the reverse",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[Kind::ConfigMap],
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
    if let Some((mount, _)) = &mount
        && let Some(kept) = key_of(facts, mount)
    {
        case.step(
            format!(
                "{} is a file: a key of {} has that name, so what it is mounted over is a folder of the image",
                mount.sub_path, kept.0
            ),
            [kept.1],
        );
        let folder = mount.mount_path.trim_end_matches('/');
        let name = mount.sub_path.rsplit('/').next().unwrap_or(&mount.sub_path);
        case.advice(
            format!("give the file's whole path as mountPath: {folder}/{name} (with subPath {name} only that file is put there)"),
            Risk::Restart,
        );
        return;
    }
    match &mount {
        Some((mount, _)) if mount.sub_path.is_empty() => case.advice(
            format!("to mount one file name it: subPath with the file's name in the volume, and {} as mountPath", mount.mount_path),
            Risk::Restart,
        ),
        Some((mount, _)) => case.advice(
            format!("subPath {0} is a folder in the volume (or was made as one because it did not exist), or it is a file and {1} a folder of the image: correct the name, or give the file's whole path as mountPath", mount.sub_path, mount.mount_path),
            Risk::Restart,
        ),
        None => case.advice("mount a folder over a folder, and a file (subPath) over a file", Risk::Restart),
    };
}

/// The ConfigMap or Secret whose key the mount names by its subPath, where its keys are known and have it.
fn key_of(facts: &Facts<'_>, mount: &VolumeMount) -> Option<(ObjectRef, Seen)> {
    if mount.sub_path.is_empty() {
        return None;
    }
    let pod = facts.pod();
    let volume = pod.spec.volumes.iter().find(|it| it.name == mount.name)?;
    let namespace = &facts.episode.subject.namespace;
    let (object, items) = match (&volume.config_map, &volume.secret) {
        (Some(it), _) => (ObjectRef::new(Kind::ConfigMap, namespace, &it.name), &it.items),
        (_, Some(it)) => (
            ObjectRef::new(Kind::Secret, namespace, &it.secret_name),
            &it.items,
        ),
        _ => return None,
    };
    // A list of items gives each key its own path.
    if let Some(item) = items.iter().find(|it| it.path == mount.sub_path) {
        return Some((object.clone(), facts.field("spec.volumes.items", &item.key)));
    }
    let keys = facts.snapshot.config_keys(&object).filter(|_| items.is_empty())?;
    keys.contains(&mount.sub_path).then(|| {
        (
            object.clone(),
            field_on(&object, "data", format!("keys: {}", keys.join(", "))),
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::{Check, check_start};
    use crate::testing::{Scene, pod, status};

    /// The key is there, so the file is meant and its target is a folder.
    #[test]
    fn a_file_over_a_folder_gets_its_whole_path() {
        const SAID: &str = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error mounting \"/var/lib/kubelet/pods/0f2f/volume-subpaths/conf/app/0\" to rootfs at \"/etc\": mount /var/lib/kubelet/pods/0f2f/volume-subpaths/conf/app/0:/etc (via /proc/self/fd/6), flags: 0x5001: not a directory: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type: unknown";
        for (key, expected) in [
            ("app.conf", "/etc/app.conf"),
            ("other.conf", "is a folder in the volume"),
        ] {
            let it = pod(
                json!({"spec": {"volumes": [{"name": "conf", "configMap": {"name": "settings"}}],
                "containers": [{"name": "app", "volumeMounts": [{"name": "conf", "mountPath": "/etc", "subPath": "app.conf"}]}]},
                "status": {"phase": "Pending", "containerStatuses": [status(json!({"ready": false, "started": false,
                    "state": {"running": null, "waiting": {"reason": "RunContainerError", "message": SAID}}}))]}}),
            );
            let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}, "data": {key: "x"}});
            let outcome = Scene::new().object(it).object(map).diagnose();
            let finding = outcome.finds_only("CRE-MOUNT-TYPE-MISMATCH", Verdict::Proven);
            assert!(finding.fixes[0].text.contains(expected), "{:?}", finding.fixes);
        }
    }

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
