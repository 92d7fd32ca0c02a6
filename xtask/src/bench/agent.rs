//! What watching costs the watched: the processor time of real servers for each request, with the agent and without.
//!
//! Rounds are interleaved in changing order, so that a busy moment of the machine falls on all alike; the median of the
//! differences counts, not the difference of medians. The server is on one processor, its client on another; both ends
//! of each connection are on this machine and watched, so that a server's time holds a part of what its client's end costs.
//! Beside the agent a model of the usual way is measured: system call tracepoints and an event for each call
//! (`crates/sonde-bpf/models`).

mod loads;
mod scale;
mod servers;
mod soak;
mod watchers;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::agent;
use crate::packages::{self, Need};

pub(crate) use loads::run as run_load;
pub(crate) use loads::{INTERNAL, LoadArgs};
use loads::{Load, bulk_cost, syscall_cost};
use watchers::{Watcher, Way};

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
    Need {
        program: "mariadbd",
        package: "mariadb-server",
    },
    Need {
        program: "mariadb-slap",
        package: "mariadb-client",
    },
    Need {
        program: "taskset",
        package: "util-linux",
    },
];

/// The processors of servers, and of clients and watchers.
const SERVERS: &str = "0";
const OTHERS: &str = "1";

/// What a row of the table is about, and how far it may go on each tier.
struct Goal {
    socket: &'static str,
    packet: &'static str,
}

/// What of the agent is measured.
pub(super) enum What {
    /// Its cost, over so many rounds.
    Cost(usize),
    /// Its memory, over so many minutes.
    Soak(u64),
}

/// Measures and prints tables that can be pasted into `docs/BENCHMARKS.md`.
pub(super) fn run(what: &What, sonde: Option<PathBuf>) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("the agent's programs need root");
    }
    agent::prepare()?;
    packages::provide(NEEDS)?;
    let sonde = sonde.map_or_else(|| super::build(&["--features", "agent"]), Ok)?;
    let classic = match what {
        What::Cost(_) => watchers::build_classic()?,
        What::Soak(_) => PathBuf::new(),
    };
    let folder = std::env::temp_dir().join(format!("sonde-bench-agent-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let ways = watchers::Ways {
        sonde,
        classic,
        folder: folder.clone(),
    };
    let outcome = match what {
        What::Cost(rounds) => measure_all(&ways, &folder, *rounds),
        What::Soak(minutes) => soak::run(&ways, *minutes),
    };
    fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    outcome
}

fn measure_all(ways: &watchers::Ways, folder: &Path, rounds: usize) -> Result<()> {
    let _events = watchers::Tracefs::mounted()?;
    println!(
        "| load | server CPU per request | way | more (median of {rounds} pairs) | | watcher's CPU per request | counted of sent | goal |"
    );
    println!("|---|---:|---|---:|---:|---:|---:|---:|");
    for (load, goal) in servers::loads(folder)? {
        for row in per_request(ways, &load, &goal, rounds)? {
            println!("{row}");
        }
    }
    println!();
    println!("| load | without | way | more (median of {rounds} pairs) | | goal |");
    println!("|---|---:|---|---:|---:|---:|");
    let plain = [
        (
            "64 KiB writes, CPU of both ends per GB",
            "ms",
            bulk_cost as fn() -> Result<f64>,
            Goal {
                socket: "≤ 3 %",
                packet: "≤ 4 %",
            },
        ),
        (
            "read of no socket",
            "ns",
            || syscall_cost("read"),
            Goal {
                socket: "0 ± 1 ns",
                packet: "0 ± 1 ns",
            },
        ),
        (
            "getppid",
            "ns",
            || syscall_cost("getppid"),
            Goal {
                socket: "0 ± 1 ns",
                packet: "0 ± 1 ns",
            },
        ),
    ];
    for (name, unit, cost, goal) in plain {
        for row in paired(ways, (name, unit), cost, &goal, rounds)? {
            println!("{row}");
        }
    }
    println!();
    scale::measure(ways, folder)
}

/// What one way adds, over all rounds.
#[derive(Default)]
struct Column {
    more: Vec<f64>,
    shares: Vec<f64>,
    own: Vec<f64>,
    counted: u64,
    sent: u64,
}

impl Column {
    fn add(&mut self, plain: f64, with: f64) {
        self.more.push(with - plain);
        self.shares.push((with - plain) / plain * 100.0);
    }
}

/// Each round measures without and with each way; the order turns by one each round.
fn rounds_of(
    ways: &[Way],
    rounds: usize,
    mut once: impl FnMut(Option<Way>, &mut Column) -> Result<f64>,
) -> Result<(f64, Vec<Column>)> {
    let mut columns: Vec<Column> = ways.iter().map(|_| Column::default()).collect();
    let mut plain = Vec::new();
    // The first round warms caches.
    for round in 0..=rounds {
        let mut without = 0.0;
        let mut with = vec![0.0; ways.len()];
        for step in 0..=ways.len() {
            let which = (step + round) % (ways.len() + 1);
            match which.checked_sub(1) {
                None => without = once(None, &mut Column::default())?,
                Some(at) => with[at] = once(Some(ways[at]), &mut columns[at])?,
            }
        }
        if round == 0 {
            columns.iter_mut().for_each(|column| *column = Column::default());
            continue;
        }
        plain.push(without);
        for (column, with) in columns.iter_mut().zip(with) {
            column.add(without, with);
        }
    }
    Ok((median(&mut plain), columns))
}

fn per_request(ways: &watchers::Ways, load: &Load, goal: &Goal, rounds: usize) -> Result<Vec<String>> {
    let which = [Way::Socket, Way::SocketEachCall, Way::Packet, Way::Classic];
    let (plain, columns) = rounds_of(&which, rounds, |way, column| {
        let Some(way) = way else {
            return load.server_cpu_per_request();
        };
        let watcher = ways.start(way)?;
        // Until the protocol is known each connection asks for a verdict.
        let warmed = load.warm()?;
        let before = watcher.cpu_ns()?;
        let cost = load.server_cpu_per_request()?;
        column
            .own
            .push((watcher.cpu_ns()? - before) as f64 / load.requests as f64);
        column.sent += warmed + load.requests;
        column.counted += watcher.end(load.port, warmed + load.requests)?;
        Ok(cost)
    })?;
    Ok(which
        .iter()
        .zip(columns)
        .map(|(way, mut column)| {
            format!(
                "| {} | {:.2} us | {} | {:+.3} us | {:+.1} % | {:.3} us | {} of {} | {} |",
                load.name,
                plain / 1e3,
                way.words(),
                median(&mut column.more) / 1e3,
                median(&mut column.shares),
                median(&mut column.own) / 1e3,
                column.counted,
                column.sent,
                way.goal(goal),
            )
        })
        .collect())
}

fn paired(
    ways: &watchers::Ways,
    (name, unit): (&str, &str),
    cost: impl Fn() -> Result<f64>,
    goal: &Goal,
    rounds: usize,
) -> Result<Vec<String>> {
    let which = [Way::Socket, Way::Packet, Way::Classic];
    let (plain, columns) = rounds_of(&which, rounds, |way, _| {
        let _watcher: Option<Watcher> = way.map(|way| ways.start(way)).transpose()?;
        cost()
    })?;
    Ok(which
        .iter()
        .zip(columns)
        .map(|(way, mut column)| {
            format!(
                "| {name} | {plain:.1} {unit} | {} | {:+.1} {unit} | {:+.1} % | {} |",
                way.words(),
                median(&mut column.more),
                median(&mut column.shares),
                way.goal(goal),
            )
        })
        .collect())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
