//! The pod's sandbox: cgroup, pause container, network.

use super::container::{early_death, limits_too_low};
use super::image;
use super::words::{after, any, detail, innermost, name_after, name_after_any};
use crate::fact::{Fact, SandboxFailure};

/// Texts that only a sandbox' life has.
pub(super) const ANCHORS: &[&str] = &[
    "create pod sandbox",
    "create pod network sandbox",
    "CreatePodSandbox",
    "create sandbox for pod",
    "od sandbox changed",
    "network for sandbox",
    "network for pod",
    "sandbox container",
    "get sandbox image",
    "reserve sandbox name",
    "pod sandbox with name",
    "etworkPlugin cni",
    "network is not ready: ",
    "unable to ensure pod container exists",
    "pod sandbox status",
    "KillPodSandbox",
    "Failed to prepare dynamic resources",
    "sandbox runtime: no runtime for",
];

/// Reads a text of unknown origin.
pub(super) fn by_text(text: &str, out: &mut Vec<Fact>) {
    if any(text, ANCHORS) {
        read(text, out);
    }
}

/// Reads a text whose reason says that it is about the sandbox.
pub(super) fn read(text: &str, out: &mut Vec<Fact>) {
    if text.is_empty() {
        return;
    }
    if text.contains("sandbox changed") {
        out.push(Fact::Sandbox(SandboxFailure::Changed));
        return;
    }
    if text.contains("Failed to prepare dynamic resources") {
        return dynamic_resources(text, out);
    }
    if let Some(image) = pause_image(text) {
        out.push(Fact::Sandbox(SandboxFailure::PauseImage { image }));
        image::push_failed(text, out);
        return;
    }
    let failure = failure(text).unwrap_or_else(|| SandboxFailure::Other { detail: words(text) });
    out.push(Fact::Sandbox(failure));
}

/// Event `SandboxChanged`, whatever its text.
pub(super) fn changed(out: &mut Vec<Fact>) {
    out.push(Fact::Sandbox(SandboxFailure::Changed));
}

/// Event `FailedPrepareDynamicResources`.
pub(super) fn dynamic_resources(text: &str, out: &mut Vec<Fact>) {
    out.push(Fact::Sandbox(SandboxFailure::DynamicResources {
        detail: words(text),
    }));
}

/// Events `FailedSync`, `FailedPodSandBoxStatus`: the kubelet asks for a state and the runtime does not give it.
pub(super) fn status(text: &str, out: &mut Vec<Fact>) {
    const KUBELETS: &[&str] = &["error determining status", "pod sandbox status"];
    if let Some(failure) = runtime(text) {
        out.push(Fact::Sandbox(failure));
    } else if any(text, KUBELETS) {
        // Other controllers call their own failures `FailedSync` too.
        out.push(Fact::Sandbox(SandboxFailure::Other { detail: words(text) }));
    }
}

fn words(text: &str) -> String {
    const WRAPPERS: &[&str] = &[
        "ailed to create pod sandbox: ",
        "Failed create pod sandbox: ",
        "failed to start sandbox container task ",
        "unable to start container process: ",
        "unable to ensure pod container exists: ",
        "Unable to get pod sandbox status: ",
        "error determining status: ",
        "Failed to prepare dynamic resources: ",
        "network is not ready: ",
        "Error response from daemon: ",
    ];
    innermost(text, WRAPPERS)
}

/// The pause image, when it is what cannot be had.
fn pause_image(text: &str) -> Option<String> {
    const MARKERS: &[&str] = &[
        "failed to get sandbox image ",
        "unable to get sandbox image ",
        "failed pulling image ",
        "unable to pull sandbox image ",
    ];
    if let Some(image) = name_after_any(text, MARKERS) {
        return Some(image.to_owned());
    }
    // CRI-O resolves the image while it creates the sandbox.
    let image = name_after(text, "initializing source docker://")
        .or_else(|| name_after(text, "Error initializing source docker://"))?;
    Some(image.to_owned())
}

type Row = (&'static [&'static str], fn(&str) -> SandboxFailure);

const TEARDOWN: &[&str] = &[
    "failed to destroy network",
    "failed to teardown pod",
    "failed (delete)",
    "failed to tear down",
    "KillPodSandbox",
];

