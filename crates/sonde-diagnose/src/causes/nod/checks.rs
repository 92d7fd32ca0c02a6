//! What is checked on a node, each against its contract.

use sonde_model::{CheckKind as K, CheckVerdict as V, Verdict};

use crate::testing::Scene;
use crate::testing::checks::node;
use crate::testing::contract::Contract;

pub(super) const TABLE: &[Contract] = &[
    Contract {
        code: "NOD-CPU-SATURATED",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::Cpu, V::Critical),
        rival: ("NOD-MEMORY-STALL", || {
            node().check("2026-03-01T11:59:30Z", K::MemoryStall, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::Cpu, V::Note),
        over: || {
            node().check("2026-03-01T11:58:30Z", K::Cpu, V::Critical).check(
                "2026-03-01T11:59:30Z",
                K::Cpu,
                V::Ok,
            )
        },
    },
    Contract {
        code: "NOD-MEMORY-STALL",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::MemoryStall, V::Critical),
        rival: ("NOD-DISK-STALL", || {
            node().check("2026-03-01T11:59:30Z", K::IoStall, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::MemoryStall, V::Note),
        over: || {
            node()
                .check("2026-03-01T11:58:30Z", K::MemoryStall, V::Critical)
                .check("2026-03-01T11:59:30Z", K::MemoryStall, V::Ok)
        },
    },
    Contract {
        code: "NOD-DISK-STALL",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::IoStall, V::Critical),
        rival: ("NOD-DISK-FULL", || {
            node().check("2026-03-01T11:59:30Z", K::DiskSpace, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::IoStall, V::Note),
        over: || {
            node()
                .check("2026-03-01T11:58:30Z", K::IoStall, V::Critical)
                .check("2026-03-01T11:59:30Z", K::IoStall, V::Ok)
        },
    },
    Contract {
        code: "NOD-DISK-FULL",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::DiskSpace, V::Critical),
        rival: ("NOD-INODES", || {
            node().check("2026-03-01T11:59:30Z", K::Inodes, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::DiskSpace, V::Note),
        over: || {
            node()
                .check("2026-03-01T11:58:30Z", K::DiskSpace, V::Critical)
                .check("2026-03-01T11:59:30Z", K::DiskSpace, V::Ok)
        },
    },
    Contract {
        code: "NOD-INODES",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::Inodes, V::Critical),
        rival: ("NOD-DISK-READ-ONLY", || {
            node().check("2026-03-01T11:59:30Z", K::ReadOnly, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::Inodes, V::Note),
        over: || {
            node()
                .check("2026-03-01T11:58:30Z", K::Inodes, V::Critical)
                .check("2026-03-01T11:59:30Z", K::Inodes, V::Ok)
        },
    },
    Contract {
        code: "NOD-DISK-READ-ONLY",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::ReadOnly, V::Critical),
        rival: ("NOD-FILE-HANDLES", || {
            node().check("2026-03-01T11:59:30Z", K::FileHandles, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::ReadOnly, V::Note),
        over: || {
            node()
                .check("2026-03-01T11:58:30Z", K::ReadOnly, V::Critical)
                .check("2026-03-01T11:59:30Z", K::ReadOnly, V::Ok)
        },
    },
    Contract {
        code: "NOD-FILE-HANDLES",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::FileHandles, V::Critical),
        rival: ("NOD-PIDS", || {
            node().check("2026-03-01T11:59:30Z", K::Tasks, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::FileHandles, V::Note),
        over: || {
            node()
                .check("2026-03-01T11:58:30Z", K::FileHandles, V::Critical)
                .check("2026-03-01T11:59:30Z", K::FileHandles, V::Ok)
        },
    },
    Contract {
        code: "NOD-PIDS",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::Tasks, V::Critical),
        rival: ("NOD-CONTAINER-PIDS", || {
            node().check("2026-03-01T11:59:30Z", K::ContainerTasks, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::Tasks, V::Note),
        over: || {
            node().check("2026-03-01T11:58:30Z", K::Tasks, V::Critical).check(
                "2026-03-01T11:59:30Z",
                K::Tasks,
                V::Ok,
            )
        },
    },
    Contract {
        code: "NOD-CONTAINER-PIDS",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::ContainerTasks, V::Critical),
        rival: ("NOD-ZOMBIES", || {
            node().check("2026-03-01T11:59:30Z", K::Zombies, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::ContainerTasks, V::Note),
        over: || {
            node()
                .check("2026-03-01T11:58:30Z", K::ContainerTasks, V::Critical)
                .check("2026-03-01T11:59:30Z", K::ContainerTasks, V::Ok)
        },
    },
    Contract {
        code: "NOD-ZOMBIES",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::Zombies, V::Critical),
        rival: ("NOD-TASKS-BLOCKED", || {
            node().check("2026-03-01T11:59:30Z", K::Blocked, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::Zombies, V::Note),
        over: || {
            node()
                .check("2026-03-01T11:58:30Z", K::Zombies, V::Critical)
                .check("2026-03-01T11:59:30Z", K::Zombies, V::Ok)
        },
    },
    Contract {
        code: "NOD-TASKS-BLOCKED",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::Blocked, V::Critical),
        rival: ("NOD-CONNTRACK-FULL", || {
            node().check("2026-03-01T11:59:30Z", K::Conntrack, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::Blocked, V::Note),
        over: || {
            node()
                .check("2026-03-01T11:58:30Z", K::Blocked, V::Critical)
                .check("2026-03-01T11:59:30Z", K::Blocked, V::Ok)
        },
    },
    Contract {
        code: "NOD-CONNTRACK-FULL",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::Conntrack, V::Critical),
        rival: ("NOD-CLOCK", || {
            node().check("2026-03-01T11:59:30Z", K::Clock, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::Conntrack, V::Note),
        over: || {
            node()
                .check("2026-03-01T11:58:30Z", K::Conntrack, V::Critical)
                .check("2026-03-01T11:59:30Z", K::Conntrack, V::Ok)
        },
    },
    Contract {
        code: "NOD-CLOCK",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::Clock, V::Critical),
        rival: ("NOD-KUBELET-UNHEALTHY", || {
            node().check("2026-03-01T11:59:30Z", K::Kubelet, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::Clock, V::Note),
        over: || {
            node().check("2026-03-01T11:58:30Z", K::Clock, V::Critical).check(
                "2026-03-01T11:59:30Z",
                K::Clock,
                V::Ok,
            )
        },
    },
    Contract {
        code: "NOD-KUBELET-UNHEALTHY",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::Kubelet, V::Critical),
        rival: ("NOD-RUNTIME-SILENT", || {
            node().check("2026-03-01T11:59:30Z", K::Runtime, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::Kubelet, V::Note),
        over: || {
            node()
                .check("2026-03-01T11:58:30Z", K::Kubelet, V::Critical)
                .check("2026-03-01T11:59:30Z", K::Kubelet, V::Ok)
        },
    },
    Contract {
        code: "NOD-RUNTIME-SILENT",
        verdict: Verdict::Proven,
        found: || node().check("2026-03-01T11:59:30Z", K::Runtime, V::Critical),
        rival: ("NOD-CPU-SATURATED", || {
            node().check("2026-03-01T11:59:30Z", K::Cpu, V::Warning)
        }),
        open: node,
        healthy: || node().check("2026-03-01T11:59:30Z", K::Runtime, V::Note),
        over: || {
            node()
                .check("2026-03-01T11:58:30Z", K::Runtime, V::Critical)
                .check("2026-03-01T11:59:30Z", K::Runtime, V::Ok)
        },
    },
];

/// Each disk that is full is a fault of its own, and two words about one are one.
#[test]
fn two_full_disks_are_two_findings() {
    let scene = || {
        node()
            .check_of("2026-03-01T11:58:30Z", K::DiskSpace, V::Warning, "/")
            .check_of("2026-03-01T11:59:30Z", K::DiskSpace, V::Critical, "/")
            .check_of("2026-03-01T11:59:30Z", K::DiskSpace, V::Warning, "/var")
    };
    let outcome = scene().diagnose();
    let headlines: Vec<&str> = outcome
        .report
        .findings
        .iter()
        .map(|it| it.headline.as_str())
        .collect();
    assert_eq!(headlines.len(), 2, "{headlines:?}");
    assert!(
        headlines.iter().any(|it| it.starts_with("/ of node n1")),
        "{headlines:?}"
    );
    assert!(
        headlines.iter().any(|it| it.starts_with("/var of node n1")),
        "{headlines:?}"
    );
}

/// Lines of an old bundle, or pasted long after.
#[test]
fn what_was_checked_long_ago_is_not_present_trouble() {
    node()
        .check("2026-03-01T10:00:00Z", K::Conntrack, V::Critical)
        .diagnose()
        .is_calm();
}

/// The lines tell of their node without any object of it.
#[test]
fn lines_alone_tell_of_their_node() {
    Scene::new()
        .check("2026-03-01T11:59:30Z", K::Conntrack, V::Critical)
        .diagnose()
        .finds_only("NOD-CONNTRACK-FULL", Verdict::Proven);
}
