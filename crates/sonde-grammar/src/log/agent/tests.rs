use proptest::prelude::*;
use sonde_model::{Death, DeathKind, Deaths, GroupMemory, Owner, ProcessSeen, SenderKind, SenderSeen};

use super::*;
use crate::fact::OomConstraint;
use crate::log::NodeLog;

const ID: &str = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
const OTHER: &str = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";
const UID: &str = "0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60";

fn owner(id: &str, uid: &str) -> Owner {
    Owner {
        namespace: "shop".into(),
        pod: "app-1".into(),
        pod_uid: uid.into(),
        container: "app".into(),
        container_id: id.into(),
        sandbox: false,
        group: id.into(),
    }
}

fn process(pid: u32, command: &str, owner: Owner) -> ProcessSeen {
    ProcessSeen {
        pid,
        command: command.into(),
        first: true,
        owner,
        ..ProcessSeen::default()
    }
}

fn death(kind: DeathKind) -> Death {
    Death {
        time: "2026-03-01T11:57:59.345678Z".parse().unwrap(),
        process: process(4711, "app", owner(ID, UID)),
        kind,
    }
}

fn sent(sender: ProcessSeen, kind: SenderKind) -> Death {
    death(DeathKind::Signal {
        signal: 9,
        sender: SenderSeen {
            kind,
            process: sender,
        },
        delivered: true,
    })
}

#[test]
fn a_line_reads_as_a_sentence() {
    let mut runc = process(15140, "runc", Owner::default());
    runc.first = false;
    runc.parent_pid = 13700;
    runc.parent_command = "containerd-shim".into();
    let written = line(&sent(runc, SenderKind::Runtime));
    assert_eq!(
        written,
        format!(
            "time=\"2026-03-01T11:57:59.345678Z\" source=sonde-agent msg=\"signal sent\" signal=KILL delivered=true \
             pid=4711 command=app uid=0 parentPid=0 first=true namespace=shop pod=app-1 podUID={UID} container=app \
             containerID={ID} group={ID} sender=runtime senderPid=15140 senderCommand=runc senderUid=0 \
             senderParentPid=13700 senderParent=containerd-shim"
        )
    );
    assert_eq!(
        brief(&written),
        "msg=\"signal sent\" signal=KILL delivered=true pid=4711 command=app first=true namespace=shop pod=app-1 \
         container=app sender=runtime senderPid=15140 senderCommand=runc senderUid=0 senderParent=containerd-shim"
    );
    let lines = [written.as_str()];
    let found = crate::log::node(&lines, None, None);
    let [line] = &found[..] else { panic!("{found:?}") };
    assert_eq!(line.origin, NodeLog::Agent);
    assert_eq!(line.pod.as_ref().map(|it| it.name.as_str()), Some("app-1"));
    assert_eq!(line.container_id.as_deref(), Some(ID));
    assert!(matches!(&line.facts[..], [Fact::Death(_)]), "{:?}", line.facts);
}

#[test]
fn a_name_cannot_change_the_line() {
    for name in [
        "x sender=kubelet",
        "\" first=false ",
        "a\nb\r",
        "\\\" pid=1",
        "\u{1b}[31m",
        "\u{2028}=",
        "",
        "=",
        "日本",
    ] {
        let sender = process(1, name, Owner::default());
        let death = sent(sender, SenderKind::NodeProcess);
        let written = line(&death);
        assert_eq!(written.lines().count(), 1, "{written:?}");
        assert_eq!(read(&written), Some(death), "{written}");
    }
}

#[test]
fn the_first_line_says_what_was_watched() {
    let mut deaths = Deaths {
        schema: Deaths::SCHEMA.into(),
        node: "n1".into(),
        since: "2026-03-01T10:00:00Z".parse().unwrap(),
        now: "2026-03-01T12:00:00Z".parse().unwrap(),
        deaths: vec![sent(process(1, "sh", Owner::default()), SenderKind::NodeProcess)],
        lost: 0,
        dropped: 0,
    };
    let whole = text(&deaths);
    let told = watch(whole.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&*told.node, told.since, told.now),
        ("n1", deaths.since, deaths.now)
    );
    assert!(told.is_whole());
    assert_eq!(
        whole.lines().nth(1).and_then(read).as_ref(),
        deaths.deaths.first()
    );
    deaths.lost = 3;
    assert!(!watch(text(&deaths).lines().next().unwrap()).unwrap().is_whole());
}

