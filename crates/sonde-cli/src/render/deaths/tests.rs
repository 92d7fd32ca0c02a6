use sonde_model::Owner;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_600_000 + second).unwrap()
}

fn app(pid: u32) -> ProcessSeen {
    ProcessSeen {
        pid,
        command: "app".into(),
        parent_pid: 4,
        parent_command: "containerd-shim".into(),
        first: true,
        owner: Owner {
            namespace: "shop".into(),
            pod: "checkout-1".into(),
            container: "app".into(),
            container_id: "a".repeat(64).into(),
            pod_uid: "u".into(),
            ..Owner::default()
        },
        ..ProcessSeen::default()
    }
}

fn sender(kind: SenderKind, command: &str) -> SenderSeen {
    SenderSeen {
        kind,
        process: ProcessSeen {
            pid: 900,
            command: command.into(),
            ..ProcessSeen::default()
        },
    }
}

fn deaths(deaths: Vec<(i64, ProcessSeen, DeathKind)>) -> Deaths {
    Deaths {
        schema: Deaths::SCHEMA.into(),
        node: "worker-1".into(),
        since: at(-60),
        now: at(100),
        deaths: deaths
            .into_iter()
            .map(|(second, process, kind)| Death {
                time: at(second),
                process,
                kind,
            })
            .collect(),
        lost: 0,
        dropped: 0,
    }
}

fn sent(signal: i32, sender: SenderSeen) -> DeathKind {
    DeathKind::Signal {
        signal,
        sender,
        delivered: true,
    }
}

fn killed(signal: u8, sender: Option<SenderSeen>) -> DeathKind {
    DeathKind::Exit {
        code: None,
        signal: Some(signal),
        sender,
    }
}

fn left(code: u8) -> DeathKind {
    DeathKind::Exit {
        code: Some(code),
        signal: None,
        sender: None,
    }
}

fn sick() -> Deaths {
    let runtime = || sender(SenderKind::Runtime, "runc");
    let memory = DeathKind::OutOfMemory {
        trigger: app(11),
        anonymous_bytes: 60 << 20,
        file_bytes: 1 << 20,
        shared_bytes: 0,
        groups: vec![
            GroupMemory {
                name: "a".repeat(64),
                usage_bytes: 64 << 20,
                limit_bytes: Some(64 << 20),
            },
            GroupMemory {
                name: "podu".into(),
                usage_bytes: 65 << 20,
                limit_bytes: None,
            },
        ],
    };
    let shell = ProcessSeen {
        pid: 50,
        command: "make".into(),
        ..ProcessSeen::default()
    };
    deaths(vec![
        (1, app(11), sent(9, sender(SenderKind::OutOfMemory, "app"))),
        (1, app(11), memory),
        (
            2,
            app(11),
            killed(9, Some(sender(SenderKind::OutOfMemory, "app"))),
        ),
        (10, app(12), sent(15, runtime())),
        (12, app(12), left(143)),
        (20, app(13), sent(15, runtime())),
        (50, app(13), sent(9, runtime())),
        (50, app(13), killed(9, Some(runtime()))),
        (
            60,
            shell,
            killed(15, Some(sender(SenderKind::NodeProcess, "bash"))),
        ),
        (70, app(14), left(0)),
        (80, app(15), sent(15, sender(SenderKind::SameContainer, "sh"))),
    ])
}

#[test]
fn each_end_is_one_row_with_who_and_how_much() {
    let answer = sick();
    let text = table(&rows(&answer, false), &answer, &View::plain(), true);
    insta::assert_snapshot!(text, @r"
    TIME      CONTAINER            PROCESS    ENDED BY  BY WHOM                                         MEMORY
    09:46:42  shop/checkout-1/app  app (11)   SIGKILL   out-of-memory killer                            held 61Mi, group 64Mi of 64Mi
    09:46:52  shop/checkout-1/app  app (12)   exit 143  itself, after SIGTERM from runtime: runc (900)
    09:47:30  shop/checkout-1/app  app (13)   SIGKILL   runtime: runc (900)
    09:47:40  node                 make (50)  SIGTERM   process of the node: bash (900)
    09:47:50  shop/checkout-1/app  app (14)   exit 0    itself
    ");
}

#[test]
fn signals_that_ended_nothing_are_shown_when_asked_for() {
    let answer = sick();
    let rows = rows(&answer, true);
    assert_eq!(rows.len(), 6);
    assert_eq!(
        (&*rows[5].how, &*rows[5].by),
        ("SIGTERM, lives on", "same container: sh (900)")
    );
}

#[test]
fn what_is_not_known_is_told_beside_the_table() {
    let mut answer = deaths(Vec::new());
    answer.lost = 1;
    answer.dropped = 2_000;
    assert_eq!(
        notes(&answer, Some("shop")),
        [
            "Nothing died in namespace shop on node worker-1 in what the agent remembers; it has watched since 2026-11-25 09:45:40 UTC (2m40s ago).",
            "Not all is shown: 1 event came faster than the agent could take them.",
            "Not all is shown: 2,000 events were dropped because its memory is bounded.",
        ]
    );
}

#[test]
fn an_owner_goes_by_what_is_known() {
    for (owner, expected) in [
        (app(1).owner, "shop/checkout-1/app".to_owned()),
        (
            Owner {
                sandbox: true,
                container: "".into(),
                ..app(1).owner
            },
            "shop/checkout-1/(sandbox)".to_owned(),
        ),
        (
            Owner {
                pod: "".into(),
                ..app(1).owner
            },
            "pod u container aaaaaaaaaaaa".to_owned(),
        ),
        (Owner::default(), "node".to_owned()),
        (
            Owner {
                group: "ssh.service".into(),
                ..Owner::default()
            },
            "node: ssh.service".to_owned(),
        ),
    ] {
        assert_eq!(owner.words(), expected);
    }
}
