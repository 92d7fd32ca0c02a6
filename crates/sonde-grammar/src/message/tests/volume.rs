use super::says;
use crate::fact::{ConfigRef, Fact, RefKind, VolumeFact, VolumeFailure};

fn fact(volumes: &[&str], failure: VolumeFailure) -> Fact {
    Fact::Volume(VolumeFact {
        volumes: volumes.iter().map(|name| (*name).to_owned()).collect(),
        failure,
    })
}

fn missing(kind: RefKind, name: Option<&str>, key: Option<&str>) -> VolumeFailure {
    VolumeFailure::Missing(ConfigRef {
        kind,
        name: name.map(str::to_owned),
        key: key.map(str::to_owned),
        key_missing: key.is_some() || name.is_none(),
    })
}

/// An operation's error, from the event, bare, wrapped by gRPC, and escaped and wrapped over lines.
#[track_caller]
fn mount(operation: &str, error: &str, failure: VolumeFailure) {
    let expect = [fact(&["data"], failure)];
    let text = format!("{operation} failed for volume \"data\" : {error}");
    says("FailedMount", &text, &expect);
    says("", &text, &expect);
    says(
        "FailedMount",
        &format!("{operation} failed for volume \"data\" : rpc error: code = Internal desc = {error}"),
        &expect,
    );
    says(
        "FailedMount",
        &format!(
            "(combined from similar events): {}",
            text.replace('"', "\\\"").replace(' ', " \n  ")
        ),
        &expect,
    );
}

#[test]
fn set_up() {
    use RefKind::{ConfigMap, Secret};
    let path = |path: &str| Some(path.to_owned());
    let token =
        "/var/lib/kubelet/pods/9f/volumes/kubernetes.io~projected/kube-api-access-x/..2026_11_20/token";
    let conf = "/var/lib/kubelet/pods/9f/volumes/kubernetes.io~configmap/conf/..2026/a";
    let rows: Vec<(String, VolumeFailure)> = vec![
        ("configmap \"app\" not found".to_owned(), missing(ConfigMap, Some("app"), None)),
        ("configmaps \"app\" not found".to_owned(), missing(ConfigMap, Some("app"), None)),
        ("secret \"db\" not found".to_owned(), missing(Secret, Some("db"), None)),
        ("secrets \"db\" not found".to_owned(), missing(Secret, Some("db"), None)),
        ("configmap references non-existent config key: url".to_owned(), missing(ConfigMap, None, Some("url"))),
        ("references non-existent secret key: pass".to_owned(), missing(Secret, None, Some("pass"))),
        ("references non-existent secret key".to_owned(), missing(Secret, None, None)),
        ("object \"shop\"/\"app\" not registered".to_owned(), VolumeFailure::NotRegistered { name: "app".to_owned() }),
        (
            "failed to sync configmap cache: timed out waiting for the condition".to_owned(),
            VolumeFailure::NotRegistered { name: String::new() },
        ),
        (
            "failed to sync secret cache: timed out waiting for the condition".to_owned(),
            VolumeFailure::NotRegistered { name: String::new() },
        ),
        (format!("write {token}: no space left on device"), VolumeFailure::NoSpace { path: path(token), tmpfs: true }),
        (
            "mkdir /var/lib/kubelet/pods/9f/volumes/kubernetes.io~secret/s: no space left on device".to_owned(),
            VolumeFailure::NoSpace { path: path("/var/lib/kubelet/pods/9f/volumes/kubernetes.io~secret/s"), tmpfs: true },
        ),
        (format!("write {conf}: no space left on device"), VolumeFailure::NoSpace { path: path(conf), tmpfs: false }),
        (
            "mkdir /var/lib/kubelet/pods/9f/volumes/kubernetes.io~empty-dir/e: no space left on device".to_owned(),
            VolumeFailure::NoSpace { path: path("/var/lib/kubelet/pods/9f/volumes/kubernetes.io~empty-dir/e"), tmpfs: false },
        ),
        (
            "hostPath type check failed: /srv/x is not a directory".to_owned(),
            VolumeFailure::HostPathType { path: "/srv/x".to_owned(), detail: "is not a directory".to_owned() },
        ),
        ("mkdir /srv/x: read-only file system".to_owned(), VolumeFailure::ReadOnly { path: path("/srv/x") }),
        ("chown /srv/x: permission denied".to_owned(), VolumeFailure::Permission { path: path("/srv/x") }),
        (
            "failed to fetch token: serviceaccounts \"web\" is forbidden: node requested token bound to a pod scheduled on a different node".to_owned(),
            VolumeFailure::Token {
                detail: "failed to fetch token: serviceaccounts \"web\" is forbidden: node requested token bound to a pod scheduled on a different node".to_owned(),
            },
        ),
        (
            "kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name csi.example not found in the list of registered CSI drivers".to_owned(),
            VolumeFailure::DriverMissing { driver: "csi.example".to_owned() },
        ),
        ("context deadline exceeded".to_owned(), VolumeFailure::OperationTimeout { operation: Some("MountVolume.SetUp".to_owned()) }),
        (
            "an operation with the given Volume ID vol-1 already exists".replace("an operation", "An operation"),
            VolumeFailure::OperationTimeout { operation: Some("MountVolume.SetUp".to_owned()) },
        ),
        (
            "volume uses the ReadWriteOncePod access mode and is already in use by another pod".to_owned(),
            VolumeFailure::ReadWriteOncePod,
        ),
        ("the disk sings".to_owned(), VolumeFailure::Other { detail: "the disk sings".to_owned() }),
    ];
    for (error, failure) in rows {
        mount("MountVolume.SetUp", &error, failure);
    }
    mount(
        "MountVolume.NewMounter initialization",
        "path \"/mnt/disks/1\" does not exist",
        VolumeFailure::HostPathType {
            path: "/mnt/disks/1".to_owned(),
            detail: "does not exist".to_owned(),
        },
    );
    mount(
        "MountVolume.NodeAffinity check",
        "no matching NodeSelectorTerms",
        VolumeFailure::NodeAffinity,
    );
    mount(
        "MountVolume.MountDevice",
        "context deadline exceeded",
        VolumeFailure::OperationTimeout {
            operation: Some("MountVolume.MountDevice".to_owned()),
        },
    );
    mount(
        "MountVolume.WaitForAttach",
        "timed out waiting for the condition",
        VolumeFailure::AttachTimeout { driver: None },
    );
}

