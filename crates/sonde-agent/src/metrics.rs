//! `/metrics`: OpenMetrics text with a bounded number of series. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use sonde_model::{AgentStatus, Death, DeathKind, Seen};

/// Series of one metric; what comes after adds up under [`OTHER`].
const SERIES_MAX: usize = 1_000;
/// The namespace of what found no room.
const OTHER: &str = "(other)";

/// The media type of the answer.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

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

/// The whole exposition.
pub(crate) fn text(
    status: &AgentStatus,
    counts: &Counts,
    cpu_seconds: f64,
    runtimes: &[(String, u64, u64)],
) -> String {
    let mut out = Exposition::default();
    out.family(
        "sonde_agent_deaths",
        "counter",
        "What the kernel told of the ends of processes.",
    );
    for ((what, sender, namespace), count) in &counts.deaths {
        let labels = [("what", *what), ("sender", *sender), ("namespace", &**namespace)];
        out.sample("sonde_agent_deaths_total", &labels, *count);
    }
    out.family("sonde_agent_used", "gauge", "How full each bounded store is.");
    for bound in &status.bounds {
        if let Some(used) = bound.used {
            out.sample("sonde_agent_used", &[("of", &bound.name)], used);
        }
    }
    out.family(
        "sonde_agent_limit",
        "gauge",
        "How much each bounded store can hold.",
    );
    for bound in &status.bounds {
        if let Some(limit) = bound.limit {
            out.sample("sonde_agent_limit", &[("of", &bound.name)], limit);
        }
    }
    out.family(
        "sonde_agent_dropped",
        "counter",
        "What found no room in a bounded store.",
    );
    for bound in &status.bounds {
        out.sample("sonde_agent_dropped_total", &[("of", &bound.name)], bound.dropped);
    }
    out.family(
        "sonde_agent_coverage",
        "gauge",
        "How much of a signal is seen: 1 whole, 0.5 partly, 0 nothing.",
    );
    for coverage in &status.coverage {
        let value = match coverage.seen {
            Seen::Whole => "1",
            Seen::Partly => "0.5",
            Seen::Nothing => "0",
        };
        out.sample("sonde_agent_coverage", &[("signal", &coverage.signal)], value);
    }
    out.family(
        "sonde_agent_program_running",
        "gauge",
        "Whether the kernel runs the programs.",
    );
    for program in &status.programs {
        let running = u8::from(program.why_not.is_none());
        out.sample(
            "sonde_agent_program_running",
            &[("program", &program.name)],
            running,
        );
    }
    out.family(
        "sonde_agent_runtime_lists",
        "counter",
        "Questions to container runtimes.",
    );
    for (socket, lists, failures) in runtimes {
        for (result, count) in [("answered", lists), ("failed", failures)] {
            let labels = [("socket", &**socket), ("result", result)];
            out.sample("sonde_agent_runtime_lists_total", &labels, *count);
        }
    }
    out.family("sonde_agent", "info", "The agent.");
    let labels = [("version", &*status.version), ("node", &status.node)];
    out.sample("sonde_agent_info", &labels, 1);
    out.family(
        "process_start_time_seconds",
        "gauge",
        "When the agent started, in seconds since 1970.",
    );
    out.sample("process_start_time_seconds", &[], status.since.as_second());
    out.family(
        "process_cpu_seconds",
        "counter",
        "Processor time that the agent took.",
    );
    out.sample("process_cpu_seconds_total", &[], format!("{cpu_seconds:.2}"));
    if let Some(bytes) = status.resident_bytes {
        out.family(
            "process_resident_memory_bytes",
            "gauge",
            "Resident memory of the agent.",
        );
        out.sample("process_resident_memory_bytes", &[], bytes);
    }
    if let Some(bytes) = status.map_bytes {
        out.family("sonde_agent_map_bytes", "gauge", "Memory of the kernel's maps.");
        out.sample("sonde_agent_map_bytes", &[], bytes);
    }
    out.text.push_str("# EOF\n");
    out.text
}

#[derive(Default)]
struct Exposition {
    text: String,
}

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail, here and below.
        let _ = write!(self.text, "# TYPE {name} {kind}\n# HELP {name} {help}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.text.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let open = if at == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

/// The OpenMetrics specification, "escaped-string": backslash, quote and line feed.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use sonde_model::{Bound, ProcessSeen};

    use super::*;

    fn death(namespace: &str) -> Death {
        let mut process = ProcessSeen::default();
        process.owner.namespace = namespace.into();
        Death {
            time: Timestamp::UNIX_EPOCH,
            process,
            kind: DeathKind::Exit {
                code: Some(3),
                signal: None,
                sender: None,
            },
        }
    }

    fn status() -> AgentStatus {
        AgentStatus {
            schema: AgentStatus::SCHEMA.into(),
            version: "1".into(),
            node: "worker \"1\"".into(),
            pid: 1,
            since: Timestamp::UNIX_EPOCH,
            now: Timestamp::UNIX_EPOCH,
            programs: Vec::new(),
            coverage: Vec::new(),
            bounds: vec![Bound {
                name: "connections".into(),
                used: Some(1),
                limit: Some(32),
                dropped: 4,
            }],
            resident_bytes: None,
            map_bytes: None,
        }
    }

    #[test]
    fn samples_stand_under_their_family_and_labels_are_escaped() {
        let mut counts = Counts::default();
        counts.add(&death("shop"));
        counts.add(&death("shop"));
        let text = text(&status(), &counts, 0.5, &[]);
        for line in [
            "# TYPE sonde_agent_deaths counter",
            "sonde_agent_deaths_total{what=\"exit-nonzero\",sender=\"\",namespace=\"shop\"} 2",
            "sonde_agent_dropped_total{of=\"connections\"} 4",
            "sonde_agent_info{version=\"1\",node=\"worker \\\"1\\\"\"} 1",
            "process_cpu_seconds_total 0.50",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
        assert!(text.ends_with("\n# EOF\n"));
    }

    #[test]
    fn series_are_bounded_and_nothing_is_lost() {
        let mut counts = Counts::default();
        for number in 0..SERIES_MAX + 50 {
            counts.add(&death(&format!("n{number}")));
        }
        assert_eq!(counts.deaths.len(), SERIES_MAX + 1);
        assert_eq!(counts.deaths.values().sum::<u64>(), (SERIES_MAX + 50) as u64);
    }
}
