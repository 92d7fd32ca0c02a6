//! Why a volume is not there.

use super::super::container::config_refs;
use super::super::scheduling::claim_not_found;
use super::super::words::{
    after, any, between, detail, innermost, name, name_after, name_after_any, path_before,
};
use crate::fact::VolumeFailure;

/// Wrappers whose content is what counts.
const WRAPPERS: &[&str] = &["Output: ", "desc = "];

/// The words that matter of a text that no grammar knows.
pub(super) fn words(text: &str) -> String {
    // After `for volume "x" : ` the operation's own error begins; in logs, ids stand in between, with colons of their own.
    if let Some(rest) = after(text, " for volume ") {
        let error = rest
            .split_once(" : ")
            .or_else(|| rest.split_once("\": "))
            .or_else(|| rest.split_once(": "));
        if let Some((_, error)) = error {
            return detail(error);
        }
    }
    innermost(text, WRAPPERS)
}

type Row = (&'static [&'static str], fn(&str) -> VolumeFailure);

/// In order: what names the cause before what may only be its echo.
const ROWS: &[Row] = &[
    (&["PVC is not bound", "unbound PVC", "is not bound"], |text| {
        VolumeFailure::ClaimUnbound { claim: claim(text) }
    }),
    (&["PVC is being deleted"], |text| VolumeFailure::Other {
        detail: words(text),
    }),
    (
        &["/csi.sock: connect", "/csi-sock: connect", ".sock: connect: "],
        |text| VolumeFailure::DriverDown {
            driver: between(text, "/plugins/", "/").unwrap_or_default().to_owned(),
        },
    ),
    (&["ReadWriteOncePod access mode and is already in use"], |_| {
        VolumeFailure::ReadWriteOncePod
    }),
    (
        &[
            "Multi-Attach error",
            "already exclusively attached to one node",
            "already attached to another node",
            "already attached to node",
            "is already attached to an instance",
            "is already being used by",
            "is attached to a different instance",
            "still mounted on node ",
            "is already used by other node",
        ],
        multi_attach,
    ),
    (
        &[
            "exceed max volume count",
            "AttachVolumeLimitExceeded",
            "ttachment limit",
            "maximum number of data disks",
            "maximum number of disks",
            "aximum number of volumes",
            "oo many volumes attached",
            "ResourceExhausted",
        ],
        |_| VolumeFailure::AttachLimit,
    ),
    (
        &["list of registered CSI drivers", "does not contain driver"],
        |text| VolumeFailure::DriverMissing {
            driver: name_after_any(text, &["driver name ", "contain driver "])
                .unwrap_or_default()
                .to_owned(),
        },
    ),
    (
        &["no volume plugin matched", "failed to get Plugin from volumeSpec"],
        |text| VolumeFailure::DriverMissing {
            driver: name_after(text, "no volume plugin matched name: ")
                .unwrap_or_default()
                .to_owned(),
        },
    ),
    (
        &[
            "external-attacher of ",
            "attachdetachment timeout",
            "attachment timeout for volume",
            "not attached according to node status",
            "Timeout waiting for volume to be attached",
            "timed out waiting for volume attachment",
            "can't finish within the allo",
        ],
        |text| VolumeFailure::AttachTimeout {
            driver: name_after(text, "external-attacher of ").map(str::to_owned),
        },
    ),
    (
        &[
            "you might need a /sbin/mount.",
            "unknown filesystem type",
            "executable file not found in $PATH",
            "need to install",
            "you need to run /sbin/mount",
        ],
        helper_missing,
    ),
    (
        &[
            "access denied by server",
            "reason given by server",
            "mount error(13)",
            "mount error 13",
            "mount error(2)",
            "requested NFS version or transport protocol is not supported",
            "Protocol not supported",
        ],
        |text| VolumeFailure::ExportDenied { detail: output(text) },
    ),
    (
        &[
            "Connection timed out",
            "connection timed out",
            "Connection refused",
            "No route to host",
            "no route to host",
            "Network is unreachable",
            "network is unreachable",
            "Host is down",
            "Name or service not known",
            "Failed to resolve ",
            "could not resolve address",
            "mount error(113)",
            "mount error(111)",
            "mount error(115)",
            "mount error(110)",
            "mount error 110",
            "cannot make connection to",
            "Temporary failure in name resolution",
        ],
        |text| VolumeFailure::ServerUnreachable {
            server: server(text),
            detail: output(text),
        },
    ),
    (&["subPath", "subpath "], |text| VolumeFailure::SubPath {
        detail: words(text),
    }),
    (&["hostPath type check failed"], host_path),
    (
        &[
            "no space left on device",
            "No space left on device",
            "disk quota exceeded",
            "Disk quota exceeded",
        ],
        |text| {
            let path = path_before(text, "o space left on device".trim()).or_else(|| first_path(text));
            let tmpfs = any(
                text,
                &[
                    "kubernetes.io~projected",
                    "kubernetes.io~secret",
                    "kubernetes.io~downward-api",
                ],
            );
            VolumeFailure::NoSpace {
                path: no_space_path(text).or(path),
                tmpfs,
            }
        },
    ),
    (&["ead-only file system"], |text| VolumeFailure::ReadOnly {
        path: path_before(text, "read-only file system")
            .or_else(|| path_before(text, "Read-only file system"))
            .or_else(|| first_path(text)),
    }),
    (
        &[
            "bad superblock",
            "wrong fs type",
            "tructure needs cleaning",
            "it already contains",
            "nput/output error",
            "duplicate UUID",
            "an't read superblock",
            "failed to format",
        ],
        |text| VolumeFailure::FileSystem { detail: output(text) },
    ),
    (
        &[
            "failed to fetch token",
            "failed to get service account token",
            "failed to generate token",
            "TokenRequest",
            "serviceaccounts \"",
        ],
        |text| VolumeFailure::Token { detail: words(text) },
    ),
    (
        &[
            "NodeAffinity check failed",
            "node affinity doesn't match",
            "no matching NodeSelectorTerms",
            "No matching NodeSelectorTerms",
        ],
        |_| VolumeFailure::NodeAffinity,
    ),
    (&["ermission denied", "peration not permitted"], |text| {
        VolumeFailure::Permission {
            path: path_before(text, "permission denied")
                .or_else(|| path_before(text, "Permission denied"))
                .or_else(|| path_before(text, "operation not permitted")),
        }
    }),
];

