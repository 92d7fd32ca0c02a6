//! Questions for names, with a real server and a real client: what was asked is what is counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use sonde_bpf::lookups::{Lookup, Lookups};
use sonde_bpf::sockets::Options;
use sonde_l7::Protocol;
use sonde_model::{CallCounts, Role};

static ONE: Mutex<()> = Mutex::new(());

/// Ends the process with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn start() -> Option<(Lookups, Receiver<Lookup>)> {
    let (to, lookups) = channel();
    match Lookups::start(&Options::default(), move |lookup| {
        let _ended = to.send(lookup);
    }) {
        Ok(programs) => Some((programs, lookups)),
        Err(error) if error.is_permission() => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("-v").output().is_ok();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// Asks a list of names one after the other; the answers' codes as dig tells them.
fn dig(server: IpAddr, names: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("names");
    fs::write(&list, names).expect("the folder is ours");
    let output = Command::new("dig")
        .arg(format!("@{server}"))
        .args(["+tries=1", "+timeout=5", "-f"])
        .arg(list)
        .output()
        .expect("dig runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn each_question_is_counted_and_failures_are_told_by_name() {
    let _one = ONE.lock();
    if !has("dnsmasq") || !has("dig") {
        return;
    }
    let Some((mut programs, lookups)) = start() else {
        return;
    };
    let servers = [
        // An address that no resolver of a machine has.
        IpAddr::from(Ipv4Addr::new(127, 77, 0, 1)),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ];
    let _server = Server(
        Command::new("dnsmasq")
            .args([
                "--no-daemon",
                "--no-resolv",
                "--no-hosts",
                "--conf-file=/dev/null",
            ])
            .args([
                "--bind-interfaces",
                "--except-interface=lo",
                "--user=root",
                "--pid-file",
            ])
            .args(servers.map(|it| format!("--listen-address={it}")))
            .args(["--address=/ok.test/192.0.2.1", "--local=/none.test/"])
            .stderr(Stdio::null())
            .spawn()
            .expect("dnsmasq runs"),
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    while !servers
        .iter()
        .all(|server| dig(*server, "up.ok.test").contains("status: NOERROR"))
    {
        assert!(Instant::now() < deadline, "dnsmasq does not answer");
        thread::sleep(Duration::from_millis(50));
    }
    let _before = programs.harvest().expect("maps");
    programs.consume().expect("the ring");
    let _before: Vec<_> = lookups.try_iter().collect();

    let mut names = String::new();
    for number in 0..300 {
        writeln!(names, "host-{number}.ok.test").expect("a string");
    }
    for _ in 0..50 {
        writeln!(names, "Gone.None.Test AAAA").expect("a string");
    }
    for _ in 0..7 {
        writeln!(names, "elsewhere.example").expect("a string");
    }
    for server in servers {
        let answers = dig(server, &names);
        assert_eq!(answers.matches("status: NOERROR").count(), 300, "{server}");
        let mut counts: BTreeMap<Role, CallCounts> = BTreeMap::new();
        for edge in programs.harvest().expect("maps") {
            if edge.key.protocol == Some(Protocol::Dns) && edge.key.port == 53 {
                assert_eq!(
                    edge.key.remote,
                    if edge.key.role == Role::Client {
                        server
                    } else {
                        edge.key.remote
                    }
                );
                counts.entry(edge.key.role).or_default().add(&edge.counts);
            }
        }
        for role in [Role::Client, Role::Server] {
            let counts = &counts[&role];
            assert_eq!((counts.calls, counts.errors), (357, 57), "{server}, {role:?}");
            assert!(counts.total_ns > 0 && counts.bytes_sent > 0 && counts.bytes_received > 0);
        }
        programs.consume().expect("the ring");
        let mut failures: BTreeMap<(Role, String, u16, Option<u8>), u32> = BTreeMap::new();
        for lookup in lookups.try_iter().filter(|it| it.code != Some(0)) {
            let key = (lookup.edge.role, lookup.name, lookup.kind, lookup.code);
            *failures.entry(key).or_default() += 1;
        }
        let expected = |role| {
            [
                ((role, "elsewhere.example".to_owned(), 1, Some(5)), 7),
                ((role, "gone.none.test".to_owned(), 28, Some(3)), 50),
            ]
        };
        let expected: BTreeMap<_, _> = [Role::Client, Role::Server]
            .into_iter()
            .flat_map(expected)
            .collect();
        assert_eq!(failures, expected, "{server}");
    }
    assert_eq!(programs.lost().expect("counters"), 0);
}

#[test]
fn a_question_without_an_answer_is_told() {
    let _one = ONE.lock();
    let Some((programs, _)) = start() else { return };
    let silent = UdpSocket::bind((Ipv4Addr::new(127, 77, 0, 2), 53)).expect("nobody else has it");
    let asker = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05quiet\x04test\x00\x00\x01\x00\x01";
    for _ in 0..2 {
        asker
            .send_to(question, silent.local_addr().expect("an address"))
            .expect("room in the queue");
    }
    let ours = |after: Duration| -> Vec<Lookup> {
        let mut told = programs.take_unanswered(after).expect("the map");
        told.retain(|it| it.name == "quiet.test");
        told
    };
    assert_eq!(ours(Duration::from_secs(600)), []);
    let told = ours(Duration::ZERO);
    // Asked twice is one question, and both ends have it.
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter().all(|it| it.code.is_none() && it.kind == 1),
        "{told:?}"
    );
    assert_eq!(ours(Duration::ZERO), []);
}
