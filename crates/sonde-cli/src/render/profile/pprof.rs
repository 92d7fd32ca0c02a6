//! The message that pprof reads (`google/pprof`, `proto/profile.proto`), compressed.

use std::collections::HashMap;
use std::io::Write as _;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;
use sonde_model::Profile;

#[derive(Clone, PartialEq, Message)]
struct File {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
}

#[derive(Clone, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    /// Innermost first.
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<Label>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    text: i64,
    #[prost(int64, tag = "3")]
    number: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "3")]
    system_name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
}

/// The texts of a message, each once; the first is empty.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    known: HashMap<String, i64>,
}

impl Texts {
    fn number(&mut self, text: &str) -> i64 {
        if let Some(number) = self.known.get(text) {
            return *number;
        }
        let number = i64::try_from(self.all.len()).unwrap_or_default();
        self.all.push(text.to_owned());
        self.known.insert(text.to_owned(), number);
        number
    }
}

/// The profile as pprof reads it.
///
/// # Errors
/// When it cannot be compressed, which memory alone can prevent.
pub(crate) fn pprof(profile: &Profile) -> Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&file(profile).encode_to_vec())
        .and_then(|()| gzip.finish())
        .context("failed to compress the profile")
}

fn file(profile: &Profile) -> File {
    let mut texts = Texts::default();
    texts.number("");
    let samples = ValueType {
        kind: texts.number("samples"),
        unit: texts.number("count"),
    };
    let time = ValueType {
        kind: texts.number("cpu"),
        unit: texts.number("nanoseconds"),
    };
    let period = 1_000_000_000 / i64::from(profile.hertz.max(1));
    let function = |(at, frame): (usize, &sonde_model::Frame), texts: &mut Texts| Function {
        id: id(at),
        name: texts.number(&frame.name),
        system_name: texts.number(&frame.name),
        filename: texts.number(if frame.kernel { "[kernel]" } else { &frame.module }),
    };
    let functions = profile
        .frames
        .iter()
        .enumerate()
        .map(|it| function(it, &mut texts))
        .collect();
    let locations = (0..profile.frames.len()).map(|at| Location {
        id: id(at),
        line: vec![Line { function_id: id(at) }],
    });
    let mut labelled = |key: &str, text: &str, number: i64| Label {
        key: texts.number(key),
        text: texts.number(text),
        number,
    };
    let mut taken = Vec::with_capacity(profile.stacks.len());
    for stack in &profile.stacks {
        let count = i64::try_from(stack.samples).unwrap_or(i64::MAX);
        let mut label = vec![
            labelled("thread", &stack.command, 0),
            labelled("pid", "", stack.pid.into()),
        ];
        if let Some(owner) = profile.owner_of(stack).filter(|owner| owner.is_container()) {
            label.push(labelled("namespace", &owner.namespace, 0));
            label.push(labelled("pod", &owner.pod, 0));
            label.push(labelled("container", &owner.container, 0));
        }
        taken.push(Sample {
            location_id: stack
                .frames
                .iter()
                .rev()
                .map(|frame| u64::from(*frame) + 1)
                .collect(),
            value: vec![count, count.saturating_mul(period)],
            label,
        });
    }
    File {
        sample_type: vec![samples, time.clone()],
        sample: taken,
        location: locations.collect(),
        function: functions,
        string_table: texts.all,
        time_nanos: i64::try_from(profile.start.as_nanosecond()).unwrap_or_default(),
        duration_nanos: (profile.seconds * 1e9) as i64,
        period_type: Some(time),
        period,
    }
}

/// Ids begin at 1.
fn id(at: usize) -> u64 {
    at as u64 + 1
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::render::profile::tests::profile;

    #[test]
    fn what_pprof_reads_is_what_was_sampled() {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(&pprof(&profile()).unwrap()[..])
            .read_to_end(&mut bytes)
            .unwrap();
        let file = File::decode(&bytes[..]).unwrap();
        let text = |at: i64| &*file.string_table[at as usize];
        assert_eq!(text(0), "");
        let total: i64 = file.sample.iter().map(|sample| sample.value[0]).sum();
        assert_eq!(total, 10);
        // Innermost first.
        let first = &file.sample[0];
        let names: Vec<&str> = first
            .location_id
            .iter()
            .map(|id| text(file.function[*id as usize - 1].name))
            .collect();
        assert_eq!(names, ["work", "main"]);
        assert_eq!(first.value, [7, 7 * 10_101_010]);
    }
}