/// Why the volume is not there; several for a projected volume that lacks several objects, none when nothing is known.
pub(super) fn failures(text: &str) -> Vec<VolumeFailure> {
    if let Some(name) = not_registered(text) {
        return vec![VolumeFailure::NotRegistered { name }];
    }
    let missing = config_refs(text);
    if missing.is_empty() {
        return failure(text).into_iter().collect();
    }
    missing.into_iter().map(VolumeFailure::Missing).collect()
}

fn failure(text: &str) -> Option<VolumeFailure> {
    if let Some(claim) = claim_not_found(text) {
        return Some(VolumeFailure::ClaimMissing {
            claim: claim.to_owned(),
        });
    }
    if let Some((_, make)) = ROWS.iter().find(|(markers, _)| any(text, markers)) {
        return Some(make(text));
    }
    if is_damaged(text) {
        return Some(VolumeFailure::FileSystem { detail: output(text) });
    }
    // The whole error of a local volume, whose directory is not on the node.
    let stat = words(text);
    if stat.starts_with("stat /") || stat.starts_with("lstat /") {
        let path = path_before(&stat, "no such file or directory");
        return path.map(|path| VolumeFailure::HostPathType {
            path,
            detail: "does not exist".to_owned(),
        });
    }
    if let Some(path) = missing_path(text) {
        return Some(VolumeFailure::HostPathType {
            path,
            detail: "does not exist".to_owned(),
        });
    }
    timeout(text)
}

/// Words of the tools that check and make file systems; in a path or a volume's name they are none.
fn is_damaged(text: &str) -> bool {
    const WORDS: &[&str] = &["fsck", "mkfs", "mke2fs", "corrupt"];
    let volume = name_after(text, "for volume ").unwrap_or_default();
    text.split_whitespace().any(|word| {
        let bare = word.trim_matches(['"', '\\', ':', ',']);
        !bare.contains('/') && bare != volume && any(bare, WORDS)
    })
}

/// `object "NS"/"NAME" not registered`, and the caches that are not filled in time after a kubelet's start.
fn not_registered(text: &str) -> Option<String> {
    if text.contains("object ") && text.contains(" not registered") {
        let object = between(text, "object ", " not registered")?;
        let name = object.rsplit('/').next().unwrap_or(object).trim_matches('"');
        return Some(name.to_owned());
    }
    const CACHES: &[&str] = &[
        "failed to sync configmap cache",
        "failed to sync secret cache",
        "couldn't propagate object cache",
    ];
    any(text, CACHES).then(String::new)
}

fn timeout(text: &str) -> Option<VolumeFailure> {
    const SUMMARY: &[&str] = &[
        "unmounted volumes",
        "timeout expired waiting for volumes",
        "Unable to attach or mount",
        "Unable to mount volumes",
    ];
    const LATE: &[&str] = &[
        "timed out waiting for the condition",
        "deadline exceeded",
        "DeadlineExceeded",
        "timeout expired",
        "operation with the given Volume ID",
        "operation with given",
        "An operation with the given",
        "context canceled",
    ];
    if any(text, SUMMARY) {
        return Some(VolumeFailure::TimedOut);
    }
    if !any(text, LATE) {
        return None;
    }
    Some(match operation(text) {
        Some(attach) if attach.starts_with("AttachVolume") || attach.contains("WaitForAttach") => {
            VolumeFailure::AttachTimeout { driver: None }
        }
        operation => VolumeFailure::OperationTimeout {
            operation: operation.map(str::to_owned),
        },
    })
}

