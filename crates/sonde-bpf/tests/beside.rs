//! Beside other users of the same hooks, and what is left when the programs go.

#[path = "common/start.rs"]
mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use libbpf_rs::{Link, MapCore as _, MapFlags, Object, ObjectBuilder};
use sonde_bpf::sockets::Sockets;
use sonde_bpf::{Hierarchy, Tier};
use sonde_model::{CallCounts, Role};

use common::{ONE, start};

/// The calls of one client on one connection to a port that nobody else uses; both ends live in this process. The client
/// keeps the connection open for a while.
fn exchange(times: usize, keep: Duration) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut message = [0; 16];
        while stream.read_exact(&mut message).is_ok() {
            stream.write_all(&message).expect("the client reads");
        }
    });
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    let mut answer = [0; 16];
    for _ in 0..times {
        stream.write_all(b"0123456789abcdef").expect("the server reads");
        stream.read_exact(&mut answer).expect("the server answers");
    }
    // A probe or two, which have a number of a byte that was sent (RFC 9293, section 3.8.4).
    let second = Duration::from_secs(1);
    rustix::net::sockopt::set_socket_keepalive(&stream, true).expect("an option of every kernel");
    rustix::net::sockopt::set_tcp_keepidle(&stream, second).expect("an option of every kernel");
    rustix::net::sockopt::set_tcp_keepintvl(&stream, second).expect("an option of every kernel");
    thread::sleep(keep * 2);
    drop(stream);
    server.join().expect("the server ends with its connection");
    address.port()
}

