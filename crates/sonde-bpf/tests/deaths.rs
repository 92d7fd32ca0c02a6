//! The programs of deaths on this very kernel.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use sonde_bpf::Hierarchy;
use sonde_bpf::deaths::{Deaths, Ending, Event, Sender, What};

/// The programs at work, or `None` where the rights are missing, with the reason on stderr.
fn watch() -> Option<(Deaths, Receiver<Event>)> {
    let (to, events) = channel();
    let hierarchy = Hierarchy::of_this_node().expect("control groups");
    match Deaths::start(&hierarchy, move |event| to.send(event).expect("the test listens")) {
        Ok(deaths) => Some((deaths, events)),
        Err(error) if error.is_permission() => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn sleeper() -> Child {
    Command::new("sleep").arg("600").spawn().expect("sleep runs")
}

/// The first event about the process that `pick` takes.
fn await_event(
    deaths: &Deaths,
    events: &Receiver<Event>,
    pid: u32,
    mut pick: impl FnMut(&What) -> bool,
) -> Event {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        deaths
            .wait(Duration::from_millis(100))
            .expect("the ring can be read");
        if let Some(event) = events
            .try_iter()
            .find(|it| it.subject.pid == pid && pick(&it.what))
        {
            return event;
        }
    }
    panic!("no such event about process {pid}");
}

#[test]
fn the_sender_of_a_kill_is_named() {
    let Some((deaths, events)) = watch() else { return };
    let mut victim = sleeper();
    let mut killer = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -9 {}; :", victim.id()))
        .spawn()
        .expect("sh runs");
    let event = await_event(&deaths, &events, victim.id(), |what| {
        matches!(what, What::Signal { signal: 9, .. })
    });
    let What::Signal {
        sender: Sender::Process(sender),
        delivered,
        ..
    } = event.what
    else {
        panic!("{event:?}");
    };
    assert_eq!((sender.pid, sender.command.as_str()), (killer.id(), "sh"));
    assert_eq!(sender.parent_pid, std::process::id());
    assert!(delivered);
    killer.wait().expect("sh ends");
    assert_eq!(victim.wait().expect("sleep ends").signal(), Some(9));
}

#[test]
fn an_end_by_signal_is_told_and_a_plain_exit_of_the_nodes_own_is_not() {
    let Some((deaths, events)) = watch() else { return };
    let mut calm = Command::new("true").spawn().expect("true runs");
    calm.wait().expect("true ends");
    let mut victim = sleeper();
    victim.kill().expect("ours to kill");
    let mut seen = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !seen
        .iter()
        .any(|it: &Event| it.subject.pid == victim.id() && matches!(it.what, What::Exit(_)))
    {
        assert!(
            Instant::now() < deadline,
            "no end of process {} in {seen:?}",
            victim.id()
        );
        deaths
            .wait(Duration::from_millis(100))
            .expect("the ring can be read");
        seen.extend(events.try_iter());
    }
    let ends: Vec<_> = seen.iter().filter(|it| it.subject.pid == victim.id()).collect();
    assert!(
        ends.iter().any(|it| it.what == What::Exit(Ending::Signal(9))),
        "{ends:?}"
    );
    assert!(!seen.iter().any(|it| it.subject.pid == calm.id()), "{seen:?}");
    victim.wait().expect("sleep ends");
}

#[test]
fn a_process_that_ends_itself_is_its_own_sender() {
    let Some((deaths, events)) = watch() else { return };
    let mut itself = Command::new("sh")
        .arg("-c")
        .arg("kill -SEGV $$")
        .spawn()
        .expect("sh runs");
    let event = await_event(&deaths, &events, itself.id(), |what| {
        matches!(what, What::Signal { signal: 11, .. })
    });
    assert!(
        matches!(&event.what, What::Signal { sender: Sender::Process(process), .. } if process.pid == itself.id()),
        "{event:?}"
    );
    itself.wait().expect("sh ends");
}

/// Whether a shell that was told to do `first` has its USR1 in the events.
fn tells_usr1(deaths: &Deaths, events: &Receiver<Event>, first: &str) -> bool {
    let script = format!("{first}; kill -USR1 $$; kill -TERM $$");
    let mut shell = Command::new("sh").args(["-c", &script]).spawn().expect("sh runs");
    let mut usr1 = false;
    await_event(deaths, events, shell.id(), |what| {
        usr1 |= matches!(what, What::Signal { signal: 10, .. });
        matches!(what, What::Exit(_))
    });
    shell.wait().expect("sh ends");
    usr1
}

#[test]
fn a_signal_that_is_often_handled_is_told_where_it_is_not() {
    let Some((deaths, events)) = watch() else { return };
    assert!(tells_usr1(&deaths, &events, ":"));
    assert!(!tells_usr1(&deaths, &events, "trap : USR1"));
}

#[test]
fn nothing_stays_attached() {
    let Some((deaths, events)) = watch() else { return };
    drop(deaths);
    assert!(
        events.recv_timeout(Duration::from_secs(5)).is_err(),
        "the sender of events is gone with the programs"
    );
}

#[test]
fn two_watch_at_once() {
    let (Some((one, of_one)), Some((other, of_other))) = (watch(), watch()) else {
        return;
    };
    let mut victim = sleeper();
    victim.kill().expect("ours to kill");
    let is_end = |what: &What| matches!(what, What::Exit(_));
    await_event(&one, &of_one, victim.id(), is_end);
    await_event(&other, &of_other, victim.id(), is_end);
    victim.wait().expect("sleep ends");
}
