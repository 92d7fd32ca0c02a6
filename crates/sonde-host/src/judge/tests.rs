use sonde_model::{CheckKind as K, CheckVerdict as V};

use super::*;
use crate::Host;
use crate::files::{CoreTicks, DiskWork, Mount, Pressure};
use crate::host::Room;
use crate::processes::Process;
use crate::sample::{Conntrack, Listen};
use crate::{Clock, groups::ContainerCounters};

/// A node that is well, twice.
fn well() -> (Sample, Sample) {
    let mut before = Sample::at_uptime(1_000.0);
    before.cores = (0..2)
        .map(|core| {
            (
                core,
                CoreTicks {
                    busy: 100,
                    all: 1_000,
                    ..CoreTicks::default()
                },
            )
        })
        .collect();
    before.load = files_load([0.5, 0.4, 0.3], 300);
    before.pressure = ["cpu", "memory", "io"]
        .map(|name| (name, Pressure::default()))
        .into();
    before.file_systems = vec![(mount("/", "rw", "rw"), Some(room(50, 50)))];
    before.files = Some((1_000, 100_000));
    before.pid_max = Some(32_768);
    before.threads_max = Some(100_000);
    before.conntrack = Some(Conntrack {
        entries: 10,
        max: 1_000,
        ..Conntrack::default()
    });
    before.listen = [(String::new(), Listen::default())].into();
    before.clock = Some(Clock {
        error_max_us: 500,
        error_us: 100,
        offset_ns: 1_000,
        ..Clock::default()
    });
    before.processes = [(1, process('S', 0)), (100, process('S', 1))].into();
    before.disks = [(
        "sda".to_owned(),
        DiskWork {
            requests: 10,
            ..DiskWork::default()
        },
    )]
    .into();
    let mut after = before.clone();
    after.uptime += 1.0;
    for core in after.cores.values_mut() {
        core.all += 100;
        core.busy += 10;
    }
    (before, after)
}

fn files_load(averages: [f64; 3], tasks: u64) -> Option<crate::files::Load> {
    Some(crate::files::Load { averages, tasks })
}

fn mount(point: &str, options: &str, own: &str) -> Mount {
    Mount {
        device: "8:0".into(),
        point: point.into(),
        kind: "ext4".into(),
        options: options.into(),
        source: "/dev/sda".into(),
        own_options: own.into(),
    }
}

fn room(percent_left: u64, files_left: u64) -> Room {
    Room {
        bytes: 100 << 30,
        bytes_left: percent_left << 30,
        files: 100,
        files_left,
    }
}

fn process(state: char, parent: u32) -> Process {
    Process {
        command: "app".into(),
        state,
        parent,
        threads: 1,
        started: 5,
        ..Process::default()
    }
}

fn container(tasks: u64, limit: u64) -> ContainerCounters {
    ContainerCounters {
        owner: Owner {
            namespace: "shop".into(),
            pod: "web-1".into(),
            container: "app".into(),
            container_id: "c".into(),
            ..Owner::default()
        },
        tasks: Some(tasks),
        tasks_limit: Some(limit),
        periods: Some(100),
        ..ContainerCounters::default()
    }
}

fn report(before: &Sample, after: &Sample, services: &Services) -> NodeReport {
    judge("n1", Timestamp::UNIX_EPOCH, before, after, services)
}

/// Everything that is not as it should be.
fn told(report: &NodeReport) -> Vec<(K, V)> {
    let bad = report.checks.iter().filter(|check| check.verdict > V::Ok);
    bad.map(|check| (check.kind, check.verdict)).collect()
}

type Change = fn(&mut Sample, &mut Sample);
type Row = (&'static str, Change, &'static [(K, V)]);

