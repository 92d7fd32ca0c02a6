//! Who sent a signal, from what the kernel tells of the process that was running then. Pure.

use sonde_bpf::deaths::{Process, Sender};
use sonde_model::{Owner, SenderKind};

/// Commands of container runtimes, as the kernel has them (15 bytes): whole, or their beginning where it ends in `*`.
const RUNTIMES: &[&str] = &[
    "runc",
    "runc:*",
    "crun",
    "crun-*",
    "youki",
    "runsc*",
    "kata-runtime",
    "containerd",
    "containerd-shim*",
    "crio",
    "conmon",
    "conmonrs",
    "dockerd",
    "docker-runc",
    "cri-dockerd",
];

const KUBELETS: &[&str] = &["kubelet", "hyperkube", "k3s-*", "k3s", "rke2"];

/// Signals by which the kernel answers a fault of the process itself: ILL TRAP BUS FPE SEGV SYS.
const FAULTS: &[i32] = &[4, 5, 7, 8, 11, 31];

const SIGKILL: i32 = 9;

/// What kind of sender it was. `victim` says that the kernel had just chosen the subject for want of memory.
pub(crate) fn kind(
    signal: i32,
    sender: &Sender,
    sender_owner: &Owner,
    subject: &Process,
    subject_owner: &Owner,
    victim: bool,
) -> SenderKind {
    match sender {
        Sender::Kernel(running) => kernel(signal, running, subject, victim),
        Sender::Process(process) => from_process(process, sender_owner, subject, subject_owner),
    }
}

/// The kernel acts in the name of whoever runs: the process that faults, that allocates, or that ends.
fn kernel(signal: i32, running: &Process, subject: &Process, victim: bool) -> SenderKind {
    if signal == SIGKILL && victim {
        return SenderKind::OutOfMemory;
    }
    if signal == SIGKILL
        && running.is_namespace_init()
        && running.pid != subject.pid
        && subject.namespace_level >= running.namespace_level
    {
        // kernel/pid_namespace.c, zap_pid_ns_processes: the first process kills the rest on its way out.
        return SenderKind::NamespaceEnd;
    }
    if FAULTS.contains(&signal) && running.pid == subject.pid {
        return SenderKind::Fault;
    }
    SenderKind::Kernel
}

fn from_process(process: &Process, owner: &Owner, subject: &Process, subject_owner: &Owner) -> SenderKind {
    if process.pid == subject.pid {
        return SenderKind::Itself;
    }
    if owner.is_container() {
        return if owner.container_id == subject_owner.container_id {
            SenderKind::SameContainer
        } else {
            SenderKind::OtherContainer
        };
    }
    if is_one_of(RUNTIMES, &process.command) {
        SenderKind::Runtime
    } else if is_one_of(KUBELETS, &process.command) {
        SenderKind::Kubelet
    } else if process.pid == 1 || (process.namespace_pid == 1 && process.command == "systemd") {
        // The second is one of a node that is itself a container.
        SenderKind::ServiceManager
    } else {
        SenderKind::NodeProcess
    }
}

fn is_one_of(patterns: &[&str], command: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => command.starts_with(start),
        None => command == *pattern,
    })
}

#[cfg(test)]
mod tests {
    use SenderKind::*;

    use super::*;
    use crate::owners::testing::{container, process};

    #[test]
    fn senders_are_told_apart() {
        let here = container("a");
        let there = container("b");
        let node = Owner::default();
        let subject = process(50, 7, 1, "app");
        let of_kernel = |pid, namespace_pid, level, command: &str| {
            Sender::Kernel(process(pid, namespace_pid, level, command))
        };
        let by = |pid, namespace_pid, level, command: &str| {
            Sender::Process(process(pid, namespace_pid, level, command))
        };
        for (name, signal, sender, owner, victim, expected) in [
            ("oom", 9, of_kernel(60, 8, 1, "other"), &here, true, OutOfMemory),
            (
                "victim allocates",
                9,
                of_kernel(50, 7, 1, "app"),
                &here,
                true,
                OutOfMemory,
            ),
            (
                "init ends",
                9,
                of_kernel(40, 1, 1, "init"),
                &here,
                false,
                NamespaceEnd,
            ),
            (
                "init ends, TERM",
                15,
                of_kernel(40, 1, 1, "init"),
                &here,
                false,
                Kernel,
            ),
            (
                "a deeper init",
                9,
                of_kernel(40, 1, 2, "init"),
                &here,
                false,
                Kernel,
            ),
            ("fault", 11, of_kernel(50, 7, 1, "app"), &here, false, Fault),
            ("seccomp", 31, of_kernel(50, 7, 1, "app"), &here, false, Fault),
            ("terminal", 2, of_kernel(99, 99, 0, "sh"), &node, false, Kernel),
            (
                "limit of CPU",
                9,
                of_kernel(50, 7, 1, "app"),
                &here,
                false,
                Kernel,
            ),
            ("abort", 6, by(50, 7, 1, "app"), &here, false, Itself),
            (
                "supervisor",
                15,
                by(40, 1, 1, "tini"),
                &here,
                false,
                SameContainer,
            ),
            ("sidecar", 9, by(70, 5, 1, "kill"), &there, false, OtherContainer),
            (
                "runc in a pod",
                9,
                by(70, 5, 1, "runc"),
                &there,
                false,
                OtherContainer,
            ),
            ("runc", 9, by(90, 90, 0, "runc"), &node, false, Runtime),
            ("shim", 9, by(90, 90, 0, "containerd-shim"), &node, false, Runtime),
            ("crun", 15, by(90, 90, 0, "crun"), &node, false, Runtime),
            ("kubelet", 9, by(90, 90, 0, "kubelet"), &node, false, Kubelet),
            ("systemd", 9, by(1, 1, 0, "systemd"), &node, false, ServiceManager),
            (
                "systemd of a node in a container",
                9,
                by(80, 1, 1, "systemd"),
                &node,
                false,
                ServiceManager,
            ),
            ("unshare", 9, by(80, 1, 1, "sh"), &node, false, NodeProcess),
            ("a person", 9, by(90, 90, 0, "bash"), &node, false, NodeProcess),
            (
                "no runtime",
                9,
                by(90, 90, 0, "runcible"),
                &node,
                false,
                NodeProcess,
            ),
        ] {
            assert_eq!(
                kind(signal, &sender, owner, &subject, &here, victim),
                expected,
                "{name}"
            );
        }
    }
}
