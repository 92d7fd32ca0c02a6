//! `/metrics`: a bounded number of series, as OpenMetrics text or in Prometheus' protobuf form. Pure.

mod family;
mod protobuf;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use sonde_model::{AgentStatus, CallCounts, Death, DeathKind, Role, Seen};

use crate::traffic::{OTHER, SERIES_MAX, Totals};
pub(crate) use family::{Family, Kind, Sample, Value};
pub(crate) use text::bounds;

/// Deaths by what they were, since the start.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    deaths: BTreeMap<(&'static str, &'static str, Arc<str>), u64>,
}

impl Counts {
    /// Counts a death.
    pub(crate) fn add(&mut self, death: &Death) {
        let (what, sender) = match &death.kind {
            DeathKind::Signal { sender, .. } => ("signal", Some(sender)),
            DeathKind::Exit {
                signal: Some(_),
                sender,
                ..
            } => ("ended-by-signal", sender.as_ref()),
            DeathKind::Exit { code: Some(0), .. } => ("exit-zero", None),
            DeathKind::Exit { .. } => ("exit-nonzero", None),
            DeathKind::OutOfMemory { .. } => ("out-of-memory", None),
        };
        let sender = sender.map_or("", |sender| sender.kind.word());
        let mut key = (what, sender, death.process.owner.namespace.clone());
        if self.deaths.len() >= SERIES_MAX && !self.deaths.contains_key(&key) {
            key.2 = OTHER.into();
        }
        *self.deaths.entry(key).or_default() += 1;
    }
}

/// What there is to tell.
pub(crate) struct Told<'a> {
    pub(crate) status: &'a AgentStatus,
    pub(crate) deaths: &'a Counts,
    pub(crate) calls: &'a Totals,
    pub(crate) cpu_seconds: f64,
    /// Sockets of container runtimes, with the questions that were answered and that failed.
    pub(crate) runtimes: &'a [(String, u64, u64)],
}

/// The media type and the bytes, in the form that the `Accept` header asks for.
pub(crate) fn exposition(told: &Told<'_>, accept: &str) -> (&'static str, Vec<u8>) {
    let families = families(told);
    if protobuf::is_accepted(accept) {
        (protobuf::MEDIA_TYPE, protobuf::bytes(&families))
    } else {
        (text::MEDIA_TYPE, text::text(&families).into_bytes())
    }
}

pub(crate) fn families(told: &Told<'_>) -> Vec<Family> {
    let mut all = calls(told.calls);
    all.push(deaths(told.deaths));
    all.extend(agent(told));
    all
}

/// A metric of calls that is a sum: its name, what it is, and where it stands.
type Sum = (&'static str, &'static str, fn(&CallCounts) -> u64);

const SUMS: &[Sum] = &[
    ("sonde_calls", "Calls, from request to answer.", |it| it.calls),
    (
        "sonde_call_errors",
        "Calls that failed by the protocol's own meaning.",
        |it| it.errors,
    ),
    (
        "sonde_slow_calls",
        "Calls that took as long as the agent calls slow, or longer.",
        |it| it.slow,
    ),
    ("sonde_sent_bytes", "Bytes handed to the kernel.", |it| {
        it.bytes_sent
    }),
    ("sonde_received_bytes", "Bytes read from the kernel.", |it| {
        it.bytes_received
    }),
    ("sonde_connections_opened", "Connections that came about.", |it| {
        it.opened
    }),
    ("sonde_connections_closed", "Connections that ended.", |it| {
        it.closed
    }),
    (
        "sonde_connects_failed",
        "Connections that did not come about.",
        |it| it.connect_failed,
    ),
    ("sonde_retransmits", "Segments that were sent again.", |it| {
        it.retransmits
    }),
    ("sonde_resets_sent", "Resets that were sent.", |it| it.resets_sent),
    ("sonde_resets_received", "Resets that came.", |it| {
        it.resets_received
    }),
];

