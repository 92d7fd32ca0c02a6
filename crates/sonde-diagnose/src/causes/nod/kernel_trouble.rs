//! NOD-KERNEL-TROUBLE: the node's kernel or a daemon on it reports a trouble, as node-problem-detector relays it.

use sonde_grammar::Fact;
use sonde_grammar::fact::{KernelArea, NodeFact};
use sonde_model::{Code, Kind, Risk, Severity};

use super::condition;

use crate::cause::page;
use crate::facts::kernel_seen;
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-KERNEL-TROUBLE"),
    title: "node's kernel or daemon in trouble",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node, Kind::Pod],
    state,
    page: page!("NOD-KERNEL-TROUBLE"),
};

/// The conditions of node-problem-detector's shipped configuration that mean trouble.
const RELAYED: &[&str] = &[
    "KernelDeadlock",
    "ReadonlyFilesystem",
    "CorruptDockerOverlay2",
    "FrequentKubeletRestart",
    "FrequentDockerRestart",
    "FrequentContainerdRestart",
    "FrequentUnregisterNetDevice",
    "KubeletUnhealthy",
    "ContainerRuntimeUnhealthy",
];

fn state(facts: &Facts<'_>, case: &mut Case) {
    if facts.is_text() {
        return by_its_lines(facts, case);
    }
    let relayed = RELAYED.iter().find_map(|kind| condition(facts, kind));
    let Some((condition, seen)) = relayed else { return };
    let node = &facts.episode.subject;
    case.proven_by(seen.clone());
    case.step(
        format!("{} reports {}: {}", node.name, condition.kind, condition.message),
        [seen],
    );
    case.headline(format!(
        "node {} reports {}: {}",
        node.name, condition.kind, condition.message
    ));
    case.severity(Severity::Warning);
    case.root(node.clone());
    case.root_key(condition.kind.as_str());
    case.look(
        "the kernel's own lines",
        format!("kubectl debug {node} -it --image=busybox --profile=sysadmin -- chroot /host dmesg -T"),
    );
    case.advice("move its pods away and look at the machine", Risk::Wide);
}

/// Lines alone: what the kernel complains of. They may be of a moment that has passed.
fn by_its_lines(facts: &Facts<'_>, case: &mut Case) {
    let of_log = facts.texts.kernel.iter().flat_map(|(node, lines)| {
        let alarms = lines.iter().filter_map(|line| match &line.fact {
            Fact::Node(alarm) => Some((alarm, line)),
            _ => None,
        });
        alarms.map(move |(alarm, line)| (alarm, kernel_seen(node, line)))
    });
    let said = facts.find_all(|fact| match fact {
        Fact::Node(alarm) => Some(alarm),
        _ => None,
    });
    let relayed = said.into_iter().map(|(alarm, message)| (alarm, message.seen()));
    let mut alarms: Vec<(Complaint, Seen)> = of_log
        .chain(relayed)
        .filter_map(|(alarm, seen)| Some((complaint(alarm)?, seen)))
        .collect();
    alarms.truncate(LINES_MAX);
    let Some((first, _)) = alarms.first().cloned() else {
        return;
    };
    for (complaint, seen) in alarms {
        case.supported_by(seen.clone());
        case.step(complaint.what, [seen]);
    }
    case.headline(format!("the kernel of a node reports: {}", first.what));
    case.severity(Severity::Warning);
    case.advice(first.advice, Risk::Wide);
    case.look(
        "whether it goes on: the newest lines of that machine's kernel",
        "dmesg -T | tail -n 50",
    );
}

/// Lines that are told.
const LINES_MAX: usize = 3;

/// What an alarm means, and what to do.
#[derive(Debug, Clone, Copy)]
struct Complaint {
    what: &'static str,
    advice: &'static str,
}

fn complaint(alarm: &NodeFact) -> Option<Complaint> {
    let (what, advice) = match alarm {
        NodeFact::KernelTrouble { area, .. } => match area {
            KernelArea::Storage => (
                "a disk or its file system fails, so writes to it fail or it becomes read-only",
                "find the volume or disk by its device (lsblk), move what runs on it elsewhere, then check and replace it",
            ),
            KernelArea::FileServer => (
                "a file server does not answer, so processes that use it hang",
                "see that the file server and the network to it work",
            ),
            KernelArea::Connections => (
                "the table of tracked connections is full, so new connections and DNS lookups are dropped at random",
                "raise net.netfilter.nf_conntrack_max on the node, and look for what opens so many connections (conntrack -L)",
            ),
            KernelArea::Neighbours => (
                "the table of neighbours (ARP) is full, so packets to new addresses are dropped",
                "raise net.ipv4.neigh.default.gc_thresh1 to gc_thresh3 on the node",
            ),
            KernelArea::Sockets => (
                "TCP has used up its memory, so connections stall",
                "look for processes with many or full sockets (ss -s, ss -tm), and raise net.ipv4.tcp_mem",
            ),
            KernelArea::Files => (
                "no more files can be opened on the node",
                "raise fs.file-max on the node, and look for what holds so many files (lsof)",
            ),
            KernelArea::Processors => (
                "a processor makes no progress, or the kernel failed",
                "look whether the machine gets its CPU time (steal) and for its hardware; drain and restart it",
            ),
            KernelArea::Memory => (
                "no memory could be had in one piece",
                "look at the node's memory; it may be short or scattered",
            ),
            KernelArea::Hardware => (
                "the hardware reports an error",
                "drain the node and have the machine checked",
            ),
            KernelArea::Other => (
                "something that only the kernel's own words name",
                "look at the line and at the machine",
            ),
        },
        NodeFact::HungTask { .. } => (
            "a process hangs in the kernel for minutes, as a rule on a disk or file server that does not answer",
            "look for the disk or file server that does not answer; the process cannot be killed before that",
        ),
        NodeFact::ForkRejected { .. } => (
            "a container has as many processes as it may, so no more start",
            "look for what starts so many processes, or raise the limit of pids per pod (podPidsLimit)",
        ),
        _ => return None,
    };
    Some(Complaint { what, advice })
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use crate::testing::Scene;

    #[test]
    fn lines_alone_tell_what_suffers() {
        for (lines, words) in [
            (
                "[ 7788.120] EXT4-fs error (device sdb1): ext4_find_entry:1455: inode #2: comm db: reading directory lblock 0\n\
                 [ 7788.121] EXT4-fs (sdb1): Remounting filesystem read-only",
                "file system",
            ),
            (
                "[ 991.1] nf_conntrack: nf_conntrack: table full, dropping packet",
                "connections",
            ),
            (
                "[  120.123456] INFO: task java:812 blocked for more than 120 seconds.",
                "hangs",
            ),
            (
                "[  120.123456] cgroup: fork rejected by pids controller in /kubepods/pod1/c1",
                "processes",
            ),
        ] {
            let outcome = Scene::new().kernel("", lines).diagnose();
            let finding = outcome.finds_only("NOD-KERNEL-TROUBLE", Verdict::Likely);
            assert!(finding.headline.contains(words), "{}", finding.headline);
        }
        for healthy in [
            "[ 1.0] XFS (sda1): Mounting V5 Filesystem",
            "[ 1.0] nfs: server fs1 OK",
            "[ 1.0] eth0: link becomes ready",
        ] {
            Scene::new().kernel("", healthy).diagnose().is_calm();
        }
    }
}
