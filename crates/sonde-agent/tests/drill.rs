//! The slow-call drill: gateway → app → database, a delay in turn in the app, in the database, in the network and in the
//! receive queue; the counts alone must name the right place each time.
//!
//! Each role is a process of its own in a control group of its own, with a loopback address as a pod has one.

use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::json;
use sonde_bpf::Hierarchy;
use sonde_bpf::sockets::{Harvested, Options, Sockets};
use sonde_model::{CallEdge, Calls, Owner};
use sonde_topology::{Level, Names, Place, blame, join};
use sonde_world::World;

const GATEWAY: Ipv4Addr = Ipv4Addr::new(127, 71, 0, 1);
const APP: Ipv4Addr = Ipv4Addr::new(127, 71, 0, 2);
const DATABASE: Ipv4Addr = Ipv4Addr::new(127, 71, 0, 3);
const ROLES: [(&str, Ipv4Addr); 3] = [("gateway", GATEWAY), ("app", APP), ("database", DATABASE)];
/// Callers of the gateway at once.
const CALLERS: usize = 12;
const MESSAGE: usize = 16;
const ROLE: &str = "SONDE_DRILL_ROLE";

/// One drill at a time: they share the addresses.
static ONE: Mutex<()> = Mutex::new(());

/// Not a test: what the child processes run, chosen by the environment.
#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let words: Vec<&str> = role.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().expect("a number");
    let port = |at: usize| u16::try_from(number(at)).expect("a port");
    match words[0] {
        "database" if words[2] == "one-by-one" => serve_one_by_one(port(1), Duration::from_millis(number(3))),
        "database" => {
            let work = Duration::from_millis(number(3));
            serve(DATABASE, port(1), move || move || thread::sleep(work));
        }
        "app" => {
            let (database, work) = (port(2), Duration::from_millis(number(3)));
            serve(APP, port(1), move || {
                let mut next = dial(APP, DATABASE, database);
                move || {
                    thread::sleep(work);
                    exchange(&mut next);
                }
            });
        }
        "gateway" => {
            let (app, until) = (port(1), Instant::now() + Duration::from_millis(number(2)));
            let callers: Vec<_> = (0..CALLERS)
                .map(|_| {
                    thread::spawn(move || {
                        let mut next = dial(GATEWAY, APP, app);
                        while Instant::now() < until {
                            exchange(&mut next);
                        }
                    })
                })
                .collect();
            callers
                .into_iter()
                .for_each(|caller| caller.join().expect("the calls succeed"));
        }
        other => panic!("no role {other}"),
    }
}

/// A thread for each connection; `make` gives it what it does for each request.
fn serve<W: FnMut()>(address: Ipv4Addr, port: u16, make: impl Fn() -> W + Sync) {
    let listener = TcpListener::bind((address, port)).expect("the port is free");
    thread::scope(|scope| {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let make = &make;
            scope.spawn(move || {
                let (mut message, mut work) = ([0; MESSAGE], make());
                while stream.read_exact(&mut message).is_ok() {
                    work();
                    if stream.write_all(&message).is_err() {
                        break;
                    }
                }
            });
        }
    });
}

/// One thread for all connections: requests wait their turn in the receive queues.
fn serve_one_by_one(port: u16, work: Duration) {
    let listener = TcpListener::bind((DATABASE, port)).expect("the port is free");
    listener.set_nonblocking(true).expect("an option of every kernel");
    let mut streams: Vec<TcpStream> = Vec::new();
    let mut message = [0; MESSAGE];
    loop {
        let mut idle = true;
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true).expect("an option of every kernel");
            streams.push(stream);
        }
        streams.retain_mut(|stream| match stream.read(&mut message) {
            Ok(0) => false,
            Ok(_) => {
                idle = false;
                thread::sleep(work);
                stream.write_all(&message).is_ok()
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        });
        if idle {
            thread::sleep(Duration::from_micros(200));
        }
    }
}

