//! What the names of control groups tell: the pod's uid and the container's id, as kubelets and runtimes write them.
//!
//! With the driver `cgroupfs`: `/kubepods/burstable/pod<uid>/<id>`. With `systemd`:
//! `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid, dashes as _>.slice/cri-containerd-<id>.scope`.

use crate::Owner;

impl Owner {
    /// Whose a control group is, as far as its name and its parent's tell.
    pub fn of_group(name: &str, parent: &str) -> Self {
        let mut owner = Owner {
            group: name.into(),
            ..Owner::default()
        };
        if let Some(id) = container_id_in_group(name) {
            owner.container_id = id.into();
            if let Some(uid) = pod_uid_in_group(parent) {
                owner.pod_uid = uid.into();
            }
        } else if let Some(id) = container_id_in_group(parent) {
            // A group that the container made within its own, or crun's `container` under systemd.
            owner.container_id = id.into();
        }
        owner
    }
}

/// The pod's uid, with dashes, in the name of one control group.
pub fn pod_uid_in_group(name: &str) -> Option<String> {
    let name = name.strip_suffix(".slice").unwrap_or(name);
    let at = name.rfind("pod")?;
    let uid = &name[at + 3..];
    // A static pod's uid is the checksum of its manifest: 32 digits without dashes.
    let plausible = (32..=36).contains(&uid.len())
        && uid
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b'_'));
    plausible.then(|| uid.replace('_', "-"))
}

/// The container's id, without what the runtime writes before it, in the name of one control group.
pub fn container_id_in_group(name: &str) -> Option<&str> {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    // CRI-O's and Podman's monitor of a container runs in a group with the same id, and is not in the container.
    if name.contains("conmon") {
        return None;
    }
    let id = name.rsplit(['-', ':']).next()?;
    (id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_groups_tell_pod_and_container() {
        let id = "a0".repeat(32);
        let uid = "0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60";
        for (name, pod, container) in [
            (format!("pod{uid}"), Some(uid), None),
            (
                "kubepods-burstable-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice".into(),
                Some(uid),
                None,
            ),
            (
                "kubepods-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice".into(),
                Some(uid),
                None,
            ),
            (
                "pod0123456789abcdef0123456789abcdef".into(),
                Some("0123456789abcdef0123456789abcdef"),
                None,
            ),
            (id.clone(), None, Some(&*id)),
            (format!("cri-containerd-{id}.scope"), None, Some(&*id)),
            (format!("crio-{id}.scope"), None, Some(&*id)),
            (format!("docker-{id}.scope"), None, Some(&*id)),
            (
                format!("kubepods-pod1.slice:cri-containerd:{id}"),
                None,
                Some(&*id),
            ),
            (format!("crio-conmon-{id}.scope"), None, None),
            ("kubepods.slice".into(), None, None),
            ("podman.service".into(), None, None),
            ("sshd.service".into(), None, None),
            (String::new(), None, None),
        ] {
            assert_eq!(pod_uid_in_group(&name).as_deref(), pod, "{name}");
            assert_eq!(container_id_in_group(&name), container, "{name}");
        }
    }
}
