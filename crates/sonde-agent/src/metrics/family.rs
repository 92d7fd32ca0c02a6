//! Metrics as values, before they are written in one form or another.

use sonde_model::Histogram;

/// A metric with all its samples.
#[derive(Debug)]
pub(crate) struct Family {
    /// Without the suffix that a form may give its samples.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The unit, which is the end of the name, too; empty for numbers of things.
    pub(crate) unit: &'static str,
    pub(crate) help: &'static str,
    pub(crate) samples: Vec<Sample>,
}

/// What kind of metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often which times were seen.
    Histogram,
    /// Labels are all that it tells.
    Info,
}

/// One series.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) labels: Vec<(&'static str, String)>,
    pub(crate) value: Value,
}

/// Its value.
#[derive(Debug)]
pub(crate) enum Value {
    Whole(u64),
    Real(f64),
    /// Times, and their sum in nanoseconds.
    Times(Histogram, u64),
}

impl Family {
    pub(crate) fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        let unit = ["seconds", "bytes"]
            .into_iter()
            .find(|unit| name.ends_with(unit))
            .unwrap_or_default();
        Self {
            name,
            kind,
            unit,
            help,
            samples: Vec::new(),
        }
    }

    /// Adds a series.
    pub(crate) fn sample(&mut self, labels: &[(&'static str, &str)], value: Value) {
        let labels = labels
            .iter()
            .map(|(name, text)| (*name, (*text).to_owned()))
            .collect();
        self.samples.push(Sample { labels, value });
    }

    /// With one whole number and no labels.
    pub(crate) fn with(mut self, value: Value) -> Self {
        self.sample(&[], value);
        self
    }
}