/// A connection from an address of its own, once the other side listens.
fn dial(from: Ipv4Addr, to: Ipv4Addr, port: u16) -> TcpStream {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&socket, &SocketAddrV4::new(from, 0)).expect("a loopback address");
        match connect(&socket, &SocketAddr::from((to, port))) {
            Ok(()) => {
                let stream = TcpStream::from(socket);
                stream.set_nodelay(true).expect("an option of every kernel");
                return stream;
            }
            Err(error) => assert!(Instant::now() < deadline, "{to}:{port}: {error}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn exchange(stream: &mut TcpStream) {
    stream.write_all(&[7; MESSAGE]).expect("the other side reads");
    stream
        .read_exact(&mut [0; MESSAGE])
        .expect("the other side answers");
}

/// The control groups of the roles, gone with the test.
struct Groups(HashMap<&'static str, PathBuf>);

impl Groups {
    fn make(hierarchy: &Hierarchy) -> std::io::Result<Self> {
        let mut groups = Self(HashMap::new());
        for (role, _) in ROLES {
            let folder = hierarchy
                .root()
                .join(format!("sonde-drill-{}-{role}", std::process::id()));
            fs::create_dir(&folder)?;
            groups.0.insert(role, folder);
        }
        Ok(groups)
    }

    fn role_of(&self, group: u64) -> Option<&'static str> {
        let is_it = |folder: &PathBuf| fs::metadata(folder).is_ok_and(|it| it.ino() == group);
        self.0
            .iter()
            .find(|(_, folder)| is_it(folder))
            .map(|(role, _)| *role)
    }

    fn start(&self, words: &str) -> Running {
        let role = words.split(' ').next().unwrap_or_default();
        // The shell moves itself into the group before it becomes the role.
        let child = Command::new("sh")
            .arg("-c")
            .arg("echo $$ > \"$1\"/cgroup.procs && exec \"$2\" --exact role --nocapture")
            .arg("sh")
            .arg(&self.0[role])
            .arg(std::env::current_exe().expect("this program"))
            .env(ROLE, words)
            .stdout(Stdio::null())
            .spawn()
            .expect("sh runs");
        Running(child)
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for folder in self.0.values() {
            // A process that was just killed leaves its group a moment later.
            let deadline = Instant::now() + Duration::from_secs(5);
            while fs::remove_dir(folder).is_err() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// Ends the process with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Drops one of so many small packets to a port of the database, for as long as it lives.
struct Loss(Vec<String>);

impl Loss {
    fn start(port: u16) -> Option<Self> {
        let rule = format!(
            "INPUT -i lo -d {DATABASE} -p tcp --dport {port} -m statistic --mode nth --every 12 --packet 0 -j DROP"
        );
        let loss = Self(rule.split(' ').map(str::to_owned).collect());
        let done = Command::new("iptables")
            .arg("-A")
            .args(&loss.0)
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|status| status.success()).then_some(loss)
    }
}

impl Drop for Loss {
    fn drop(&mut self) {
        let _gone = Command::new("iptables")
            .arg("-D")
            .args(&self.0)
            .stderr(Stdio::null())
            .status();
    }
}

fn free_port(address: Ipv4Addr) -> u16 {
    let listener = TcpListener::bind((address, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn names() -> Names {
    let mut world = World::new();
    for (role, address) in ROLES {
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": role, "namespace": "drill", "uid": role, "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"nodeName": "n1"}, "status": {"phase": "Running", "podIP": address.to_string()}});
        world.put_json(pod.to_string().into(), None).expect("a pod");
    }
    Names::from_snapshot(&world.snapshot())
}

/// Where the time of the gateway's calls goes, by the counts alone; `None` where this machine cannot tell.
fn drill(app_ms: u64, database: &str, loss: bool) -> Option<String> {
    let _one = ONE.lock();
    let hierarchy = Hierarchy::of_this_node().expect("control groups");
    let mut sockets = match Sockets::start(&hierarchy, &Options::default(), |_| {}) {
        Ok(sockets) => sockets,
        Err(error) if error.is_permission() => {
            eprintln!("skipped: {error}");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let groups = match Groups::make(&hierarchy) {
        Ok(groups) => groups,
        Err(error) => {
            eprintln!("skipped: no control groups can be made here: {error}");
            return None;
        }
    };
    let (app_port, database_port) = (free_port(APP), free_port(DATABASE));
    let _database = groups.start(&format!("database {database_port} {database}"));
    let _app = groups.start(&format!("app {app_port} {database_port} {app_ms}"));
    let _loss = match loss.then(|| Loss::start(database_port)) {
        Some(None) => {
            eprintln!("skipped: iptables cannot drop packets here");
            return None;
        }
        started => started.flatten(),
    };
    let since = Timestamp::now();
    let mut gateway = groups.start(&format!("gateway {app_port} 2500"));
    let status = gateway.0.wait().expect("the gateway ends");
    assert!(status.success(), "{status}");
    let harvest = sockets.harvest().expect("the maps can be read");
    let edges = harvest.into_iter().filter_map(|Harvested { key, counts, .. }| {
        let pod = groups.role_of(key.group)?;
        Some(CallEdge {
            since,
            owner: Owner {
                namespace: "drill".into(),
                pod: pod.into(),
                ..Owner::default()
            },
            role: key.role,
            remote: key.remote,
            port: key.port,
            protocol: String::new(),
            counts,
        })
    });
    let answer = Calls {
        schema: Calls::SCHEMA.into(),
        node: "n1".into(),
        since,
        now: Timestamp::now(),
        slow_ns: 0,
        edges: edges.collect(),
        overflowed: 0,
        unseen: 0,
    };
    let graph = join(&[answer], &names(), Level::Pod);
    let first = graph
        .edges
        .iter()
        .position(|edge| {
            edge.from.to_string() == "drill/pod/gateway" && edge.to.to_string() == "drill/pod/app"
        })
        .unwrap_or_else(|| panic!("no edge from gateway to app: {graph:?}"));
    let found = blame(&graph, first).expect("there are calls");
    Some(match found.place {
        Place::Application(name) => format!("work of {name}"),
        Place::ApplicationOrQueue(name) => format!("work or queue of {name}"),
        Place::Queue(name) => format!("queue of {name}"),
        Place::Network(from, to) => format!("network {from} {to}"),
        Place::Unseen(name) => format!("unseen {name}"),
    })
}

#[track_caller]
fn is(found: Option<String>, expected: &str) {
    assert!(
        found.as_deref().is_none_or(|found| found == expected),
        "{found:?} is not {expected}"
    );
}

#[test]
fn the_apps_own_work() {
    is(drill(25, "all-at-once 1", false), "work of drill/pod/app");
}

#[test]
fn the_databases_work() {
    is(drill(1, "all-at-once 25", false), "work of drill/pod/database");
}

#[test]
fn the_databases_receive_queue() {
    is(drill(1, "one-by-one 3", false), "queue of drill/pod/database");
}

#[test]
fn the_network_to_the_database() {
    is(
        drill(1, "all-at-once 1", true),
        "network drill/pod/app drill/pod/database",
    );
}
