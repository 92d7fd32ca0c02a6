//! Requests sent are requests counted, at saturation, with real servers and real clients: by both tiers at once, which
//! must agree.

#[path = "common/start.rs"]
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sonde_bpf::Tier;
use sonde_bpf::sockets::{Harvested, Sockets};
use sonde_model::{CallCounts, Role};

use common::{ONE, start};

/// Ends the process with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Whether the machine has a program; a test without its server says so.
fn has(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path)
            .chain(["/usr/sbin".into()])
            .any(|it| it.join(program).is_file())
    });
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .expect("a free port")
        .local_addr()
        .expect("an address")
        .port()
}

fn await_listener(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(Instant::now() < deadline, "nothing listens on {port}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Both tiers at work; none where the rights are missing.
fn both() -> Option<[Sockets; 2]> {
    let [first, second] = Tier::ALL;
    Some([start(first)?, start(second)?])
}

/// Calls by role of a port, when nothing more comes.
fn calls(sockets: &mut Sockets, port: u16) -> BTreeMap<Role, CallCounts> {
    let tier = sockets.tier();
    let mut edges: BTreeMap<Role, CallCounts> = BTreeMap::new();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        for Harvested { key, counts, .. } in sockets.harvest().expect("maps") {
            if key.port == port {
                edges.entry(key.role).or_default().add(&counts);
            }
        }
        let done = |role| edges.get(&role).is_some_and(|edge| edge.opened == edge.closed);
        if done(Role::Client) && done(Role::Server) {
            return edges;
        }
        assert!(
            Instant::now() < deadline,
            "tier {tier}: connections stay open: {edges:?}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// The bucket of a time, as `bucket_of` in `programs/calls.h` has it.
fn bucket(time: Duration) -> i64 {
    let units = time.as_nanos() as u64 >> 8;
    match units {
        0..4 => units as i64,
        _ => {
            let octave = i64::from(units.ilog2());
            (octave - 1) * 4 + (units >> (octave - 2) & 3) as i64
        }
    }
}

/// Each tier has counted `turns` at both ends, and what they tell of times is a bucket apart at most.
fn assert_agreed(both: &mut [Sockets; 2], port: u16, turns: u64) {
    let [socket, packet] = both.each_mut().map(|sockets| calls(sockets, port));
    for role in [Role::Client, Role::Server] {
        let (socket, packet) = (&socket[&role], &packet[&role]);
        assert_eq!((socket.calls, packet.calls), (turns, turns), "{role:?}");
        let without_times = |counts: &CallCounts| {
            (
                (counts.opened, counts.closed, counts.errors),
                (counts.bytes_sent, counts.bytes_received),
            )
        };
        assert_eq!(without_times(socket), without_times(packet), "{role:?}");
        for share in [0.5, 0.99] {
            let time = |counts: &CallCounts| counts.total.quantile(share).expect("there are calls");
            let (of_socket, of_packet) = (time(socket), time(packet));
            println!("{role:?} {share}: S {of_socket:?} P {of_packet:?}");
            assert!(
                (bucket(of_socket) - bucket(of_packet)).abs() <= 1,
                "{role:?}: quantile {share} is {of_socket:?} by tier S, {of_packet:?} by tier P"
            );
        }
    }
}

#[test]
fn redis_counts_the_same_commands() {
    let _one = ONE.lock();
    if !has("redis-server") || !has("redis-benchmark") {
        return;
    }
    let port = free_port();
    let folder = tempfile::tempdir().expect("a folder");
    let _server = Server(
        Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--save",
                "",
                "--appendonly",
                "no",
                "--bind",
                "127.0.0.1",
            ])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server runs"),
    );
    await_listener(port);
    let Some(mut tiers) = both() else { return };
    let client = |arguments: &[&str]| {
        let output = Command::new("redis-benchmark")
            .args(["-p", &port.to_string()])
            .args(arguments)
            .output();
        assert!(output.expect("redis-benchmark runs").status.success());
    };
    client(&["-n", "300000", "-c", "50", "-t", "get", "-q"]);
    // Its own count, asked for afterwards, has not the question itself; and the client's two questions about the
    // configuration travel in one write, which is one turn.
    let stats = Command::new("redis-cli")
        .args(["-p", &port.to_string(), "info", "stats"])
        .output()
        .expect("redis-cli runs");
    let stats = String::from_utf8_lossy(&stats.stdout).into_owned();
    let processed: u64 = stats
        .lines()
        .find_map(|line| line.strip_prefix("total_commands_processed:"))
        .and_then(|count| count.trim().parse().ok())
        .expect("redis tells its count");
    let turns = processed - 1;
    assert!(turns > 300_000);
    // The question itself was a call, too.
    assert_agreed(&mut tiers, port, turns + 1);
}

#[test]
fn nginx_counts_the_same_requests() {
    let _one = ONE.lock();
    if !has("nginx") || !has("ab") {
        return;
    }
    let port = free_port();
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("nginx.conf");
    fs::write(&config, nginx_config(folder.path(), port)).expect("the folder is ours");
    let _server = Server(
        Command::new("/usr/sbin/nginx")
            .args([
                "-c",
                &config.to_string_lossy(),
                "-p",
                &folder.path().to_string_lossy(),
            ])
            .spawn()
            .expect("nginx runs"),
    );
    await_listener(port);
    let Some(mut tiers) = both() else { return };
    // One request for each connection, and many on kept ones.
    for keep in [
        &["-n", "2000", "-c", "16"][..],
        &["-n", "40000", "-c", "16", "-k"],
    ] {
        let output = Command::new("ab")
            .args(keep)
            .arg("-q")
            .arg(format!("http://127.0.0.1:{port}/"))
            .output();
        let output = output.expect("ab runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let log = fs::read_to_string(folder.path().join("access.log")).expect("nginx logs");
    let served = log.lines().count() as u64;
    assert!(served >= 42_000);
    assert_agreed(&mut tiers, port, served);
}

fn nginx_config(folder: &Path, port: u16) -> String {
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
         events {{ }}
         http {{
           access_log {folder}/access.log; keepalive_requests 100000;
           client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
           uwsgi_temp_path {folder}; scgi_temp_path {folder};
           server {{ listen 127.0.0.1:{port}; location / {{ return 200 \"hello\\n\"; }} }}
         }}",
        folder = folder.display()
    )
}