/// What was counted at the client's and the server's end of a port, once both are closed.
fn counts(sockets: &mut Sockets, port: u16) -> [CallCounts; 2] {
    let (mut client, mut server) = (CallCounts::default(), CallCounts::default());
    for _ in 0..200 {
        for edge in sockets.harvest().expect("the maps can be read") {
            if edge.key.port == port {
                match edge.key.role {
                    Role::Client => client.add(&edge.counts),
                    _ => server.add(&edge.counts),
                }
            }
        }
        if client.closed == 1 && server.closed == 1 {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    [client, server]
}

/// A control group of version 2 that this process is in while it lives.
struct Group(PathBuf);

impl Group {
    fn enter() -> Self {
        let root = Hierarchy::unified_of_this_node().expect("version 2 is mounted");
        let folder = root
            .root()
            .join(format!("sonde-test-beside-{}", std::process::id()));
        fs::create_dir(&folder).expect("root may make groups");
        fs::write(folder.join("cgroup.procs"), "0").expect("root may move itself");
        Self(folder)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let root = self.0.parent().expect("it was made in one");
        let _moved = fs::write(root.join("cgroup.procs"), "0");
        let _gone = fs::remove_dir(&self.0);
    }
}

/// Programs of someone else at a control group.
struct Other {
    _links: Vec<Link>,
    object: Object,
}

impl Other {
    /// Compiles and attaches `beside/NAME.bpf.c`.
    fn attach(name: &str, group: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let object = folder.path().join("other.bpf.o");
        let headers = env!("BPF_HEADERS");
        let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/src/programs");
        let source = format!("{}/tests/beside/{name}.bpf.c", env!("CARGO_MANIFEST_DIR"));
        let built = Command::new("clang")
            .args([
                "-target", "bpf", "-O2", "-g", "-I", headers, "-I", ours, "-c", &source, "-o",
            ])
            .arg(&object)
            .status()
            .expect("clang built the other programs, too");
        assert!(built.success());
        let opened = ObjectBuilder::default().open_file(&object).expect("an object");
        let object = opened.load().expect("the kernel takes it");
        let group = File::open(group).expect("the group is there");
        let links = object
            .progs_mut()
            .map(|program| program.attach_cgroup(group.as_raw_fd()).expect("they may attach"))
            .collect();
        Self {
            _links: links,
            object,
        }
    }

    /// Packets, dropped ones of `lossy`, and events.
    fn seen(&self) -> [u64; 2] {
        let map = self
            .object
            .maps()
            .find(|map| map.name() == "seen")
            .expect("it has a map");
        [0_u32, 1].map(|which| {
            let value = map.lookup(&which.to_ne_bytes(), MapFlags::ANY).expect("the map");
            u64::from_ne_bytes(value.expect("it is full").try_into().expect("8 bytes"))
        })
    }
}

#[test]
fn others_at_the_same_and_at_a_lower_group_are_not_disturbed_and_do_not_disturb() {
    let _one = ONE.lock();
    let root = Hierarchy::unified_of_this_node().expect("version 2 is mounted");
    let Some(first) = start(Tier::Packet) else { return };
    let group = Group::enter();
    // Theirs come after some of ours and before others, above and below.
    let (above, below) = (
        Other::attach("other", root.root()),
        Other::attach("other", &group.0),
    );
    let Some(second) = start(Tier::Packet) else { return };
    let Some(third) = start(Tier::Socket) else { return };
    let port = exchange(1_000, Duration::ZERO);
    for mut sockets in [first, second, third] {
        let tier = sockets.tier();
        let calls = counts(&mut sockets, port).map(|it| it.calls);
        assert_eq!(calls, [1_000, 1_000], "tier {tier}");
    }
    for other in [above, below] {
        let [packets, events] = other.seen();
        assert!(
            packets >= 4_000 && events >= 2,
            "{packets} packets, {events} events"
        );
    }
}

#[test]
fn what_is_sent_again_and_what_only_keeps_alive_is_not_counted_twice() {
    let _one = ONE.lock();
    let [first, second] = Tier::ALL.map(start);
    let (Some(first), Some(second)) = (first, second) else {
        return;
    };
    let group = Group::enter();
    let lossy = Other::attach("lossy", &group.0);
    let port = exchange(100, Duration::from_secs(1));
    let [dropped, _] = lossy.seen();
    assert!(dropped > 3, "{dropped} dropped");
    for mut sockets in [first, second] {
        let tier = sockets.tier();
        let ends = counts(&mut sockets, port);
        for end in &ends {
            assert_eq!(
                (end.calls, end.bytes_sent, end.bytes_received),
                (100, 1_600, 1_600),
                "tier {tier}, {dropped} dropped"
            );
        }
        let again: u64 = ends.iter().map(|it| it.retransmits).sum();
        assert!(
            again >= dropped,
            "tier {tier}: {again} sent again, {dropped} dropped"
        );
    }
}

/// Ids of what a process holds of the kernel's programs and links.
fn held(pid: u32) -> BTreeSet<(String, u32)> {
    let mut held = BTreeSet::new();
    for file in fs::read_dir(format!("/proc/{pid}/fdinfo"))
        .expect("it runs")
        .flatten()
    {
        let text = fs::read_to_string(file.path()).unwrap_or_default();
        for kind in ["prog_id:", "link_id:"] {
            let id = text.lines().find_map(|line| line.strip_prefix(kind));
            if let Some(id) = id.and_then(|id| id.trim().parse().ok()) {
                held.insert((kind.to_owned(), id));
            }
        }
    }
    held
}

fn alive() -> BTreeSet<(String, u32)> {
    let programs = libbpf_rs::query::ProgInfoIter::default().map(|it| ("prog_id:".to_owned(), it.id));
    let links = libbpf_rs::query::LinkInfoIter::default().map(|it| ("link_id:".to_owned(), it.id));
    programs.chain(links).collect()
}

/// Not a test of its own: what the next one kills.
#[test]
fn watcher_to_be_killed() {
    if std::env::var_os("SONDE_TEST_WATCH").is_none() {
        return;
    }
    let _sockets: Vec<_> = Tier::ALL.into_iter().filter_map(start).collect();
    println!("watching");
    thread::sleep(Duration::from_secs(600));
}

#[test]
fn a_killed_watcher_leaves_nothing() {
    let _one = ONE.lock();
    if start(Tier::Packet).is_none() {
        return;
    }
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "watcher_to_be_killed", "--nocapture"])
        .env("SONDE_TEST_WATCH", "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    lines
        .map_while(Result::ok)
        .find(|line| line.ends_with("watching"))
        .expect("it watches");
    let held = held(child.id());
    assert!(held.len() > 10, "programs and links: {held:?}");
    assert_eq!(held.difference(&alive()).count(), 0);
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    let deadline = Instant::now() + Duration::from_secs(30);
    while held.intersection(&alive()).count() > 0 {
        assert!(Instant::now() < deadline, "left behind: {held:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn all_is_taken_down_in_less_than_100_ms() {
    let _one = ONE.lock();
    for tier in Tier::ALL {
        // The best of some: another process may have the processor.
        let best = (0..5).filter_map(|_| {
            let sockets = start(tier)?;
            let begin = Instant::now();
            drop(sockets);
            Some(begin.elapsed())
        });
        let Some(best) = best.min() else { return };
        println!("tier {tier} is down after {best:?}");
        assert!(best < Duration::from_millis(100), "tier {tier}: {best:?}");
    }
}
