//! Configuring and creating: nothing of the container runs yet.

use super::super::words::{after, any, detail, name, name_after, name_after_any, number};
use super::{config_ref, container_in_parentheses};
use crate::fact::CreateFailure;

/// Texts that only the kubelet or a runtime writes while it configures or creates.
pub(in crate::message) const KUBELETS: &[&str] = &[
    "container has runAsNonRoot",
    "breaks non-root policy",
    "image has non-numeric user",
    "couldn't find key ",
    "references non-existent",
    "configmap \"",
    "secret \"",
    "configmaps \"",
    "secrets \"",
    "subPath directory for volumeMount",
    "prepare subPath for volumeMount",
    "to mount into container",
    "services have not yet been read",
    "failed to reserve container name",
    "error reserving ctr name",
    "too low; should be at least",
    "failed to generate container ",
    "failed to create containerd container",
    "Minimum memory limit allowed is",
    "is already in use by container",
    "daemon: No command specified",
    "could not select device driver",
];

/// Whether the text is surely of this stage.
pub(super) fn is_kubelets(text: &str) -> bool {
    any(text, KUBELETS)
}

type Row = (&'static [&'static str], fn(&str) -> CreateFailure);

const ROWS: &[Row] = &[
    (
        &[
            "image will run as root",
            "breaks non-root policy",
            "break non-root policy",
        ],
        |text| CreateFailure::RunsAsRoot {
            container: container_in_parentheses(text),
        },
    ),
    (
        &[
            "error SubPath ",
            "unable to provision SubPath",
            "failed to prepare subPath",
            "failed to create subPath",
            "subPath for volumeMount",
            "subPath directory",
        ],
        |text| CreateFailure::SubPath { detail: detail(text) },
    ),
    // `pkg/kubelet/container/helpers.go`, `ExpandContainerVolumeMounts`.
    (&["missing value for "], |text| CreateFailure::SubPathVariable {
        name: name_after(text, "missing value for ")
            .unwrap_or_default()
            .to_owned(),
    }),
    (&["services have not yet been read"], |_| {
        CreateFailure::ServicesNotSynced
    }),
    (
        &[
            "failed to reserve container name",
            "error reserving ctr name",
            "name is reserved",
            "is already in use by container",
            "is reserved for ",
        ],
        |_| CreateFailure::NameReserved,
    ),
    (
        &[
            "no command specified",
            "No command specified",
            "no command or entrypoint",
            "process.args must not be empty",
        ],
        |_| CreateFailure::NoCommand,
    ),
    (&["seccomp"], |text| CreateFailure::Seccomp {
        detail: detail(text),
    }),
    (&["apparmor", "AppArmor"], |text| CreateFailure::AppArmor {
        detail: detail(text),
    }),
    (
        &[
            "unknown capability",
            "invalid capability",
            "apply caps",
            "Unknown capability",
            "Invalid CapAdd",
            "invalid CapAdd",
        ],
        |text| CreateFailure::Capability { detail: detail(text) },
    ),
    (
        &[
            "gathering device information",
            "CDI device",
            "failed to set devices mapping",
            "could not select device driver",
            "failed to inject",
        ],
        |text| CreateFailure::Device { device: device(text) },
    ),
];

/// Refusals that both stages can meet, decided before anything else.
const SHARED: &[Row] = &[
    (&["no space left on device", "disk quota exceeded"], |_| {
        CreateFailure::DiskFull
    }),
    (
        &[
            "Cannot connect to the Docker daemon",
            "transport: Error while dialing",
            "error reading from server: EOF",
            "transport is closing",
            "containerd.sock: connect",
            "crio.sock: connect",
            "dockershim.sock: connect",
            "cri-dockerd.sock: connect",
        ],
        |_| CreateFailure::RuntimeDown,
    ),
];

