//! What an agent takes of memory with many sockets and edges, how long it takes to look at them all, and what each of its
//! programs takes of time by the kernel's own statistics.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde_json::Value;

use super::loads::INTERNAL;
use super::servers::Running;
use super::watchers::{Watcher, Way, Ways};
use super::{median, servers};

/// Connections, each with both ends on this machine: twice as many sockets.
const CONNECTIONS: u32 = 8_000;
/// Different pairs of addresses among them: an edge for each end of each pair.
const PAIRS: u32 = 5_000;
const SWEEPS: usize = 9;

pub(super) fn measure(ways: &Ways, folder: &Path) -> Result<()> {
    println!(
        "| {} sockets, {} edges | way | figure | goal |\n|---|---|---:|---:|",
        2 * CONNECTIONS,
        2 * PAIRS
    );
    for way in [Way::Socket, Way::Packet] {
        let watcher = ways.start(way)?;
        let holder = hold()?;
        let calls = watcher.calls(holder.port, u64::from(CONNECTIONS))?;
        let answer = watcher.ask("/v1/calls")?;
        let edges = answer["edges"].as_array().map_or(0, Vec::len);
        let memory = Memory::of(&watcher)?;
        println!(
            "| memory: resident {:.1} + maps {:.1} + storage of sockets {:.1} MB; {calls} calls on {edges} edges | {} | {:.1} MB | ≤ 80 MB |",
            memory.resident,
            memory.maps,
            memory.storage,
            way.words(),
            memory.resident + memory.maps + memory.storage,
        );
        let mut times = Vec::new();
        for _ in 0..SWEEPS {
            let answer = watcher.ask("/v1/connections")?;
            let seen = answer["connections"].as_array().map_or(0, Vec::len);
            if seen < 2 * CONNECTIONS as usize {
                bail!("{seen} connections are seen of {}", 2 * CONNECTIONS);
            }
            times.push(answer["sweepMicros"].as_f64().unwrap_or(f64::NAN) / 1e3);
        }
        println!(
            "| a look at every connection, median of {SWEEPS} | {} | {:.1} ms | {} |",
            way.words(),
            median(&mut times),
            if way == Way::Socket { "≤ 15 ms" } else { "" },
        );
    }
    println!();
    println!(
        "| program | way | runs per request | time per run | time per request |\n|---|---|---:|---:|---:|"
    );
    for way in [Way::Socket, Way::Packet] {
        run_times(ways, way, folder)?;
    }
    Ok(())
}

/// Megabytes.
struct Memory {
    resident: f64,
    maps: f64,
    storage: f64,
}

impl Memory {
    /// The process by `/proc/PID/status`, its maps by what the kernel tells of their descriptors. What a map of socket
    /// storage takes per socket the kernel does not tell: the size of its value, the header, rounded up to a slab's size.
    fn of(watcher: &Watcher) -> Result<Self> {
        /// `struct bpf_local_storage_elem` and the storage it hangs on, of 6.18.
        const STORAGE_HEADER: u64 = 128 + 192;
        const SK_STORAGE: &str = "24";
        let process = format!("/proc/{}", watcher.pid());
        let status = fs::read_to_string(format!("{process}/status"))?;
        let resident = field(&status, "VmRSS:").context("no VmRSS")?;
        let (mut maps, mut storage) = (0, 0);
        for descriptor in fs::read_dir(format!("{process}/fdinfo"))? {
            let Ok(text) = fs::read_to_string(descriptor?.path()) else {
                continue;
            };
            let Some(memory) = field(&text, "memlock:").filter(|_| text.contains("map_type:")) else {
                continue;
            };
            maps += memory;
            if text
                .lines()
                .any(|line| line.starts_with("map_type:") && line.ends_with(SK_STORAGE))
            {
                let value = field(&text, "value_size:").unwrap_or(0);
                storage += u64::from(2 * CONNECTIONS) * (value + STORAGE_HEADER).next_power_of_two();
            }
        }
        Ok(Self {
            resident: resident as f64 / 1e3,
            maps: maps as f64 / 1e6,
            storage: storage as f64 / 1e6,
        })
    }
}

fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

struct Holder {
    _process: Running,
    port: u16,
}

/// A process with so many connections open, each with a call behind it.
fn hold() -> Result<Holder> {
    let mut process = Running(
        Command::new(std::env::current_exe()?)
            .args([INTERNAL, "many", &CONNECTIONS.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let mut said = String::new();
    if let Some(output) = process.0.stdout.as_mut() {
        BufReader::new(output).read_line(&mut said)?;
    }
    let port = said.trim().parse().context("the connections cannot be made")?;
    Ok(Holder {
        _process: process,
        port,
    })
}

/// The other side of [`hold`]: makes them, says the port, and holds them until its input ends.
pub(super) fn hold_connections(count: u32) -> Result<()> {
    let files = u64::from(count) * 2 + 256;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(files),
            maximum: Some(files),
        },
    )
    .context("failed to raise the limit of open files")?;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let port = listener.local_addr()?.port();
    let mut held = Vec::new();
    for number in 0..count {
        let [_, _, high, low] = (number % PAIRS).to_be_bytes();
        let mut client = connect(
            Ipv4Addr::new(127, 2, high, low),
            (Ipv4Addr::new(127, 1, high, low), port).into(),
        )?;
        let (mut server, _) = listener.accept()?;
        let mut byte = [0];
        client.write_all(b"?")?;
        server.read_exact(&mut byte)?;
        server.write_all(b"!")?;
        client.read_exact(&mut byte)?;
        held.push((client, server));
    }
    println!("{port}");
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// A connection from an address of ours.
fn connect(from: Ipv4Addr, to: SocketAddr) -> Result<TcpStream> {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::from((from, 0)))?;
    connect(&socket, &to)?;
    Ok(socket.into())
}

/// Prints what the kernel counts of each program's runs under the worst load.
fn run_times(ways: &Ways, way: Way, folder: &Path) -> Result<()> {
    const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";
    let at = folder.join("statistics");
    fs::create_dir_all(&at)?;
    let loads = servers::loads(&at)?;
    let (load, _) = loads.first().context("no load")?;
    let watcher = ways.start(way)?;
    load.warm()?;
    fs::write(SWITCH, "1").with_context(|| format!("failed to write {SWITCH}"))?;
    let before = runs(&watcher.ask("/v1/status")?);
    let outcome = load.server_cpu_per_request();
    let after = runs(&watcher.ask("/v1/status")?);
    fs::write(SWITCH, "0").with_context(|| format!("failed to write {SWITCH}"))?;
    outcome?;
    for (program, count, ns) in after {
        let old = before.iter().find(|(name, _, _)| *name == program);
        let (count, ns) = old.map_or((count, ns), |(_, runs, time)| (count - runs, ns - time));
        // What did not run for the requests is not about them.
        if count * 20 > load.requests {
            let requests = load.requests as f64;
            println!(
                "| {program} | {}, {} | {:.2} | {:.0} ns | {:.0} ns |",
                way.words(),
                load.name,
                count as f64 / requests,
                ns as f64 / count as f64,
                ns as f64 / requests,
            );
        }
    }
    fs::remove_dir_all(&at).ok();
    Ok(())
}

/// Programs with their runs and nanoseconds so far.
fn runs(status: &Value) -> Vec<(String, u64, u64)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    list(&status["programs"])
        .iter()
        .flat_map(|program| list(&program["runs"]))
        .filter_map(|run| {
            Some((
                run["name"].as_str()?.to_owned(),
                run["count"].as_u64()?,
                run["ns"].as_u64()?,
            ))
        })
        .collect()
}
