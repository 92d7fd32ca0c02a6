//! Which capability of the kernel a refused call asks for, and what the pod's spec says of it.

use sonde_world::view::Container;

use super::place::Place;
use crate::Facts;

/// Words of a call and the capability that it asks for (capabilities(7)); the first that fits counts.
const CALLS: &[(&[&str], &str)] = &[
    (&["chown", "chgrp"], "CHOWN"),
    (&["chmod", "utime"], "FOWNER"),
    (
        &[
            "setuid",
            "setresuid",
            "seteuid",
            "change uid",
            "switch user",
            "set uid",
            "gosu",
        ],
        "SETUID",
    ),
    (
        &[
            "setgid",
            "setgroups",
            "initgroups",
            "setresgid",
            "set gid",
            "change gid",
        ],
        "SETGID",
    ),
    (&["mknod"], "MKNOD"),
    (&["chroot"], "SYS_CHROOT"),
    (&["setcap", "capset"], "SETFCAP"),
    (
        &[
            "iptables",
            "nftables",
            "nft:",
            "netlink",
            "rtnetlink",
            "ip link",
            "ip route",
            "ioctl(siocs",
            "tun",
        ],
        "NET_ADMIN",
    ),
    (
        &["raw socket", "ping:", "af_packet", "sock_raw", "socket:"],
        "NET_RAW",
    ),
    (
        &["settimeofday", "clock_settime", "adjtimex", "set date"],
        "SYS_TIME",
    ),
    (
        &["setpriority", "sched_set", "renice", "nice:", "ioprio"],
        "SYS_NICE",
    ),
    (&["setrlimit", "rlimit", "ulimit"], "SYS_RESOURCE"),
    (&["ptrace"], "SYS_PTRACE"),
    (&["mlock"], "IPC_LOCK"),
    (&["init_module", "modprobe", "insmod"], "SYS_MODULE"),
    (&["perf_event_open"], "PERFMON"),
    (&["bpf"], "BPF"),
    (
        &["mount", "unshare", "pivot_root", "setns", "sethostname", "swapon"],
        "SYS_ADMIN",
    ),
    (&["kill"], "KILL"),
];

/// What containerd and CRI-O give a container whose spec says nothing (OCI runtime defaults).
const DEFAULT: &[&str] = &[
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
];

/// What the spec says of the capability that "Operation not permitted" asks for.
pub(super) fn capability(facts: &Facts<'_>, line: &str) -> Option<Place> {
    let lower = line.to_ascii_lowercase();
    if !lower.contains("operation not permitted") && !lower.contains("eperm") {
        return None;
    }
    let (_, needed) = CALLS
        .iter()
        .find(|(words, _)| words.iter().any(|word| lower.contains(word)))?;
    let (container, place) = facts.container()?;
    let context = container.security_context.as_ref();
    if context.is_some_and(|it| it.privileged == Some(true)) {
        return None;
    }
    let give = format!(
        "give it in securityContext.capabilities.add: [\"{needed}\"], or let the program do without that call"
    );
    let capabilities = context.and_then(|it| it.capabilities.as_ref());
    let names = |list: &[String], name: &str| list.iter().any(|it| it.trim_start_matches("CAP_") == name);
    let added = capabilities.is_some_and(|it| names(&it.add, needed) || names(&it.add, "ALL"));
    if added {
        return not_root(facts, container, &place, needed);
    }
    let dropped = capabilities
        .map(|it| it.drop.as_slice())
        .filter(|drop| names(drop, needed) || names(drop, "ALL"));
    if let Some(drop) = dropped {
        return Some(Place {
            text: format!("that call needs the capability {needed}, which the container's spec drops"),
            seen: facts.field(
                &format!("{place}.securityContext.capabilities.drop"),
                drop.join(", "),
            ),
            advice: give,
        });
    }
    if let Some(place) = not_root(facts, container, &place, needed) {
        return Some(place);
    }
    (!DEFAULT.contains(needed)).then(|| Place {
        text: format!(
            "that call needs the capability {needed}, which containers do not have unless their spec adds it, and this one's does not"
        ),
        seen: facts.field(
            &format!("{place}.securityContext.capabilities.add"),
            capabilities.map_or("none".to_owned(), |it| match it.add.is_empty() {
                true => "none".to_owned(),
                false => it.add.join(", "),
            }),
        ),
        advice: give,
    })
}

/// A process of another user than root has none of them, whatever the spec adds.
fn not_root(facts: &Facts<'_>, container: &Container, place: &str, needed: &str) -> Option<Place> {
    let own = container.security_context.as_ref().and_then(|it| it.run_as_user);
    let pods = facts
        .pod()
        .spec
        .security_context
        .as_ref()
        .and_then(|it| it.run_as_user);
    let (user, field) = match own {
        Some(user) => (user, format!("{place}.securityContext.runAsUser")),
        None => (pods?, "spec.securityContext.runAsUser".to_owned()),
    };
    (user != 0).then(|| Place {
        text: format!(
            "that call needs the capability {needed}, which a process of user {user} does not have"
        ),
        seen: facts.field(&field, user),
        advice: format!(
            "let the image be made so that user {user} need not do it, or do it in an init container that runs as root with {needed}"
        ),
    })
}
