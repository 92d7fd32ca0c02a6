use std::net::Ipv4Addr;
use std::time::Duration;

use jiff::Timestamp;
use sonde_model::{Bound, CallEdge, Histogram, Owner, ProcessSeen};

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

fn exposed(deaths: &Counts, calls: &Totals, accept: &str) -> (&'static str, Vec<u8>) {
    let status = status();
    let told = Told {
        status: &status,
        deaths,
        calls,
        cpu_seconds: 0.5,
        runtimes: &[],
    };
    exposition(&told, accept)
}

#[test]
fn deaths_calls_and_the_agent_itself_are_told() {
    let mut deaths = Counts::default();
    deaths.add(&death("shop"));
    deaths.add(&death("shop"));
    let mut total = Histogram::default();
    total.observe(Duration::from_millis(3));
    let mut calls = Totals::default();
    calls.add(
        &CallEdge {
            since: Timestamp::UNIX_EPOCH,
            owner: Owner {
                namespace: "shop".into(),
                pod: "web-1".into(),
                container: "app".into(),
                ..Owner::default()
            },
            role: Role::Server,
            remote: Ipv4Addr::LOCALHOST.into(),
            port: 80,
            protocol: "http1".into(),
            counts: CallCounts {
                calls: 1,
                errors: 1,
                total_ns: 3_000_000,
                total,
                ..CallCounts::default()
            },
        },
        Timestamp::UNIX_EPOCH,
    );
    let (kind, bytes) = exposed(&deaths, &calls, "text/plain");
    assert_eq!(kind, text::MEDIA_TYPE);
    let text = String::from_utf8(bytes).expect("text");
    let whose =
        "namespace=\"shop\",pod=\"web-1\",container=\"app\",role=\"server\",port=\"80\",protocol=\"http1\"";
    for line in [
        "# TYPE sonde_agent_deaths counter",
        "sonde_agent_deaths_total{what=\"exit-nonzero\",sender=\"\",namespace=\"shop\"} 2",
        &format!("sonde_call_errors_total{{{whose}}} 1"),
        &format!("sonde_call_duration_seconds_bucket{{{whose},le=\"0.002097152\"}} 0"),
        &format!("sonde_call_duration_seconds_bucket{{{whose},le=\"0.004194304\"}} 1"),
        &format!("sonde_call_duration_seconds_sum{{{whose}}} 0.003"),
        "sonde_agent_dropped_total{of=\"connections\"} 4",
        "sonde_agent_info{version=\"1\",node=\"worker \\\"1\\\"\"} 1",
        "process_cpu_seconds_total 0.5",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    let protobuf =
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    let (kind, bytes) = exposed(&deaths, &calls, protobuf);
    assert_eq!(kind, protobuf::MEDIA_TYPE);
    assert!(!bytes.is_empty());
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
