//! OpenMetrics text, version 1.0.0.

use std::fmt::Write as _;

use sonde_model::Histogram;

use super::family::{Family, Kind, Sample, Value};

/// The media type of the answer.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The whole exposition.
pub(crate) fn text(families: &[Family]) -> String {
    let mut out = String::new();
    for family in families {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        };
        // Writing to a string does not fail, here and below.
        let _ = writeln!(out, "# TYPE {} {kind}", family.name);
        if !family.unit.is_empty() {
            let _ = writeln!(out, "# UNIT {} {}", family.name, family.unit);
        }
        let _ = writeln!(out, "# HELP {} {}", family.name, family.help);
        for sample in &family.samples {
            write_sample(&mut out, family, sample);
        }
    }
    out.push_str("# EOF\n");
    out
}

fn write_sample(out: &mut String, family: &Family, sample: &Sample) {
    let suffix = match family.kind {
        Kind::Counter => "_total",
        Kind::Info => "_info",
        Kind::Gauge | Kind::Histogram => "",
    };
    match &sample.value {
        Value::Whole(value) => line(out, family, suffix, sample, None, value),
        Value::Real(value) => line(out, family, suffix, sample, None, value),
        Value::Times(times, sum_ns) => {
            for (bound, count) in bounds(times) {
                line(out, family, "_bucket", sample, Some(&bound.to_string()), count);
            }
            let count = times.count();
            line(out, family, "_bucket", sample, Some("+Inf"), count);
            line(out, family, "_sum", sample, None, *sum_ns as f64 / 1e9);
            line(out, family, "_count", sample, None, count);
        }
    }
}

fn line(
    out: &mut String,
    family: &Family,
    suffix: &str,
    sample: &Sample,
    bound: Option<&str>,
    value: impl std::fmt::Display,
) {
    let _ = write!(out, "{}{suffix}", family.name);
    let labels = sample.labels.iter().map(|(name, text)| (*name, text.as_str()));
    let mut open = '{';
    for (name, text) in labels.chain(bound.map(|bound| ("le", bound))) {
        let _ = write!(out, "{open}{name}=\"{}\"", escaped(text));
        open = ',';
    }
    if open == ',' {
        out.push('}');
    }
    let _ = writeln!(out, " {value}");
}

/// Bounds in seconds with all that is below: each doubling from 65 us to 17 s, which are bounds of the kernel's buckets,
/// too, so that no count is shared out by guess.
pub(crate) fn bounds(times: &Histogram) -> impl Iterator<Item = (f64, u64)> {
    const FIRST: u32 = 8;
    const LAST: u32 = 26;
    let mut below = 0;
    let mut rest = times.buckets().peekable();
    (FIRST..=LAST).map(move |octave| {
        let bound = std::time::Duration::from_nanos(256 << octave);
        while let Some((_, count)) = rest.next_if(|(upper, _)| *upper <= bound) {
            below += count;
        }
        (bound.as_secs_f64(), below)
    })
}

/// The OpenMetrics specification, "escaped-string": backslash, quote and line feed.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn samples_stand_under_their_family_and_labels_are_escaped() {
        let mut family = Family::new("sonde_x_bytes", Kind::Counter, "Some.");
        family.sample(&[("node", "worker \"1\"\n\\")], Value::Whole(3));
        assert_eq!(
            text(&[family]),
            "# TYPE sonde_x_bytes counter\n# UNIT sonde_x_bytes bytes\n# HELP sonde_x_bytes Some.\n\
             sonde_x_bytes_total{node=\"worker \\\"1\\\"\\n\\\\\"} 3\n# EOF\n"
        );
    }

    #[test]
    fn buckets_add_up_and_nothing_is_below_its_bound_by_guess() {
        let mut times = Histogram::default();
        for micros in [1, 100, 100, 600_000, 60_000_000] {
            times.observe(Duration::from_micros(micros));
        }
        let all: Vec<_> = bounds(&times).collect();
        assert_eq!(all.first(), Some(&(0.000_065_536, 1)));
        assert_eq!(
            all.iter().find(|(bound, _)| *bound > 0.0001).map(|it| it.1),
            Some(3)
        );
        assert_eq!(all.iter().find(|(bound, _)| *bound > 0.6).map(|it| it.1), Some(4));
        assert_eq!(all.last().map(|it| it.1), Some(4));
        let mut family = Family::new("sonde_t_seconds", Kind::Histogram, "Some.");
        family.sample(&[], Value::Times(times, 60_600_201_000));
        let text = text(&[family]);
        assert!(text.contains("sonde_t_seconds_bucket{le=\"+Inf\"} 5\n"), "{text}");
        assert!(
            text.contains("sonde_t_seconds_sum 60.600201\nsonde_t_seconds_count 5\n"),
            "{text}"
        );
    }
}
