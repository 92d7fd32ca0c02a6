//! What watching costs the watched: the processor time of real servers for each request, with the agent and without.
//!
//! Rounds come in pairs in turns (with and without, without and with), so that a busy moment of the machine falls on both;
//! the median of the differences counts, not the difference of medians. Client and server are both on this machine, so
//! both ends of each connection are watched.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::agent;
use crate::packages::{self, Need};

const NEEDS: &[Need] = &[
    Need {
        program: "redis-server",
        package: "redis-server",
    },
    Need {
        program: "redis-benchmark",
        package: "redis-tools",
    },
    Need {
        program: "nginx",
        package: "nginx-light",
    },
    Need {
        program: "ab",
        package: "apache2-utils",
    },
];

/// A process that ends with its value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// One load: a server, and a client that sends it so many requests.
struct Load {
    name: &'static str,
    requests: u64,
    server: u32,
    client: Vec<String>,
    target: &'static str,
}

/// Measures all loads and prints a table that can be pasted into `docs/BENCHMARKS.md`.
pub(super) fn run(rounds: usize) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("the agent's programs need root");
    }
    agent::prepare()?;
    packages::provide(NEEDS)?;
    let sonde = super::build(&["--features", "agent"])?;
    let folder = std::env::temp_dir().join(format!("sonde-bench-agent-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let outcome = measure_all(&sonde, &folder, rounds);
    fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    outcome
}

fn measure_all(sonde: &Path, folder: &Path, rounds: usize) -> Result<()> {
    let (redis_port, nginx_port) = (free_port()?, free_port()?);
    let redis = redis(folder, redis_port)?;
    let nginx = nginx(folder, nginx_port)?;
    let words = |text: String| text.split(' ').map(str::to_owned).collect();
    let loads = [
        Load {
            name: "redis GET",
            requests: 150_000,
            server: redis.0.id(),
            client: words(format!(
                "redis-benchmark -p {redis_port} -n 150000 -c 50 -t get -q"
            )),
            target: "≤ 0.6 us and ≤ 8 %",
        },
        Load {
            name: "nginx 200, kept connections",
            requests: 60_000,
            server: nginx.0.id(),
            client: words(format!("ab -q -k -n 60000 -c 16 http://127.0.0.1:{nginx_port}/")),
            target: "≤ 0.5 us",
        },
    ];
    println!(
        "| load | server CPU per request | more with the agent (median of {rounds} pairs) | % | agent CPU per request | counted of sent | target |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for load in &loads {
        println!("{}", measure(sonde, folder, load, rounds)?);
    }
    println!("{}", without_sockets(sonde, folder, rounds)?);
    Ok(())
}

fn measure(sonde: &Path, folder: &Path, load: &Load, rounds: usize) -> Result<String> {
    let (mut plain, mut more, mut shares, mut own) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut counted, mut sent) = (0, 0);
    // The first pair warms caches.
    for round in 0..=rounds {
        let mut off = 0.0;
        let mut on = 0.0;
        for step in 0..2 {
            if (round + step) % 2 == 0 {
                off = per_request(load)?;
                continue;
            }
            let watch = start_agent(sonde, folder)?;
            let before = cpu_ns(watch.0.id())?;
            on = per_request(load)?;
            let spent = (cpu_ns(watch.0.id())? - before) as f64 / load.requests as f64;
            // The counts of the last seconds are harvested each five.
            std::thread::sleep(Duration::from_millis(5_500));
            let (calls, port) = (ask(&folder.join("agent.sock"), "/v1/calls")?, port_of(load));
            if round > 0 {
                own.push(spent);
                counted += calls_of(&calls, port);
                sent += load.requests;
            }
        }
        if round > 0 {
            plain.push(off);
            more.push(on - off);
            shares.push((on - off) / off * 100.0);
        }
    }
    Ok(format!(
        "| {} | {:.2} us | {:+.3} us | {:+.1} % | {:.3} us | {counted} of {sent} | {} |",
        load.name,
        median(plain) / 1e3,
        median(more) / 1e3,
        median(shares),
        median(own) / 1e3,
        load.target
    ))
}