fn calls(totals: &Totals) -> Vec<Family> {
    let series = totals.series();
    let mut all: Vec<Family> = SUMS
        .iter()
        .map(|(name, help, _)| Family::new(name, Kind::Counter, help))
        .collect();
    let mut duration = Family::new(
        "sonde_call_duration_seconds",
        Kind::Histogram,
        "Server: from the request's arrival to the answer's first byte. Client: from its write to the answer.",
    );
    let mut wait = Family::new(
        "sonde_call_wait_seconds",
        Kind::Histogram,
        "Server: how long requests lay unread in the receive queue.",
    );
    for (series, counts) in series {
        let port = match series.port {
            0 => String::new(),
            port => port.to_string(),
        };
        let labels = [
            ("namespace", &*series.namespace),
            ("pod", &series.pod),
            ("container", &series.container),
            (
                "role",
                match series.role {
                    Role::Client => "client",
                    Role::Server => "server",
                },
            ),
            ("port", &port),
            ("protocol", &series.protocol),
        ];
        for (family, (_, _, sum)) in all.iter_mut().zip(SUMS) {
            family.sample(&labels, Value::Whole(sum(counts)));
        }
        duration.sample(&labels, Value::Times(counts.total.clone(), counts.total_ns));
        if series.role == Role::Server {
            wait.sample(&labels, Value::Times(counts.wait.clone(), counts.waited_ns));
        }
    }
    all.extend([duration, wait]);
    all
}

fn deaths(counts: &Counts) -> Family {
    let mut family = Family::new(
        "sonde_agent_deaths",
        Kind::Counter,
        "What the kernel told of the ends of processes.",
    );
    for ((what, sender, namespace), count) in &counts.deaths {
        let labels = [("what", *what), ("sender", *sender), ("namespace", &**namespace)];
        family.sample(&labels, Value::Whole(*count));
    }
    family
}

/// What the agent says of itself.
fn agent(told: &Told<'_>) -> Vec<Family> {
    let status = told.status;
    let (mut used, mut limit, mut dropped) = (
        Family::new("sonde_agent_used", Kind::Gauge, "How full each bounded store is."),
        Family::new(
            "sonde_agent_limit",
            Kind::Gauge,
            "How much each bounded store can hold.",
        ),
        Family::new(
            "sonde_agent_dropped",
            Kind::Counter,
            "What found no room in a bounded store.",
        ),
    );
    for bound in &status.bounds {
        let labels = [("of", &*bound.name)];
        if let Some(value) = bound.used {
            used.sample(&labels, Value::Whole(value));
        }
        if let Some(value) = bound.limit {
            limit.sample(&labels, Value::Whole(value));
        }
        dropped.sample(&labels, Value::Whole(bound.dropped));
    }
    let mut coverage = Family::new(
        "sonde_agent_coverage",
        Kind::Gauge,
        "How much of a signal is seen: 1 whole, 0.5 partly, 0 nothing.",
    );
    for it in &status.coverage {
        let value = match it.seen {
            Seen::Whole => 1.0,
            Seen::Partly => 0.5,
            Seen::Nothing => 0.0,
        };
        coverage.sample(&[("signal", &it.signal)], Value::Real(value));
    }
    let mut running = Family::new(
        "sonde_agent_program_running",
        Kind::Gauge,
        "Whether the kernel runs the programs.",
    );
    for program in &status.programs {
        let value = u64::from(program.why_not.is_none());
        running.sample(&[("program", &program.name)], Value::Whole(value));
    }
    let mut lists = Family::new(
        "sonde_agent_runtime_lists",
        Kind::Counter,
        "Questions to container runtimes.",
    );
    for (socket, answered, failed) in told.runtimes {
        for (result, count) in [("answered", answered), ("failed", failed)] {
            lists.sample(&[("socket", socket), ("result", result)], Value::Whole(*count));
        }
    }
    let mut info = Family::new("sonde_agent", Kind::Info, "The agent.");
    info.sample(
        &[("version", &status.version), ("node", &status.node)],
        Value::Whole(1),
    );
    let mut all = vec![used, limit, dropped, coverage, running, lists, info];
    all.push(
        Family::new(
            "process_start_time_seconds",
            Kind::Gauge,
            "When the agent started, in seconds since 1970.",
        )
        .with(Value::Real(status.since.as_second() as f64)),
    );
    all.push(
        Family::new(
            "process_cpu_seconds",
            Kind::Counter,
            "Processor time that the agent took.",
        )
        .with(Value::Real(told.cpu_seconds)),
    );
    let bytes = [
        (
            "process_resident_memory_bytes",
            "Resident memory of the agent.",
            status.resident_bytes,
        ),
        (
            "sonde_agent_map_bytes",
            "Memory of the kernel's maps.",
            status.map_bytes,
        ),
    ];
    all.extend(bytes.into_iter().filter_map(|(name, help, bytes)| {
        Some(Family::new(name, Kind::Gauge, help).with(Value::Whole(bytes?)))
    }));
    all
}

#[cfg(test)]
mod tests;
