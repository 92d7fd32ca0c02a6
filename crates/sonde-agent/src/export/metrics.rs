//! Metrics as an `ExportMetricsServiceRequest` (opentelemetry-proto 1.x, `collector/metrics/v1`), in OTLP's JSON form:
//! numbers of 64 bits are strings, names are in camel case. Pure.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use sonde_model::Histogram;

use crate::metrics::{Family, Kind, Sample, Value, bounds};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u8 = 2;

pub(super) fn body(families: &[Family], node: &str, since: Timestamp, now: Timestamp) -> Vec<u8> {
    let metrics: Vec<Json> = families
        .iter()
        .filter(|family| !family.samples.is_empty())
        .map(|family| metric(family, since, now))
        .collect();
    let request = json!({"resourceMetrics": [{
        "resource": {"attributes": [attribute("service.name", "sonde-agent"), attribute("k8s.node.name", node)]},
        "scopeMetrics": [{"scope": scope(), "metrics": metrics}],
    }]});
    request.to_string().into_bytes()
}

pub(super) fn scope() -> Json {
    json!({"name": "sonde-agent", "version": env!("CARGO_PKG_VERSION")})
}

pub(super) fn attribute(key: &str, value: &str) -> Json {
    json!({"key": key, "value": {"stringValue": value}})
}

pub(super) fn unix_nanos(time: Timestamp) -> String {
    time.as_nanosecond().max(0).to_string()
}

fn metric(family: &Family, since: Timestamp, now: Timestamp) -> Json {
    let points: Vec<Json> = family
        .samples
        .iter()
        .map(|sample| point(sample, since, now))
        .collect();
    let unit = match family.unit {
        "seconds" => "s",
        "bytes" => "By",
        _ => "1",
    };
    let mut metric = json!({"name": family.name, "description": family.help, "unit": unit});
    let (field, data) = match family.kind {
        Kind::Counter => (
            "sum",
            json!({"dataPoints": points, "aggregationTemporality": CUMULATIVE, "isMonotonic": true}),
        ),
        Kind::Gauge | Kind::Info => ("gauge", json!({"dataPoints": points})),
        Kind::Histogram => (
            "histogram",
            json!({"dataPoints": points, "aggregationTemporality": CUMULATIVE}),
        ),
    };
    metric[field] = data;
    metric
}

fn point(sample: &Sample, since: Timestamp, now: Timestamp) -> Json {
    let attributes: Vec<Json> = sample
        .labels
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| attribute(semantic(name), text))
        .collect();
    let mut point = json!({
        "attributes": attributes,
        "startTimeUnixNano": unix_nanos(since),
        "timeUnixNano": unix_nanos(now),
    });
    match &sample.value {
        Value::Whole(value) => point["asInt"] = json!(value.to_string()),
        Value::Real(value) => point["asDouble"] = json!(value),
        Value::Times(times, sum_ns) => tell_times(&mut point, times, *sum_ns),
    }
    point
}

fn tell_times(point: &mut Json, times: &Histogram, sum_ns: u64) {
    let (mut limits, mut counts, mut before) = (Vec::new(), Vec::new(), 0);
    for (bound, below) in bounds(times) {
        limits.push(bound);
        counts.push((below - before).to_string());
        before = below;
    }
    let count = times.count();
    counts.push(count.saturating_sub(before).to_string());
    point["count"] = json!(count.to_string());
    point["sum"] = json!(sum_ns as f64 / 1e9);
    point["explicitBounds"] = json!(limits);
    point["bucketCounts"] = json!(counts);
}

/// A label's name by the semantic conventions, where they have one.
fn semantic(label: &'static str) -> &'static str {
    match label {
        "namespace" => "k8s.namespace.name",
        "pod" => "k8s.pod.name",
        "container" => "k8s.container.name",
        "node" => "k8s.node.name",
        "port" => "server.port",
        "protocol" => "network.protocol.name",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn sums_and_times_are_told_with_their_attributes() {
        let mut calls = Family::new("sonde_calls", Kind::Counter, "Calls.");
        calls.sample(&[("pod", "web-1"), ("container", "")], Value::Whole(u64::MAX));
        let mut seen = Histogram::default();
        seen.observe(Duration::from_millis(3));
        seen.observe(Duration::from_secs(60));
        let mut times = Family::new("sonde_call_duration_seconds", Kind::Histogram, "Times.");
        times.sample(&[], Value::Times(seen, 60_003_000_000));
        let now = Timestamp::from_second(10).expect("in range");
        let body = body(&[calls, times], "n1", Timestamp::UNIX_EPOCH, now);
        let told: Json = serde_json::from_slice(&body).expect("JSON");
        let metrics = &told["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
        let sum = &metrics[0]["sum"]["dataPoints"][0];
        assert_eq!(sum["asInt"], "18446744073709551615");
        assert_eq!(sum["timeUnixNano"], "10000000000");
        assert_eq!(
            sum["attributes"],
            json!([{"key": "k8s.pod.name", "value": {"stringValue": "web-1"}}])
        );
        let times = &metrics[1]["histogram"]["dataPoints"][0];
        let (limits, counts) = (
            times["explicitBounds"].as_array().expect("bounds"),
            times["bucketCounts"].as_array().expect("counts"),
        );
        assert_eq!(counts.len(), limits.len() + 1);
        assert_eq!((&times["count"], counts.last()), (&json!("2"), Some(&json!("1"))));
        assert_eq!(metrics[1]["unit"], "s");
    }
}