/// `MountVolume.MountDevice` of `MountVolume.MountDevice failed for volume "x" : ...`.
fn operation(text: &str) -> Option<&str> {
    text.split(' ')
        .find(|word| word.contains("Volume."))
        .map(|word| word.trim_matches(['"', ':']))
}

fn claim(text: &str) -> String {
    let named = name_after_any(text, &["error processing PVC ", "persistentvolumeclaim ", "PVC "])
        .unwrap_or_default();
    let named = if named == "is" { "" } else { named };
    named.rsplit('/').next().unwrap_or(named).to_owned()
}

fn multi_attach(text: &str) -> VolumeFailure {
    let pods = after(text, "used by pod(s) ").map(|rest| {
        let words = rest.split(" and ").next().unwrap_or(rest);
        words
            .split(", ")
            .map(|pod| pod.trim().trim_end_matches('.'))
            .filter(|pod| !pod.is_empty() && !pod.contains(' '))
            .take(64)
            .map(str::to_owned)
            .collect()
    });
    let node = name_after_any(
        text,
        &[
            "attached to node ",
            "still mounted on node ",
            "attached to node(",
            "being used by ",
            "to a different instance (",
            "attached to instance ",
        ],
    );
    // Clouds name a machine by its whole path.
    let node = node.map(|node| node.rsplit('/').next().unwrap_or(node));
    let node = node
        .filter(|node| !matches!(*node, "" | "and" | "exclusively" | "node" | "pod(s)"))
        .map(str::to_owned);
    VolumeFailure::MultiAttach {
        pods: pods.unwrap_or_default(),
        node,
    }
}

/// What the mount command printed, else all words.
fn output(text: &str) -> String {
    after(text, "Output: ").map_or_else(|| words(text), detail)
}

/// The hint about a helper stands behind every refusal of mount(8); the kernel itself mounts what is on disks.
fn helper_missing(text: &str) -> VolumeFailure {
    let helper = helper(text);
    let on_disk = ["ext2", "ext3", "ext4", "xfs", "btrfs", "vfat"].contains(&helper.as_str());
    if on_disk && !text.contains("unknown filesystem type") && !text.contains("executable file not found") {
        return VolumeFailure::FileSystem { detail: output(text) };
    }
    VolumeFailure::HelperMissing { helper }
}

fn helper(text: &str) -> String {
    if let Some(kind) = name_after(text, "unknown filesystem type ") {
        return kind.to_owned();
    }
    if let Some(kind) = name_after_any(text, &["Mounting arguments: -t ", "mount -t ", " -t "]) {
        return kind.to_owned();
    }
    // `rbd: map failed executable file not found in $PATH` names its tool by its own prefix only.
    let tool = name_after(text, "exec: ").or_else(|| text.contains("rbd: map failed").then_some("rbd"));
    tool.unwrap_or_default().to_owned()
}

/// The server of `10.0.0.1:/export`, `//server/share`, or the one a resolver did not know.
fn server(text: &str) -> Option<String> {
    if let Some(named) = name_after_any(
        text,
        &[
            "Failed to resolve server ",
            "Failed to resolve ",
            "could not resolve address for ",
            "cannot make connection to ",
        ],
    ) {
        return Some(named.trim_end_matches(':').to_owned());
    }
    let at = text.find(":/").filter(|at| !text[at + 1..].starts_with("//"))?;
    let start = text[..at].rfind([' ', '"']).map_or(0, |space| space + 1);
    let host = &text[start..at];
    let is_host = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'[' | b']' | b':'));
    is_host.then(|| host.to_owned())
}

fn host_path(text: &str) -> VolumeFailure {
    let rest = after(text, "hostPath type check failed: ").unwrap_or_default();
    let (path, detail_words) = rest.split_once(' ').unwrap_or((rest, ""));
    VolumeFailure::HostPathType {
        path: path.to_owned(),
        detail: detail(detail_words),
    }
}

/// A local volume's directory that is not on the node.
fn missing_path(text: &str) -> Option<String> {
    let path = name_after(text, "path ").filter(|path| path.starts_with('/'))?;
    (text.contains(" does not exist") && !text.contains("/kubelet/plugins/")).then(|| path.to_owned())
}

fn no_space_path(text: &str) -> Option<String> {
    path_before(text, "no space left on device")
        .or_else(|| path_before(text, "No space left on device"))
        .or_else(|| path_before(text, "disk quota exceeded"))
}

/// The first absolute path.
fn first_path(text: &str) -> Option<String> {
    let at = text.find(" /")?;
    name(&text[at + 1..]).map(|path| path.trim_end_matches(':').to_owned())
}
