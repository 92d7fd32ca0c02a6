//! What the pod's spec says about a path that the application may not write or does not find: which volume it is in, and
//! what the container may do there.

use sonde_grammar::log::AppSign;

use super::capability::capability;
use crate::{Facts, Seen};

/// Where the kubelet mounts the token of the service account.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What the spec says, what shows it, and what helps.
pub(super) struct Place {
    pub(super) text: String,
    pub(super) seen: Seen,
    pub(super) advice: String,
}

/// What of the spec explains the line, where something does.
pub(super) fn place(facts: &Facts<'_>, sign: &AppSign, line: &str) -> Option<Place> {
    match sign {
        AppSign::MissingFile { path: Some(path) } => token(facts, path),
        AppSign::ReadOnly { path: Some(path) } => volume(facts, path).or_else(|| root(facts, path)),
        AppSign::ReadOnly { path: None } => root(facts, ""),
        AppSign::PermissionDenied { path } => {
            capability(facts, line).or_else(|| user(facts, path.as_deref()?))
        }
        _ => None,
    }
}

fn token(facts: &Facts<'_>, path: &str) -> Option<Place> {
    let pod = facts.pod();
    (path.starts_with(TOKEN) && pod.spec.automount_service_account_token == Some(false)).then(|| Place {
        text: "the pod forbids the mount of its service account's token".to_owned(),
        seen: facts.field("spec.automountServiceAccountToken", false),
        advice: "set automountServiceAccountToken: true in the pod template (or remove it there and at the service account), or let the program do without the API server".to_owned(),
    })
}

/// Volumes that the kubelet writes are read-only, and a mount may be made so.
fn volume(facts: &Facts<'_>, path: &str) -> Option<Place> {
    let (container, place) = facts.container()?;
    let covers = |at: &str| {
        let at = at.trim_end_matches('/');
        !at.is_empty()
            && path
                .strip_prefix(at)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let (at, mount) = container
        .volume_mounts
        .iter()
        .enumerate()
        .filter(|(_, mount)| covers(&mount.mount_path))
        .max_by_key(|(_, mount)| mount.mount_path.len())?;
    let field = format!("{place}.volumeMounts[{at}]");
    if mount.read_only {
        return Some(Place {
            text: format!(
                "{path} is in the volume {}, which is mounted read-only",
                mount.name
            ),
            seen: facts.field(&format!("{field}.readOnly"), true),
            advice: format!(
                "mount {} without readOnly, if it may be written, or let the program write elsewhere",
                mount.name
            ),
        });
    }
    let volume = facts.pod().spec.volumes.iter().find(|it| it.name == mount.name)?;
    let kind = match () {
        () if volume.config_map.is_some() => "a ConfigMap",
        () if volume.secret.is_some() => "a Secret",
        () if volume.projected.is_some() => "a projected volume",
        () if volume.downward_api.is_some() => "a downward API volume",
        () => return None,
    };
    Some(Place {
        text: format!(
            "{path} is in the volume {}, {kind}, which is always read-only",
            mount.name
        ),
        seen: facts.field(&format!("{field}.mountPath"), &mount.mount_path),
        advice: format!(
            "copy what is in {} to an emptyDir when the pod starts (an init container), and let the program write there",
            mount.name
        ),
    })
}

/// The container's own file system, by its spec.
fn root(facts: &Facts<'_>, path: &str) -> Option<Place> {
    let (container, place) = facts.container()?;
    let context = container.security_context.as_ref()?;
    (context.read_only_root_filesystem == Some(true)).then(|| {
        let folder = match path.rsplit_once('/') {
            Some((folder, _)) if !folder.is_empty() => folder,
            _ => "the folder that it writes to",
        };
        Place {
            text: "the container's own file system is read-only by its spec".to_owned(),
            seen: facts.field(&format!("{place}.securityContext.readOnlyRootFilesystem"), true),
            advice: format!("mount an emptyDir at {folder}, or set readOnlyRootFilesystem: false"),
        }
    })
}

/// The user that the spec gives, where it is not root.
fn user(facts: &Facts<'_>, path: &str) -> Option<Place> {
    if !path.starts_with('/') {
        return None;
    }
    let (container, place) = facts.container()?;
    let own = container.security_context.as_ref().and_then(|it| it.run_as_user);
    let pods = facts.pod().spec.security_context.as_ref();
    let (user, field) = match own {
        Some(user) => (user, format!("{place}.securityContext.runAsUser")),
        None => (pods?.run_as_user?, "spec.securityContext.runAsUser".to_owned()),
    };
    (user != 0).then(|| Place {
        text: format!("the container runs as user {user} by its spec"),
        seen: facts.field(&field, user),
        advice: format!(
            "give user {user} the right to {path}: in the image (chown), by fsGroup where it is in a volume, or by an emptyDir mounted there"
        ),
    })
}
