use std::time::Duration;

use sonde_bpf::deaths::{Held, MemoryGroup};

use super::*;
use crate::owners::testing::{id, in_container, process};

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_790_000_000_000 + milliseconds).unwrap()
}

fn state() -> State {
    let mut state = State::new("worker".into(), at(0));
    state.runtimes.push(RuntimeState::default());
    state
}

fn event(subject: Process, what: What) -> Event {
    Event {
        since_boot: Duration::ZERO,
        subject,
        what,
    }
}

fn signal(signal: i32, sender: Sender) -> What {
    What::Signal {
        signal,
        sender,
        delivered: true,
    }
}

fn oom(trigger: Process) -> What {
    What::Oom {
        trigger,
        held: Held {
            anonymous: 60 << 20,
            file: 0,
            shared: 0,
            swap: 0,
        },
        groups: vec![MemoryGroup {
            name: id("a"),
            usage: 64 << 20,
            limit: Some(64 << 20),
        }],
    }
}

fn named(letter: &str) -> Named {
    Named {
        id: id(letter),
        namespace: "shop".into(),
        pod: "checkout".into(),
        pod_uid: "0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60".into(),
        container: "app".into(),
        sandbox: false,
    }
}

fn sender_of(death: &Death) -> Option<SenderKind> {
    match &death.kind {
        DeathKind::Signal { sender, .. } => Some(sender.kind),
        DeathKind::Exit { sender, .. } => sender.as_ref().map(|sender| sender.kind),
        DeathKind::OutOfMemory { .. } => None,
    }
}

#[test]
fn a_kill_for_memory_is_told_as_such_in_each_of_its_events() {
    let mut state = state();
    let app = in_container("a", 50, 1, "app");
    state.take(event(app.clone(), signal(9, Sender::Kernel(app.clone()))), at(10));
    state.take(event(app.clone(), oom(app.clone())), at(10));
    state.take(event(app, What::Exit(Ending::Signal(9))), at(12));
    let deaths = state.deaths(None, at(100)).deaths;
    let senders: Vec<_> = deaths.iter().map(sender_of).collect();
    assert_eq!(
        senders,
        [Some(SenderKind::OutOfMemory), None, Some(SenderKind::OutOfMemory)]
    );
    assert!(deaths.iter().all(|death| death.process.first));
}

#[test]
fn a_name_that_comes_late_is_added_to_all_processes_of_an_entry() {
    let mut state = state();
    let app = in_container("a", 50, 1, "app");
    let sidecar = in_container("b", 60, 1, "sidecar");
    state.take(event(app.clone(), signal(15, Sender::Process(sidecar))), at(10));
    state.take(event(app, What::Exit(Ending::Signal(15))), at(11));
    assert!(state.wants_names());
    state.learn(0, Err(Condition::Fails("down".into())), at(12));
    assert!(state.wants_names(), "a runtime that fails will be asked again");
    state.learn(0, Ok(vec![named("a"), named("b")]), at(2_000));
    assert!(!state.wants_names());
    for death in state.deaths(None, at(3_000)).deaths {
        let (DeathKind::Signal { sender, .. }
        | DeathKind::Exit {
            sender: Some(sender), ..
        }) = &death.kind
        else {
            panic!("{death:?}");
        };
        assert_eq!(sender.kind, SenderKind::OtherContainer);
        for owner in [&death.process.owner, &sender.process.owner] {
            assert_eq!((&*owner.namespace, &*owner.container), ("shop", "app"));
        }
    }
}

#[test]
fn deaths_are_counted_once_and_by_what_they_turned_out_to_be() {
    let mut state = state();
    let app = in_container("a", 50, 1, "app");
    state.take(event(app.clone(), signal(9, Sender::Kernel(app.clone()))), at(0));
    state.tick(at(1_000));
    state.take(event(app.clone(), oom(app.clone())), at(900));
    for second in 1..60 {
        state.tick(at(second * 1_000));
        if second == 10 {
            state.learn(0, Ok(vec![named("a")]), at(10_500));
        }
    }
    let status = crate::status::status(&state, at(60_000));
    let told = crate::metrics::Told {
        status: &status,
        deaths: &state.counts,
        calls: &state.traffic.totals,
        cpu_seconds: 0.0,
        runtimes: &[],
    };
    let (_, text) = crate::metrics::exposition(&told, "");
    let text = String::from_utf8(text).expect("text");
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("sonde_agent_deaths_total"))
        .collect();
    assert_eq!(
        lines,
        [
            "sonde_agent_deaths_total{what=\"out-of-memory\",sender=\"\",namespace=\"shop\"} 1",
            "sonde_agent_deaths_total{what=\"signal\",sender=\"out-of-memory\",namespace=\"shop\"} 1",
        ]
    );
}

#[test]
fn what_is_no_containers_waits_for_no_name() {
    let mut state = state();
    let build = process(50, 50, 0, "make");
    state.take(event(build.clone(), signal(9, Sender::Process(build))), at(0));
    assert!(!state.wants_names());
    let deaths = state.deaths(None, at(10)).deaths;
    assert_eq!(sender_of(&deaths[0]), Some(SenderKind::Itself));
    assert!(!deaths[0].process.owner.is_container());
}
