//! What an agent's memory does over half an hour in which processes and connections come and go.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::loads::INTERNAL;
use super::watchers::{Watcher, Way, Ways};

/// Processes each second; each opens a connection, makes a call and ends.
const EACH_SECOND: u32 = 100;
const LOOK: Duration = Duration::from_secs(10);

/// Runs for so long and prints the slope of the agent's memory.
pub(super) fn run(ways: &Ways, minutes: u64) -> Result<()> {
    static ENDED: AtomicBool = AtomicBool::new(false);
    static BORN: AtomicU64 = AtomicU64::new(0);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut byte = [0];
            let _answered = stream.read_exact(&mut byte).and_then(|()| stream.write_all(b"!"));
        }
    });
    let watcher = ways.start(Way::Socket)?;
    let ourselves = std::env::current_exe()?;
    let churn = thread::spawn(move || -> Result<()> {
        let start = Instant::now();
        for number in 0_u32.. {
            if ENDED.load(Ordering::Relaxed) {
                break;
            }
            // One after another: a machine that cannot keep up makes fewer, and the figure says how many.
            let mut child = Command::new(&ourselves)
                .args([INTERNAL, "once", &port.to_string()])
                .stdin(Stdio::null())
                .spawn()?;
            child.wait()?;
            BORN.fetch_add(1, Ordering::Relaxed);
            let due = Duration::from_secs(1) / EACH_SECOND * number;
            thread::sleep(due.saturating_sub(start.elapsed()));
        }
        Ok(())
    });
    println!(
        "| minutes | processes | resident | maps | edges kept | names kept |\n|---:|---:|---:|---:|---:|---:|"
    );
    let start = Instant::now();
    let mut seen = Vec::new();
    let mut next_row = 0;
    while start.elapsed() < Duration::from_secs(minutes * 60) {
        thread::sleep(LOOK);
        let state = Look::at(&watcher)?;
        let minutes = start.elapsed().as_secs() / 60;
        if minutes >= next_row {
            println!(
                "| {minutes} | {} | {:.2} MB | {:.2} MB | {} | {} |",
                BORN.load(Ordering::Relaxed),
                state.resident / 1e6,
                state.maps / 1e6,
                state.edges,
                state.names
            );
            next_row = minutes + 5;
        }
        seen.push((start.elapsed().as_secs_f64(), state));
    }
    ENDED.store(true, Ordering::Relaxed);
    if churn.join().is_err() {
        bail!("the processes could not be made");
    }
    // Its tables fill in the first third: what comes after must not grow.
    let settled = &seen[seen.len() / 3..];
    let slope = |of: fn(&Look) -> f64| slope(settled.iter().map(|(at, look)| (*at, of(look)))) * 3600.0 / 1e6;
    println!(
        "\n{} processes, {:.0} a second; after the first third the resident memory changes by {:+.2} MB an hour, maps by {:+.2}",
        BORN.load(Ordering::Relaxed),
        BORN.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64(),
        slope(|look| look.resident),
        slope(|look| look.maps),
    );
    Ok(())
}

/// The agent at a moment.
struct Look {
    resident: f64,
    maps: f64,
    edges: u64,
    names: u64,
}

impl Look {
    fn at(watcher: &Watcher) -> Result<Self> {
        let status = watcher.ask("/v1/status")?;
        let used = |of: &str| {
            let bounds = status["bounds"].as_array().map(Vec::as_slice).unwrap_or_default();
            bounds
                .iter()
                .find(|bound| bound["name"] == of)
                .and_then(|bound| bound["used"].as_u64())
                .unwrap_or(0)
        };
        let bytes = |value: &Value| value.as_f64().context("the agent does not tell its memory");
        Ok(Self {
            resident: bytes(&status["residentBytes"])?,
            maps: bytes(&status["mapBytes"])?,
            edges: used("edges of the last minute"),
            names: used("names of containers"),
        })
    }
}

/// Of the line with the least squares.
fn slope(points: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let count = points.clone().count() as f64;
    let (sum_x, sum_y) = points.clone().fold((0.0, 0.0), |(x, y), it| (x + it.0, y + it.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (over, under) = points.fold((0.0, 0.0), |(over, under), (x, y)| {
        (
            over + (x - mean_x) * (y - mean_y),
            under + (x - mean_x) * (x - mean_x),
        )
    });
    over / under
}

/// One short life: a connection, a call.
pub(super) fn live_once(port: u16) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(b"?")?;
    stream.read_exact(&mut [0])?;
    Ok(())
}