#[test]
fn mount_command() {
    let head = |kind: &str, source: &str| {
        format!(
            "mount failed: exit status 32 Mounting command: mount Mounting arguments: -t {kind} {source} /var/lib/kubelet/pods/9f/volumes/kubernetes.io~nfs/data Output: "
        )
    };
    let unreachable = |server: &str, detail: &str| VolumeFailure::ServerUnreachable {
        server: Some(server.to_owned()),
        detail: detail.to_owned(),
    };
    for (kind, source, output, failure) in [
        ("nfs", "10.0.0.9:/export", "mount.nfs: Connection timed out", unreachable("10.0.0.9", "mount.nfs: Connection timed out")),
        ("nfs", "10.0.0.9:/export", "mount.nfs: Connection refused", unreachable("10.0.0.9", "mount.nfs: Connection refused")),
        ("nfs", "nas.example:/export", "mount.nfs: No route to host", unreachable("nas.example", "mount.nfs: No route to host")),
        (
            "nfs",
            "nas.example:/export",
            "mount.nfs: Failed to resolve server nas.example: Name or service not known",
            unreachable("nas.example", "mount.nfs: Failed to resolve server nas.example: Name or service not known"),
        ),
        (
            "nfs",
            "10.0.0.9:/export",
            "mount.nfs: access denied by server while mounting 10.0.0.9:/export",
            VolumeFailure::ExportDenied { detail: "mount.nfs: access denied by server while mounting 10.0.0.9:/export".to_owned() },
        ),
        (
            "nfs",
            "10.0.0.9:/export",
            "mount.nfs: mounting 10.0.0.9:/export failed, reason given by server: No such file or directory",
            VolumeFailure::ExportDenied { detail: "mount.nfs: mounting 10.0.0.9:/export failed, reason given by server: No such file or directory".to_owned() },
        ),
        (
            "nfs",
            "10.0.0.9:/export",
            "mount: /var/lib/x: bad option; for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.<type> helper program.",
            VolumeFailure::HelperMissing { helper: "nfs".to_owned() },
        ),
        ("glusterfs", "g1:vol", "mount: unknown filesystem type 'glusterfs'", VolumeFailure::HelperMissing { helper: "glusterfs".to_owned() }),
        (
            "ext4",
            "/dev/xvdba",
            "mount: /var/lib/x: wrong fs type, bad option, bad superblock on /dev/xvdba, missing codepage or helper program, or other error.",
            VolumeFailure::FileSystem {
                detail: "mount: /var/lib/x: wrong fs type, bad option, bad superblock on /dev/xvdba, missing codepage or helper program, or other error.".to_owned(),
            },
        ),
        (
            "cifs",
            "//nas.example/share",
            "mount error(13): Permission denied",
            VolumeFailure::ExportDenied { detail: "mount error(13): Permission denied".to_owned() },
        ),
    ] {
        mount("MountVolume.SetUp", &format!("{}{output}", head(kind, source)), failure);
    }
    mount(
        "MountVolume.MountDevice",
        "'fsck' found errors on device /dev/sdb but could not correct them",
        VolumeFailure::FileSystem {
            detail: "'fsck' found errors on device /dev/sdb but could not correct them".to_owned(),
        },
    );
}