#[test]
fn other_lines_are_not_an_agents() {
    for text in [
        "",
        "time=\"2026-03-01T12:00:00Z\" level=info msg=\"signal sent\" signal=KILL pid=1",
        "time=\"2026-03-01T12:00:00Z\" level=info msg=\"x source=sonde-agent msg=\\\"signal sent\\\" signal=KILL\"",
        "time=\"2026-03-01T12:00:00Z\" source=sonde-agent msg=\"signal sent\" signal=KILL delivered=true pid=1",
        "time=\"2026-03-01T12:00:00Z\" source=sonde-agent msg=\"signal sent\" signal=KILL delivered=true pid=99999999999 sender=kernel senderPid=1",
        "time=now source=sonde-agent msg=\"process ended\" pid=1",
    ] {
        assert_eq!(read(text), None, "{text}");
        assert_eq!(watch(text), None, "{text}");
    }
}

const MIB: u64 = 1 << 20;

fn group(name: &str, usage: u64, limit: Option<u64>) -> GroupMemory {
    GroupMemory {
        name: name.into(),
        usage_bytes: usage * MIB,
        limit_bytes: limit.map(|it| it * MIB),
    }
}

/// A kill of the container's process, asked for by a process of `trigger`, in groups of the container, its pod, its
/// class and all pods.
fn kill(
    trigger: Owner,
    container: (u64, Option<u64>),
    pod: (u64, Option<u64>),
    all: (u64, Option<u64>),
) -> OomKill {
    let pod_name = format!("pod{UID}");
    let death = death(DeathKind::OutOfMemory {
        trigger: process(4712, "worker", trigger),
        anonymous_bytes: 60 * MIB,
        file_bytes: MIB,
        shared_bytes: 0,
        groups: vec![
            group(ID, container.0, container.1),
            group(&pod_name, pod.0, pod.1),
            group("burstable", all.0, None),
            group("kubepods", all.0, all.1),
        ],
    });
    let read = read(&line(&death)).unwrap();
    assert_eq!(read, death);
    match facts(read).pop() {
        Some(Fact::OomKill(kill)) => kill,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_group_at_its_limit_is_the_reason() {
    let inside = || owner(ID, UID);
    let beside = || owner(OTHER, UID);
    let elsewhere = || owner(OTHER, "11111111-3a9d-4c39-b7f0-1b2c3d4e5f60");
    let whose = |kill: &OomKill| match kill.constraint {
        Some(OomConstraint::Global) => "machine",
        Some(OomConstraint::Cgroup) if kill.is_container_limit() => "container",
        Some(OomConstraint::Cgroup) if kill.is_pod_limit() => "pod",
        Some(OomConstraint::Cgroup) => "all pods",
        None => "unknown",
    };
    for (kill, expect) in [
        (
            kill(inside(), (64, Some(64)), (64, None), (3000, Some(7000))),
            "container",
        ),
        // The only container's limit is its pod's as well; the nearest counts.
        (
            kill(inside(), (64, Some(64)), (64, Some(64)), (3000, Some(7000))),
            "container",
        ),
        (
            kill(inside(), (40, Some(64)), (128, Some(128)), (3000, Some(7000))),
            "pod",
        ),
        (
            kill(beside(), (40, None), (128, Some(128)), (3000, Some(7000))),
            "pod",
        ),
        (
            kill(elsewhere(), (40, None), (128, None), (7000, Some(7000))),
            "all pods",
        ),
        (
            kill(elsewhere(), (40, Some(64)), (50, None), (3000, Some(7000))),
            "machine",
        ),
        (
            kill(Owner::default(), (40, None), (50, None), (3000, None)),
            "machine",
        ),
        // The container is full, and what asked for memory is none of it: two stories, neither told.
        (
            kill(elsewhere(), (64, Some(64)), (64, None), (3000, Some(7000))),
            "unknown",
        ),
    ] {
        assert_eq!(whose(&kill), expect, "{kill:?}");
        assert_eq!(kill.container_id().as_deref(), Some(ID));
        assert_eq!(kill.pod_uid().as_deref(), Some(UID));
    }
    // More than its own group has is no number of its memory.
    let small = kill(inside(), (50, Some(64)), (64, Some(64)), (3000, None));
    assert_eq!(small.anon_rss_kib, None);
    let kill = kill(inside(), (64, Some(64)), (64, None), (3000, None));
    assert_eq!((kill.limit_kib, kill.usage_kib), (Some(65536), Some(65536)));
    assert_eq!((kill.anon_rss_kib, kill.shmem_rss_kib), (Some(61440), Some(0)));
    assert_eq!((kill.is_first, kill.pid), (Some(true), Some(4711)));
    assert_eq!(kill.invoked_by.as_deref(), Some("worker"));
}

#[test]
fn without_groups_the_owner_names_the_victim() {
    let death = death(DeathKind::OutOfMemory {
        trigger: process(1, "x", Owner::default()),
        anonymous_bytes: 0,
        file_bytes: 0,
        shared_bytes: 0,
        groups: Vec::new(),
    });
    let Some(Fact::OomKill(kill)) = facts(death).pop() else {
        panic!("no kill")
    };
    assert_eq!(kill.constraint, None);
    assert_eq!(kill.container_id().as_deref(), Some(ID));
    assert_eq!(kill.pod_uid().as_deref(), Some(UID));
}

fn any_process() -> impl Strategy<Value = ProcessSeen> {
    let names = prop::collection::vec(any::<String>(), 6);
    (any::<(u32, String, u32, u32, String, bool)>(), names).prop_map(
        |((pid, command, uid, parent_pid, parent_command, first), names)| ProcessSeen {
            pid,
            command,
            uid,
            parent_pid,
            parent_command,
            first,
            owner: Owner {
                namespace: names[0].as_str().into(),
                pod: names[1].as_str().into(),
                pod_uid: names[2].as_str().into(),
                container: names[3].as_str().into(),
                container_id: names[4].as_str().into(),
                sandbox: !first,
                group: names[5].as_str().into(),
            },
        },
    )
}

fn any_sender() -> impl Strategy<Value = SenderSeen> {
    let kinds = prop::sample::select(vec![
        SenderKind::OutOfMemory,
        SenderKind::NamespaceEnd,
        SenderKind::Itself,
        SenderKind::Runtime,
        SenderKind::NodeProcess,
    ]);
    (kinds, any_process()).prop_map(|(kind, process)| SenderSeen { kind, process })
}

fn any_kind() -> impl Strategy<Value = DeathKind> {
    let group =
        any::<(String, u64, Option<u64>)>().prop_map(|(name, usage_bytes, limit_bytes)| GroupMemory {
            name,
            usage_bytes,
            limit_bytes,
        });
    prop_oneof![
        (any::<i32>(), any_sender(), any::<bool>()).prop_map(|(signal, sender, delivered)| {
            DeathKind::Signal {
                signal,
                sender,
                delivered,
            }
        }),
        (
            any::<Option<u8>>(),
            any::<Option<u8>>(),
            prop::option::of(any_sender())
        )
            .prop_map(|(code, signal, sender)| DeathKind::Exit { code, signal, sender }),
        (
            any_process(),
            any::<(u64, u64, u64)>(),
            prop::collection::vec(group, 0..GROUPS_MAX)
        )
            .prop_map(|(trigger, (anonymous_bytes, file_bytes, shared_bytes), groups)| {
                DeathKind::OutOfMemory {
                    trigger,
                    anonymous_bytes,
                    file_bytes,
                    shared_bytes,
                    groups,
                }
            }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        seconds in 0_i64..4_000_000_000,
        nanos in 0_i32..1_000_000_000,
        process in any_process(),
        kind in any_kind(),
    ) {
        let death = Death { time: Timestamp::new(seconds, nanos).unwrap(), process, kind };
        let written = line(&death);
        prop_assert_eq!(written.lines().count(), 1);
        prop_assert_eq!(read(&written), Some(death), "{}", written);
        prop_assert_eq!(crate::log::node(&[&written], None, None).len(), 1);
    }

    #[test]
    fn any_text_is_read_or_left(tail in ".{0,200}", msg in "(signal sent|process ended|killed for memory|watching)") {
        let hostile = format!("time=\"2026-03-01T12:00:00Z\" source=sonde-agent msg=\"{msg}\" {tail}");
        let _whatever = (read(&hostile), watch(&hostile), crate::log::node(&[&hostile], None, None));
    }
}