/// What changes of a node that is well, and the one thing that is told of it.
const TABLE: &[Row] = &[
    ("nothing", |_, _| {}, &[]),
    ("a burst of work", |_, after| busy(after), &[(K::Cpu, V::Note)]),
    (
        "more work than cores for long",
        |_, after| {
            busy(after);
            after.load = files_load([9.0, 8.0, 7.0], 300);
            stalls(after, "cpu", [90.0; 3], [0.0; 3]);
        },
        &[(K::Cpu, V::Warning), (K::Load, V::Note), (K::CpuStall, V::Note)],
    ),
    (
        "many tasks that wait for disks are load, and no work for processors",
        |_, after| after.load = files_load([9.0, 8.0, 7.0], 300),
        &[(K::Load, V::Note)],
    ),
    (
        "memory is waited for",
        |_, after| stalls(after, "memory", [50.0; 3], [60.0, 45.0, 10.0]),
        &[(K::MemoryStall, V::Critical)],
    ),
    (
        "some wait for memory while others work",
        |_, after| stalls(after, "memory", [50.0; 3], [1.0; 3]),
        &[],
    ),
    (
        "disks are waited for",
        |_, after| stalls(after, "io", [90.0; 3], [60.0; 3]),
        &[(K::IoStall, V::Warning)],
    ),
    (
        "a disk nearly full",
        |_, after| after.file_systems[0].1 = Some(room(4, 50)),
        &[(K::DiskSpace, V::Warning)],
    ),
    (
        "a disk full",
        |_, after| after.file_systems[0].1 = Some(room(0, 50)),
        &[(K::DiskSpace, V::Critical)],
    ),
    (
        "inodes used up",
        |_, after| after.file_systems[0].1 = Some(room(50, 2)),
        &[(K::Inodes, V::Critical)],
    ),
    (
        "a full volume of a pod is not the node's",
        |_, after| {
            after.file_systems.push((
                mount("/var/lib/kubelet/pods/u/volumes/v/mount", "rw", "rw"),
                Some(room(0, 50)),
            ))
        },
        &[],
    ),
    (
        "became read-only",
        |_, after| after.file_systems[0].0 = mount("/", "rw,relatime", "ro,errors=remount-ro"),
        &[(K::ReadOnly, V::Critical)],
    ),
    (
        "read-only on purpose",
        |_, after| after.file_systems[0].0 = mount("/", "ro", "ro"),
        &[],
    ),
    (
        "open files",
        |_, after| after.files = Some((71_000, 100_000)),
        &[(K::FileHandles, V::Warning)],
    ),
    (
        "tasks",
        |_, after| after.load = files_load([0.1; 3], 30_000),
        &[(K::Tasks, V::Critical)],
    ),
    (
        "a container at its limit of tasks",
        |_, after| drop(after.containers.insert("c".into(), container(95, 100))),
        &[(K::ContainerTasks, V::Warning)],
    ),
    (
        "a container whose tasks are refused",
        |before, after| {
            before.containers.insert("c".into(), container(50, 100));
            after.containers.insert(
                "c".into(),
                ContainerCounters {
                    tasks_refused: 3,
                    ..container(50, 100)
                },
            );
        },
        &[(K::ContainerTasks, V::Critical)],
    ),
    (
        "a container at its CPU limit",
        |before, after| {
            before.containers.insert("c".into(), container(1, 100));
            let periods = Some(110);
            after.containers.insert(
                "c".into(),
                ContainerCounters {
                    periods,
                    throttled: 9,
                    ..container(1, 100)
                },
            );
        },
        &[(K::Throttled, V::Note)],
    ),
    (
        "a hundred zombies",
        |before, after| {
            for sample in [before, after] {
                sample
                    .processes
                    .extend((200..310).map(|pid| (pid, process('Z', 100))));
            }
        },
        &[(K::Zombies, V::Warning)],
    ),
    (
        "zombies that come and go",
        |_, after| {
            after
                .processes
                .extend((200..310).map(|pid| (pid, process('Z', 100))))
        },
        &[],
    ),
    (
        "tasks that hang",
        |before, after| {
            for sample in [before, after] {
                sample
                    .processes
                    .extend((200..212).map(|pid| (pid, process('D', 1))));
            }
        },
        &[(K::Blocked, V::Warning)],
    ),
    (
        "tracked connections",
        |_, after| {
            after.conntrack = Some(Conntrack {
                entries: 950,
                max: 1_000,
                dropped: 7,
                ..Conntrack::default()
            })
        },
        &[(K::Conntrack, V::Critical)],
    ),
    (
        "a listen queue overflows",
        |_, after| {
            drop(after.listen.insert(
                String::new(),
                Listen {
                    overflows: 5,
                    ..Listen::default()
                },
            ))
        },
        &[(K::ListenQueue, V::Warning)],
    ),
    (
        "a pod that is new has counted before it was seen",
        |_, after| {
            drop(after.listen.insert(
                "c".into(),
                Listen {
                    overflows: 5,
                    ..Listen::default()
                },
            ))
        },
        &[],
    ),
    (
        "no daemon has ever set the clock",
        |_, after| {
            after.clock = Some(Clock {
                unsynchronized: true,
                offset_ns: 0,
                error_max_us: 16_000_000,
                error_us: 16_000_000,
            })
        },
        &[(K::Clock, V::Note)],
    ),
    (
        "the time daemon is gone",
        |_, after| {
            after.clock = Some(Clock {
                unsynchronized: true,
                offset_ns: 0,
                error_max_us: 16_000_000,
                error_us: 100,
            })
        },
        &[(K::Clock, V::Warning)],
    ),
    (
        "the clock is off",
        |before, after| {
            for sample in [before, after] {
                sample.clock = Some(Clock {
                    offset_ns: -80_000_000,
                    error_max_us: 100_000,
                    error_us: 100,
                    unsynchronized: false,
                });
            }
        },
        &[(K::Clock, V::Warning)],
    ),
    (
        "the clock is off and is being mended",
        |before, after| {
            before.clock = Some(Clock {
                offset_ns: -80_000_000,
                error_max_us: 1,
                error_us: 100,
                unsynchronized: false,
            });
            after.clock = Some(Clock {
                offset_ns: -70_000_000,
                error_max_us: 1,
                error_us: 100,
                unsynchronized: false,
            });
        },
        &[(K::Clock, V::Note)],
    ),
];