#[test]
fn summaries() {
    let late = [fact(&["data", "conf"], VolumeFailure::TimedOut)];
    for text in [
        "Unable to mount volumes for pod \"web-1_shop(9f)\": timeout expired waiting for volumes to attach/mount for pod \"shop\"/\"web-1\". list of unattached/unmounted volumes=[data conf]",
        "Unable to mount volumes for pod \"web-1_shop(9f)\": timeout expired waiting for volumes to attach or mount for pod \"shop\"/\"web-1\". list of unmounted volumes=[data conf]. list of unattached volumes=[conf data token]",
        "Unable to attach or mount volumes: unmounted volumes=[data conf], unattached volumes=[data conf token]: timed out waiting for the condition",
        "Unable to attach or mount volumes: unmounted volumes=[data conf], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition",
        "Unable to attach or mount volumes: unmounted volumes=[data conf], unattached volumes=[], failed to process volumes=[]: context deadline exceeded",
        "(combined from similar events): Unable to attach or mount volumes: unmounted volumes=[data\n   conf], unattached volumes=[]: timed out waiting for the condition",
        "Unable to attach or mount volumes: unmounted volumes=[data conf], unattached volu",
    ] {
        says("FailedMount", text, &late);
        says("", text, &late);
    }
    says(
        "FailedMount",
        "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[data]: error processing PVC shop/data: failed to fetch PVC from API server: persistentvolumeclaims \"data\" not found",
        &[fact(
            &["data"],
            VolumeFailure::ClaimMissing {
                claim: "data".to_owned(),
            },
        )],
    );
    says(
        "FailedMount",
        "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[data]: error processing PVC shop/data: PVC is not bound",
        &[fact(
            &["data"],
            VolumeFailure::ClaimUnbound {
                claim: "data".to_owned(),
            },
        )],
    );
}

#[test]
fn attach() {
    let row = |text: &str, failure: VolumeFailure| {
        let expect = [fact(&["pvc-1"], failure)];
        says("FailedAttachVolume", text, &expect);
        says("", text, &expect);
    };
    row(
        "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) web-0, web-1",
        VolumeFailure::MultiAttach {
            pods: vec!["web-0".to_owned(), "web-1".to_owned()],
            node: None,
        },
    );
    row(
        "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) web-0 and 1 pod(s) in different namespaces",
        VolumeFailure::MultiAttach {
            pods: vec!["web-0".to_owned()],
            node: None,
        },
    );
    row(
        "Multi-Attach error for volume \"pvc-1\" Volume is already used by 2 pod(s) in different namespaces",
        VolumeFailure::MultiAttach {
            pods: vec![],
            node: None,
        },
    );
    row(
        "Multi-Attach error for volume \"pvc-1\" Volume is already exclusively attached to one node and can't be attached to another",
        VolumeFailure::MultiAttach {
            pods: vec![],
            node: None,
        },
    );
    row(
        "Multi-Attach error for volume \"pvc-1\" Volume is already exclusively attached to node node-7 and can't be attached to another",
        VolumeFailure::MultiAttach {
            pods: vec![],
            node: Some("node-7".to_owned()),
        },
    );
    row(
        "AttachVolume.Attach failed for volume \"pvc-1\" : timed out waiting for external-attacher of csi.example CSI driver to attach volume vol-9",
        VolumeFailure::AttachTimeout {
            driver: Some("csi.example".to_owned()),
        },
    );
    row(
        "AttachVolume.Attach failed for volume \"pvc-1\" : attachdetachment timeout for volume vol-9",
        VolumeFailure::AttachTimeout { driver: None },
    );
    row(
        "AttachVolume.Attach failed for volume \"pvc-1\" : attachment timeout for volume vol-9",
        VolumeFailure::AttachTimeout { driver: None },
    );
    row(
        "AttachVolume.Attach failed for volume \"pvc-1\" : rpc error: code = DeadlineExceeded desc = context deadline exceeded",
        VolumeFailure::AttachTimeout { driver: None },
    );
    row(
        "AttachVolume.Attach failed for volume \"pvc-1\" : rpc error: code = Internal desc = AttachVolumeLimitExceeded: You have reached your limit of volumes",
        VolumeFailure::AttachLimit,
    );
    row(
        "AttachVolume.Attach failed for volume \"pvc-1\" : CSINode node-7 does not contain driver csi.example",
        VolumeFailure::DriverMissing {
            driver: "csi.example".to_owned(),
        },
    );
    row(
        "AttachVolume.Attach failed for volume \"pvc-1\" : rpc error: code = NotFound desc = volume vol-9 was not seen",
        VolumeFailure::AttachFailed {
            detail: "volume vol-9 was not seen".to_owned(),
        },
    );
    says(
        "FailedMount",
        "Volume not attached according to node status for volume \"pvc-1\" (UniqueName: \"kubernetes.io/csi/csi.example^vol-9\") pod \"web-0\" (UID: \"9f\") ",
        &[fact(&["pvc-1"], VolumeFailure::AttachTimeout { driver: None })],
    );
}

#[test]
fn look_alikes() {
    for text in [
        "plugin not registered",
        "No such file or directory",
        "mount point is busy",
        "volume is fine",
        "MountVolume",
    ] {
        says("", text, &[]);
    }
    says("FailedMount", "", &[]);
    says(
        "SuccessfulAttachVolume",
        "AttachVolume.Attach succeeded for volume \"pvc-1\" ",
        &[],
    );
    says("", "AttachVolume.Attach succeeded for volume \"pvc-1\" ", &[]);
    says("", "MountVolume.SetUp succeeded for volume \"pvc-1\" ", &[]);
}