/// What both stages say in the same words.
pub(super) fn shared(text: &str) -> Option<CreateFailure> {
    // A cgroup's `no space left on device` is about a limit of the kernel, not about a disk.
    if text.contains("cgroup") {
        return memory_limit_too_low(text);
    }
    memory_limit_too_low(text).or_else(|| by(SHARED, text))
}

/// Why the container could not be configured or created.
pub(super) fn failure(text: &str) -> Option<CreateFailure> {
    if let Some(missing) = config_ref(text) {
        return Some(CreateFailure::Config(missing));
    }
    if text.contains("failed to sync") && any(text, &["configmap cache", "secret cache"]) {
        return Some(CreateFailure::CacheNotSynced);
    }
    if let Some(user) = user_in_parentheses(text) {
        return Some(CreateFailure::NonNumericUser { user });
    }
    if let Some(volume) = name_after_any(text, &["cannot find volume ", "cannot find the volume "]) {
        return Some(CreateFailure::VolumeNotFound {
            volume: volume.to_owned(),
        });
    }
    if let Some(found) = shared(text).or_else(|| by(ROWS, text)) {
        return Some(found);
    }
    if text.contains(" /dev/") && text.contains("o such file or directory") {
        return Some(CreateFailure::Device { device: device(text) });
    }
    if let Some(user) = unknown_user(text) {
        return Some(CreateFailure::UnknownUser { user });
    }
    any(
        text,
        &["deadline exceeded", "DeadlineExceeded", "operation timeout"],
    )
    .then_some(CreateFailure::RuntimeTimeout)
}

fn by(rows: &[Row], text: &str) -> Option<CreateFailure> {
    rows.iter()
        .find(|(markers, _)| any(text, markers))
        .map(|(_, make)| make(text))
}

/// `image has non-numeric user (nginx), cannot verify user is non-root`.
fn user_in_parentheses(text: &str) -> Option<String> {
    let rest = after(text, "image has non-numeric user (")?;
    rest.split_once(')').map(|(user, _)| user.to_owned())
}

/// `unable to find user app: no matching entries in passwd file`, containerd's `no users found`.
pub(super) fn unknown_user(text: &str) -> Option<String> {
    let named = name_after_any(
        text,
        &[
            "unable to find user ",
            "unable to find group ",
            "failed to get user ",
            "lookup user ",
        ],
    );
    if let Some(user) = named {
        return Some(user.to_owned());
    }
    any(
        text,
        &[
            "no users found",
            "no groups found",
            "no matching entries in passwd file",
            "user: unknown user",
        ],
    )
    .then(|| name_after(text, "unknown user ").unwrap_or_default().to_owned())
}

/// CRI-O's `set memory limit 4194304 too low; should be at least 12582912 bytes` and docker's minimum.
pub(in crate::message) fn limits_too_low(text: &str) -> Option<(Option<i64>, Option<i64>)> {
    let bytes = |marker: &str| {
        after(text, marker)
            .and_then(number)
            .and_then(|bytes| i64::try_from(bytes).ok())
    };
    if text.contains("too low; should be at least") || text.contains("too low: should be at least") {
        return Some((bytes("memory limit "), bytes("at least ")));
    }
    let rest = after(text, "inimum memory limit allowed is ")?;
    // Docker says it in MB and means MiB.
    let minimum = number(rest)
        .and_then(|mega| i64::try_from(mega).ok())
        .and_then(|mega| mega.checked_mul(1 << 20));
    Some((None, minimum))
}

fn memory_limit_too_low(text: &str) -> Option<CreateFailure> {
    let (limit_bytes, minimum_bytes) = limits_too_low(text)?;
    Some(CreateFailure::MemoryLimitTooLow {
        limit_bytes,
        minimum_bytes,
    })
}

fn device(text: &str) -> String {
    let path = text.find("/dev/").and_then(|at| name(&text[at..]));
    path.or_else(|| {
        name_after_any(
            text,
            &["custom device ", "CDI devices ", "CDI device ", "device driver "],
        )
    })
    .unwrap_or_default()
    .trim_end_matches(':')
    .to_owned()
}
