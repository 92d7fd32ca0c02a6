//! Reading, from files that were captured on a node with control groups of version 1 and version 2 beside them, and from
//! a made one of version 2 alone.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use sonde_model::{CheckKind, CheckVerdict, NodeReport};

use crate::{Host, Sample, Services, judge};

fn captured(name: &str) -> NodeReport {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captured").join(name);
    let before = Sample::read(&Host::captured(folder.join("before")));
    let after = Sample::read_after(&Host::captured(folder.join("after")), &before);
    judge("n1", Timestamp::UNIX_EPOCH, &before, &after, &Services::default())
}

#[test]
fn a_captured_node_is_read_as_it_was() {
    let report = captured("hybrid");
    assert_eq!(report.cores.len(), 2);
    let [container] = &report.containers[..] else {
        panic!("{:?}", report.containers)
    };
    assert_eq!(&*container.owner.pod_uid, "0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60");
    // It has a tenth of a core.
    let cpu = container.cpu.unwrap();
    assert!((8.0..12.0).contains(&cpu), "{cpu}");
    assert!(container.throttled.unwrap() > 90.0, "{container:?}");
    assert_eq!((container.tasks, container.tasks_limit), (Some(1), Some(32)));
    assert_eq!(container.memory_limit_bytes, Some(64 << 20));
    assert_eq!(
        report.processes[0].owner.container_id,
        container.owner.container_id
    );
    let bad: Vec<_> = report
        .checks
        .iter()
        .filter(|check| check.verdict > CheckVerdict::Note)
        .collect();
    assert!(bad.is_empty(), "a healthy node: {bad:?}");
    for kind in [
        CheckKind::Throttled,
        CheckKind::DiskSpace,
        CheckKind::Conntrack,
        CheckKind::ListenQueue,
        CheckKind::Clock,
    ] {
        assert!(report.checks.iter().any(|check| check.kind == kind), "{kind:?}");
    }
    // Most of its processes were left out of the capture.
    assert!(
        report.coverage.iter().any(|gap| gap.signal == "processes"),
        "{:?}",
        report.coverage
    );
}

#[test]
fn control_groups_of_version_2_alone() {
    let folder = tempfile::tempdir().unwrap();
    let id = "ab".repeat(32);
    let slice = "kubepods-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice";
    let put = |when: &str, path: &str, text: &str| {
        let place = folder.path().join(when).join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    };
    for (when, uptime, usage, throttled) in [
        ("before", "100.00 1\n", 0, 0),
        ("after", "102.00 1\n", 1_000_000, 15),
    ] {
        put(when, "proc/uptime", uptime);
        put(
            when,
            "proc/1/mountinfo",
            "29 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        );
        let group = format!("sys/fs/cgroup/kubepods.slice/{slice}/cri-containerd-{id}.scope");
        let stat = format!(
            "usage_usec {usage}\nnr_periods {}\nnr_throttled {throttled}\n",
            20 + throttled
        );
        put(when, &format!("{group}/cpu.stat"), &stat);
        put(when, &format!("{group}/memory.current"), "3000\n");
        put(when, &format!("{group}/memory.max"), "max\n");
        put(
            when,
            &format!("{group}/memory.stat"),
            "anon 1\ninactive_file 1000\n",
        );
        put(when, &format!("{group}/pids.current"), "40\n");
        put(when, &format!("{group}/pids.max"), "40\n");
        put(when, &format!("{group}/pids.events"), "max 0\n");
        put(when, &format!("{group}/cgroup.procs"), "7\n");
    }
    let before = Sample::read(&Host::captured(folder.path().join("before")));
    let after = Sample::read_after(&Host::captured(folder.path().join("after")), &before);
    let report = judge("n1", Timestamp::UNIX_EPOCH, &before, &after, &Services::default());
    let container = &report.containers[0];
    assert_eq!(*container.owner.container_id, *id);
    assert_eq!((container.cpu, container.throttled), (Some(50.0), Some(100.0)));
    assert_eq!(
        (container.memory_bytes, container.memory_limit_bytes),
        (Some(2_000), None)
    );
    let told: Vec<_> = report
        .checks
        .iter()
        .map(|check| (check.kind, check.verdict))
        .collect();
    assert_eq!(
        told,
        [
            (CheckKind::Throttled, CheckVerdict::Note),
            (CheckKind::ContainerTasks, CheckVerdict::Critical)
        ]
    );
}
