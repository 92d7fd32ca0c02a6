//! Times in buckets: four for each doubling, from 256 ns; the same as the agent's programs count them in the kernel.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many buckets there are; the last has everything from half an hour on.
const BUCKETS: usize = 128;
const LAST: u8 = 127;

/// How often a time was seen, to 12.5 % of its value. In JSON: pairs of a bucket's number and its count, in order, none
/// for the empty ones; it is kept so in memory, too, since most times lie in a few buckets.
///
/// Bucket `b` below 4 begins at `b` times 256 ns; from there on at `(4 + b % 4) << (b / 4 - 1)` times 256 ns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Vec<(u8, u64)>")]
pub struct Histogram(Vec<(u8, u64)>);

impl From<Vec<(u8, u64)>> for Histogram {
    /// Numbers that are no bucket's are left out.
    fn from(pairs: Vec<(u8, u64)>) -> Self {
        let mut histogram = Self::default();
        for (bucket, count) in pairs {
            if usize::from(bucket) < BUCKETS && count > 0 {
                histogram.count_in(bucket, count);
            }
        }
        histogram
    }
}

impl Histogram {
    /// From the counts of all buckets, in order.
    pub fn from_counts(counts: &[u32; BUCKETS]) -> Self {
        let all = (0_u8..).zip(counts.map(u64::from));
        Self(all.filter(|(_, count)| *count > 0).collect())
    }

    /// Counts of the buckets in use, beside each bucket's upper bound, in order.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.0
            .iter()
            .map(|(at, count)| (Duration::from_nanos(upper(*at)), *count))
    }

    /// Counts of the buckets in use, beside the times that fall into each, in order.
    pub fn ranges(&self) -> impl Iterator<Item = (std::ops::Range<Duration>, u64)> {
        let time = Duration::from_nanos;
        self.0
            .iter()
            .map(move |(at, count)| (time(lower(*at))..time(upper(*at)), *count))
    }

    /// How many were seen.
    pub fn count(&self) -> u64 {
        self.0
            .iter()
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Adds what another has seen.
    pub fn add(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            self.count_in(*bucket, *count);
        }
    }

    /// Counts one time.
    pub fn observe(&mut self, time: Duration) {
        let units = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) >> 8;
        let bucket = match units {
            0..4 => units,
            _ => {
                let octave = u64::from(63 - units.leading_zeros());
                (octave - 1) * 4 + ((units >> (octave - 2)) & 3)
            }
        };
        self.count_in(u8::try_from(bucket).unwrap_or(u8::MAX).min(LAST), 1);
    }

    fn count_in(&mut self, bucket: u8, count: u64) {
        match self.0.binary_search_by_key(&bucket, |(at, _)| *at) {
            Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(count),
            Err(at) => self.0.insert(at, (bucket, count)),
        }
    }

    /// The time below which a share of all lies: the middle of its bucket. `None` when nothing was seen.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        // The nearest rank: the smallest value with at least that share at or below it.
        let rank = ((self.count() as f64 * share.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut seen: u64 = 0;
        let (at, _) = self.0.iter().find(|(_, count)| {
            seen = seen.saturating_add(*count);
            seen >= rank
        })?;
        Some(Duration::from_nanos(u64::midpoint(lower(*at), upper(*at))))
    }
}

fn lower(bucket: u8) -> u64 {
    let units = match bucket {
        0..4 => bucket.into(),
        _ => (4 + (u64::from(bucket) & 3)) << (bucket / 4 - 1),
    };
    units << 8
}

fn upper(bucket: u8) -> u64 {
    lower(bucket + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_lies_between_the_bounds_of_its_bucket() {
        for ns in (0..40_000)
            .step_by(7)
            .chain((40_000..2_000_000_000_000).step_by(999_999_983))
        {
            let mut one = Histogram::default();
            one.observe(Duration::from_nanos(ns));
            let [(bucket, 1)] = one.0[..] else {
                panic!("{ns}: {one:?}")
            };
            assert!(
                lower(bucket) <= ns && ns < upper(bucket),
                "{ns} in {bucket}: {}..{}",
                lower(bucket),
                upper(bucket)
            );
        }
    }

    #[test]
    fn a_bucket_is_no_wider_than_a_quarter_of_its_beginning() {
        for bucket in 4..LAST {
            // The middle is then at most 12.5 % away from any value in it.
            assert!((upper(bucket) - lower(bucket)) * 4 <= lower(bucket), "{bucket}");
        }
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let mut one = Histogram::default();
        assert_eq!(one.quantile(0.5), None);
        for (ns, times) in [(10_000, 90), (1_000_000, 9), (50_000_000, 1)] {
            (0..times).for_each(|_| one.observe(Duration::from_nanos(ns)));
        }
        let close = |share, ns: u64| {
            let is = one.quantile(share).map_or(0, |it| it.as_nanos() as u64);
            assert!(is.abs_diff(ns) * 8 <= ns, "{share}: {is} is not {ns}");
        };
        close(0.5, 10_000);
        close(0.9, 10_000);
        close(0.91, 1_000_000);
        close(0.99, 1_000_000);
        close(1.0, 50_000_000);
    }

    #[test]
    fn json_has_the_buckets_in_use_and_is_read_back() {
        let mut one = Histogram::default();
        one.observe(Duration::from_micros(10));
        one.observe(Duration::from_micros(10));
        one.observe(Duration::MAX);
        let json = serde_json::to_string(&one).expect("plain numbers");
        assert_eq!(json, "[[16,2],[127,1]]");
        assert_eq!(serde_json::from_str::<Histogram>(&json).expect("our own"), one);
        let hostile: Histogram =
            serde_json::from_str("[[200,5],[0,18446744073709551615],[0,1]]").expect("pairs");
        assert_eq!(hostile.count(), u64::MAX);
    }
}
