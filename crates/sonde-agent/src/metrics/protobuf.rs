//! Prometheus' protobuf form, the one in which it takes native histograms: each metric family after its length.
//!
//! The messages are those of `io/prometheus/client/metrics.proto` (prometheus/client_model), as far as they are written.

use prost::Message;
use sonde_model::Histogram;

use super::family::{Family, Kind, Value};
use super::text::bounds;

/// The media type of the answer, and what a scraper asks for.
pub(crate) const MEDIA_TYPE: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// Whether a scraper takes this form, by its `Accept` header.
pub(crate) fn is_accepted(accept: &str) -> bool {
    accept.split(',').any(|form| {
        form.contains("application/vnd.google.protobuf")
            && form.contains("io.prometheus.client.MetricFamily")
            && form.contains("delimited")
    })
}

/// The whole exposition.
pub(crate) fn bytes(families: &[Family]) -> Vec<u8> {
    families
        .iter()
        .flat_map(|family| to_message(family).encode_length_delimited_to_vec())
        .collect()
}

#[derive(Clone, PartialEq, Message)]
struct MetricFamily {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    #[prost(enumeration = "MetricType", tag = "3")]
    kind: i32,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<Metric>,
    #[prost(string, tag = "5")]
    unit: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum MetricType {
    Counter = 0,
    Gauge = 1,
    Histogram = 4,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Number>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<Times>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelPair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Number {
    #[prost(double, tag = "1")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Times {
    #[prost(uint64, tag = "1")]
    sample_count: u64,
    #[prost(double, tag = "2")]
    sample_sum: f64,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, tag = "6")]
    zero_threshold: f64,
    #[prost(uint64, tag = "7")]
    zero_count: u64,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "13")]
    positive_delta: Vec<i64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, tag = "1")]
    cumulative_count: u64,
    #[prost(double, tag = "2")]
    upper_bound: f64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct BucketSpan {
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

fn to_message(family: &Family) -> MetricFamily {
    let suffix = match family.kind {
        Kind::Counter => "_total",
        Kind::Info => "_info",
        Kind::Gauge | Kind::Histogram => "",
    };
    MetricFamily {
        name: format!("{}{suffix}", family.name),
        help: family.help.to_owned(),
        kind: match family.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge | Kind::Info => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
        }
        .into(),
        metric: family
            .samples
            .iter()
            .map(|sample| {
                let label = sample
                    .labels
                    .iter()
                    .map(|(name, value)| LabelPair {
                        name: (*name).to_owned(),
                        value: value.clone(),
                    })
                    .collect();
                let metric = Metric {
                    label,
                    ..Metric::default()
                };
                let number = match &sample.value {
                    Value::Whole(value) => *value as f64,
                    Value::Real(value) => *value,
                    Value::Times(times, sum_ns) => {
                        return Metric {
                            histogram: Some(to_times(times, *sum_ns)),
                            ..metric
                        };
                    }
                };
                let number = Some(Number { value: number });
                match family.kind {
                    Kind::Counter => Metric {
                        counter: number,
                        ..metric
                    },
                    _ => Metric {
                        gauge: number,
                        ..metric
                    },
                }
            })
            .collect(),
        unit: family.unit.to_owned(),
    }
}

/// Four buckets for each doubling, as the kernel counts: bucket `i` ends at 2^(i/4). The kernel's buckets are equal parts
/// of a doubling, these are equal ratios, so a count goes where the middle of its bucket lies: at most one bucket away.
const SCHEMA: i32 = 2;

fn to_times(times: &Histogram, sum_ns: u64) -> Times {
    let mut counts: Vec<(i32, u64)> = Vec::new();
    for (range, count) in times.ranges() {
        let middle = f64::midpoint(range.start.as_secs_f64(), range.end.as_secs_f64());
        let index = (middle.log2() * f64::from(1 << SCHEMA)).ceil() as i32;
        match counts.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            _ => counts.push((index, count)),
        }
    }
    let (mut positive_span, mut positive_delta) = (Vec::<BucketSpan>::new(), Vec::new());
    let (mut next, mut before) = (0, 0_i64);
    for (index, count) in counts {
        match positive_span.last_mut() {
            Some(span) if next == index => span.length += 1,
            _ => positive_span.push(BucketSpan {
                offset: index - next,
                length: 1,
            }),
        }
        next = index + 1;
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        positive_delta.push(count.saturating_sub(before));
        before = count;
    }
    Times {
        sample_count: times.count(),
        sample_sum: sum_ns as f64 / 1e9,
        bucket: bounds(times)
            .map(|(upper_bound, cumulative_count)| Bucket {
                cumulative_count,
                upper_bound,
            })
            .collect(),
        schema: Some(SCHEMA),
        // Every middle is above 0, so that no bucket for zeros is needed.
        zero_threshold: f64::MIN_POSITIVE,
        zero_count: 0,
        positive_span,
        positive_delta,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What a reader of native histograms makes of the spans: each bucket's upper bound and its count.
    fn read(times: &Times) -> Vec<(f64, i64)> {
        let mut deltas = times.positive_delta.iter();
        let (mut index, mut count) = (0, 0);
        let mut all = Vec::new();
        for span in &times.positive_span {
            index += span.offset;
            for _ in 0..span.length {
                count += deltas.next().expect("a delta for each bucket");
                all.push((2_f64.powf(f64::from(index) / 4.0), count));
                index += 1;
            }
        }
        all
    }

    #[test]
    fn each_time_lies_within_a_bucket_of_where_it_is_told() {
        let seen = [300_u64, 1_000, 1_000, 65_000, 1_000_000, 1_100_000, 2_000_000_000];
        let mut times = Histogram::default();
        for ns in seen {
            times.observe(Duration::from_nanos(ns));
        }
        let message = to_times(&times, seen.iter().sum());
        let told = read(&message);
        assert_eq!(told.iter().map(|(_, count)| count).sum::<i64>(), 7);
        assert_eq!(message.sample_count, 7);
        for ns in seen {
            let seconds = ns as f64 / 1e9;
            let step = 2_f64.powf(0.25);
            assert!(
                told.iter()
                    .any(|(upper, _)| seconds <= upper * step && seconds > upper / step / step),
                "{seconds} in {told:?}"
            );
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_the_form_is_asked_for() {
        let mut family = Family::new("sonde_calls", Kind::Counter, "Calls.");
        family.sample(&[("pod", "web-1")], Value::Whole(5));
        let bytes = bytes(&[family]);
        let read = MetricFamily::decode_length_delimited(&bytes[..]).expect("a family");
        assert_eq!((&*read.name, read.metric.len()), ("sonde_calls_total", 1));
        assert_eq!(read.metric[0].counter.map(|it| it.value), Some(5.0));
        assert!(is_accepted(
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,*/*;q=0.1"
        ));
        assert!(!is_accepted(
            "application/openmetrics-text;version=1.0.0,*/*;q=0.1"
        ));
    }
}
