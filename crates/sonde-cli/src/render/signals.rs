//! What an agent measured, as tables and as a map.

mod calls;
mod connections;
mod graph;
mod lookups;
mod single;
mod svg;

use std::time::Duration;

use sonde_model::bytes_text;
use sonde_topology::Name;

pub(crate) use calls::top;
pub(crate) use connections::net;
pub(crate) use graph::{dot, map, map_json};
pub(crate) use lookups::lookups;
pub(crate) use single::traces;
pub(crate) use svg::svg;

/// What is shown of all that was measured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Only what one of the ends is in; everything without one.
    pub(crate) namespace: Option<String>,
}

impl Filter {
    /// Whether something of a namespace is shown.
    pub(crate) fn takes(&self, namespace: &str) -> bool {
        self.namespace.as_deref().is_none_or(|wanted| wanted == namespace)
    }

    /// Whether something between two ends is shown.
    fn takes_either(&self, one: &Name, other: &Name) -> bool {
        self.takes(one.namespace()) || self.takes(other.namespace())
    }
}

/// A time in three digits: `950us`, `1.2ms`, `3.4s`.
fn time(time: Option<Duration>) -> String {
    let Some(time) = time else { return "-".to_owned() };
    let micros = time.as_nanos() as f64 / 1e3;
    let (value, unit) = match micros {
        _ if micros < 1e3 => (micros, "us"),
        _ if micros < 1e6 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    // Counted to 12.5 %: a third digit would be a lie.
    if value < 9.95 {
        format!("{value:.1}{unit}")
    } else {
        format!("{value:.0}{unit}")
    }
}

fn nanos(sum: u64, count: u64) -> Option<Duration> {
    Some(Duration::from_nanos(sum.checked_div(count)?))
}

/// So many a second: `0.4`, `12`, `12,345`.
fn rate(count: u64, seconds: f64) -> String {
    let rate = count as f64 / seconds.max(1e-3);
    match rate {
        _ if count == 0 => "-".to_owned(),
        _ if rate < 10.0 => format!("{rate:.1}"),
        _ => super::words::thousands(rate.round() as usize),
    }
}

/// A share: `-` for none, `<0.1%`, `12%`.
fn share(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "-".to_owned();
    }
    match part as f64 * 100.0 / whole as f64 {
        percent if percent < 0.1 => "<0.1%".to_owned(),
        percent if percent < 10.0 => format!("{percent:.1}%"),
        percent => format!("{percent:.0}%"),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0 => "-".to_owned(),
        _ => bytes_text(i64::try_from(count).unwrap_or(i64::MAX)),
    }
}

fn count(number: u64) -> String {
    match number {
        0 => "-".to_owned(),
        _ => super::words::thousands(usize::try_from(number).unwrap_or(usize::MAX)),
    }
}

#[cfg(test)]
mod tests;