/// In order; memory first: what dies of it leaves traces that look like anything else.
const ROWS: &[Row] = &[
    (
        &[
            "container init was OOM-killed",
            "memory limit could be too low",
            "unable to set memory limit",
            "memory.limit_in_bytes",
            "memory.max:",
        ],
        |text| SandboxFailure::MemoryLimit { detail: words(text) },
    ),
    (
        &[
            "unable to ensure pod container exists",
            "failed to create pod cgroup",
        ],
        |text| SandboxFailure::PodCgroup { detail: words(text) },
    ),
    (
        &[
            "cni plugin not initialized",
            "cni config uninitialized",
            "NetworkPluginNotReady",
            "no networks found in /etc/cni",
            "No networks found in /etc/cni",
            "no valid networks found in",
            "network is not ready",
        ],
        |text| SandboxFailure::NetworkNotReady { detail: words(text) },
    ),
    (&["failed to find plugin ", "could not find plugin "], |text| {
        SandboxFailure::CniPluginMissing {
            plugin: name_after_any(text, &["failed to find plugin ", "could not find plugin "])
                .unwrap_or_default()
                .to_owned(),
        }
    }),
    (
        &[
            "no IP addresses available",
            "no available IP",
            "no addresses available",
            "no available addresses",
            "failed to assign an IP address",
            "no more free addresses",
            "No more IPs available",
            "range is full",
            "out of 1 requested IPv4",
            "out of 1 requested IPv6",
            "insufficient IPs",
            "nsufficientFreeAddressesInSubnet",
            "Could not allocate IP in range",
            "no free IP",
            "IP pool exhausted",
            "no unassigned IP",
        ],
        |text| SandboxFailure::NoAddresses { range: range(text) },
    ),
    (
        &[
            "failed to find runtime handler",
            "no runtime for ",
            "RuntimeHandler ",
            "runtime handler ",
            "unknown or invalid runtime name",
            "unknown runtime",
        ],
        |text| SandboxFailure::RuntimeHandler {
            handler: name_after_any(
                text,
                &[
                    "runtime handler ",
                    "no runtime for ",
                    "RuntimeHandler ",
                    "runtime name: ",
                    "nknown runtime specified ",
                ],
            )
            .unwrap_or_default()
            .to_owned(),
        },
    ),
    (
        &[
            "reserve sandbox name",
            "reserving pod sandbox name",
            "pod sandbox with name",
            "name is reserved",
            "is already in use by container",
            "is reserved for ",
        ],
        |_| SandboxFailure::NameReserved,
    ),
    (&["cgroup configuration", "/sys/fs/cgroup/"], |text| {
        SandboxFailure::PodCgroup { detail: words(text) }
    }),
    (&["no space left on device", "disk quota exceeded"], |_| {
        SandboxFailure::DiskFull
    }),
    (
        &[
            "network for sandbox",
            "network for pod",
            "etworkPlugin cni",
            "plugin type=",
            "failed (add)",
            "adding container to network",
            "adding pod to CNI",
            "CNI request failed",
            "network plugin",
            "pod network",
            "loopback",
        ],
        |text| SandboxFailure::CniFailed {
            plugin: plugin(text),
            detail: network_words(text),
        },
    ),
];

fn failure(text: &str) -> Option<SandboxFailure> {
    if let Some((limit_bytes, minimum_bytes)) = limits_too_low(text) {
        return Some(SandboxFailure::MemoryLimitTooLow {
            limit_bytes,
            minimum_bytes,
        });
    }
    // A sandbox that could not be made is cleaned up, and the words of that failure are appended.
    let makes = any(
        text,
        &[
            "create pod sandbox",
            "failed to set up",
            "setup network",
            "failed (add)",
            "network sandbox",
        ],
    );
    if !makes && any(text, TEARDOWN) {
        return Some(SandboxFailure::Teardown {
            plugin: plugin(text),
            detail: network_words(text),
        });
    }
    // Without a cgroup in the words it is the node that has no memory, or the kernel no process to give.
    if text.contains("cannot allocate memory") && text.contains("cgroup") {
        return Some(SandboxFailure::MemoryLimit { detail: words(text) });
    }
    let by_row = ROWS
        .iter()
        .find(|(markers, _)| any(text, markers))
        .map(|(_, make)| make(text));
    by_row
        .or_else(|| early_death(text).then(|| SandboxFailure::InitDied { detail: words(text) }))
        .or_else(|| runtime(text))
}

/// The runtime itself.
fn runtime(text: &str) -> Option<SandboxFailure> {
    const DOWN: &[&str] = &[
        "Cannot connect to the Docker daemon",
        "Error while dialing",
        "error reading from server: EOF",
        "transport is closing",
        ".sock: connect",
        "connection error: desc",
    ];
    // A shim's or a virtual machine's agent that is gone is not the runtime.
    if any(text, DOWN) && !any(text, &["containerd task", "OCI runtime", "shim"]) {
        return Some(SandboxFailure::RuntimeDown);
    }
    any(
        text,
        &[
            "deadline exceeded",
            "DeadlineExceeded",
            "operation timeout",
            "i/o timeout",
        ],
    )
    .then_some(SandboxFailure::RuntimeTimeout)
}

/// `plugin type="calico" failed (add)`, from CNI 1.0 on; before, at best the network's name.
fn plugin(text: &str) -> Option<String> {
    name_after(text, "plugin type=").map(str::to_owned)
}

/// The plugin's own words.
fn network_words(text: &str) -> String {
    const LEADS: &[&str] = &["failed (add): ", "failed (delete): ", " network: "];
    if let Some(words) = LEADS.iter().find_map(|lead| after(text, lead)) {
        return detail(words);
    }
    // `failed to setup network for sandbox "ID": <words>`.
    match after(text, "network for sandbox ").and_then(|rest| rest.split_once(": ")) {
        Some((_, words)) => detail(words),
        None => words(text),
    }
}

fn range(text: &str) -> Option<String> {
    name_after_any(
        text,
        &[
            "range set: ",
            "available in network: ",
            "allocate IP in range: ",
            "in range ",
        ],
    )
    .map(str::to_owned)
}