fn stalls(after: &mut Sample, name: &'static str, some: [f64; 3], full: [f64; 3]) {
    after.pressure.insert(name, Pressure { some, full });
}

fn busy(after: &mut Sample) {
    for core in after.cores.values_mut() {
        core.busy += 88;
    }
}

#[test]
fn each_trouble_is_told_alone() {
    for (what, change, expected) in TABLE {
        let (mut before, mut after) = well();
        change(&mut before, &mut after);
        assert_eq!(
            told(&report(&before, &after, &Services::default())),
            *expected,
            "{what}"
        );
    }
}

#[test]
fn services_are_judged_where_they_must_be() {
    let (before, mut after) = well();
    let silent = |answer: Answer| Services {
        kubelet: None,
        runtimes: vec![("/run/r.sock".into(), answer)],
    };
    // A socket that a runtime left behind is no trouble where no kubelet needs it.
    for answer in [
        Answer::Bad("no answer".into()),
        Answer::Unasked("nobody listens".into()),
    ] {
        let report = report(&before, &after, &silent(answer));
        assert_eq!(told(&report), []);
        assert!(
            report
                .coverage
                .iter()
                .any(|gap| gap.signal == "container runtime")
        );
    }
    after.processes.insert(
        7,
        Process {
            command: "kubelet".into(),
            ..process('S', 1)
        },
    );
    let bad = report(&before, &after, &silent(Answer::Bad("no answer".into())));
    assert_eq!(told(&bad), [(K::Runtime, V::Critical)]);
    let services = Services {
        kubelet: Some(Answer::Bad("500".into())),
        runtimes: Vec::new(),
    };
    assert_eq!(
        told(&report(&before, &after, &services)),
        [(K::Kubelet, V::Critical)]
    );
}

#[test]
fn nothing_read_is_nothing_claimed() {
    let report = report(&Sample::default(), &Sample::default(), &Services::default());
    assert_eq!(told(&report), []);
    let folder = tempfile::tempdir().unwrap();
    let empty = Sample::read(&Host::captured(folder.path()));
    let report = super::judge("n1", Timestamp::UNIX_EPOCH, &empty, &empty, &Services::default());
    assert!(report.checks.is_empty(), "{:?}", report.checks);
    assert!(report.coverage.len() > 10, "{:?}", report.coverage);
}