/// A loop of reads that are no socket's: wall time for each, since the reader does nothing else.
fn without_sockets(sonde: &Path, folder: &Path, rounds: usize) -> Result<String> {
    const READS: u64 = 2_000_000;
    let once = || -> Result<f64> {
        let start = Instant::now();
        let dd = Command::new("dd")
            .args([
                "if=/dev/zero",
                "of=/dev/null",
                "bs=1",
                &format!("count={READS}"),
                "status=none",
            ])
            .status()
            .context("failed to run dd")?;
        if !dd.success() {
            bail!("dd failed");
        }
        Ok(start.elapsed().as_nanos() as f64 / READS as f64)
    };
    let (mut plain, mut more) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let (mut off, mut on) = (0.0, 0.0);
        for step in 0..2 {
            if (round + step) % 2 == 0 {
                off = once()?;
            } else {
                let _watch = start_agent(sonde, folder)?;
                on = once()?;
            }
        }
        if round > 0 {
            plain.push(off);
            more.push(on - off);
        }
    }
    Ok(format!(
        "| a read and a write of no socket | {:.0} ns | {:+.1} ns | | | | 0 ± 1 ns |",
        median(plain),
        median(more)
    ))
}

/// The server's processor time for each request of one run of the client, in nanoseconds.
fn per_request(load: &Load) -> Result<f64> {
    let before = cpu_ns(load.server)?;
    let done = Command::new(&load.client[0])
        .args(&load.client[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("failed to run {}", load.client[0]))?;
    if !done.success() {
        bail!("{} failed", load.client.join(" "));
    }
    Ok((cpu_ns(load.server)? - before) as f64 / load.requests as f64)
}

/// Time on a processor of all threads of a process (`/proc/PID/task/TID/schedstat`, first number).
fn cpu_ns(pid: u32) -> Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("process {pid} is gone"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        sum += text
            .split(' ')
            .next()
            .and_then(|ns| ns.parse::<u64>().ok())
            .unwrap_or(0);
    }
    Ok(sum)
}

fn start_agent(sonde: &Path, folder: &Path) -> Result<Running> {
    let socket = folder.join("agent.sock");
    let child = Command::new(sonde)
        .args(["agent", "--socket"])
        .arg(&socket)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("failed to start the agent")?;
    let running = Running(child);
    let deadline = Instant::now() + Duration::from_secs(20);
    while ask(&socket, "/v1/status").is_err() {
        if Instant::now() > deadline {
            bail!("the agent does not answer");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(running)
}

fn ask(socket: &Path, path: &str) -> Result<Value> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: agent\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("no answer of an agent")?;
    Ok(serde_json::from_str(body)?)
}

/// Calls that the servers of a port were seen to answer.
fn calls_of(answer: &Value, port: u64) -> u64 {
    let edges = answer["edges"].as_array().map(Vec::as_slice).unwrap_or_default();
    edges
        .iter()
        .filter(|edge| edge["role"] == "server" && edge["port"] == port)
        .filter_map(|edge| edge["calls"].as_u64())
        .sum()
}

fn port_of(load: &Load) -> u64 {
    let digits = |text: &String| {
        text.trim_end_matches('/')
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
    };
    load.client
        .iter()
        .filter_map(digits)
        .find(|port| *port > 1024 && *port < 65_536)
        .unwrap_or(0)
}

fn redis(folder: &Path, port: u16) -> Result<Running> {
    let child = Command::new("redis-server")
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
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .context("failed to start redis-server")?;
    await_listener(port, Running(child))
}

fn nginx(folder: &Path, port: u16) -> Result<Running> {
    let config = folder.join("nginx.conf");
    let at = folder.display();
    fs::write(
        &config,
        format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log; events {{ }}\n\
             http {{ access_log off; keepalive_requests 10000000; client_body_temp_path {at}; proxy_temp_path {at};\n\
             fastcgi_temp_path {at}; uwsgi_temp_path {at}; scgi_temp_path {at};\n\
             server {{ listen 127.0.0.1:{port}; location / {{ return 200 \"hello\\n\"; }} }} }}"
        ),
    )?;
    let program = packages::find_program("nginx").context("nginx is not installed")?;
    let child = Command::new(program)
        .arg("-c")
        .arg(&config)
        .arg("-p")
        .arg(folder)
        .spawn()?;
    await_listener(port, Running(child))
}

fn await_listener(port: u16, server: Running) -> Result<Running> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if Instant::now() > deadline {
            bail!("nothing listens on {port}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(server)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
