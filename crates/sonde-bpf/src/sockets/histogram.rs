//! Times in buckets, as the kernel counts them: four for each doubling, from 256 ns.

use std::time::Duration;

use super::record::BUCKETS;

/// How often a time was seen, to 12.5 % of its value. The last bucket has everything above half an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram([u64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Histogram {
    pub(super) fn from_counts(counts: &[u32; BUCKETS]) -> Self {
        Self(counts.map(u64::from))
    }

    /// Counts by bucket, beside each bucket's upper bound.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.0
            .iter()
            .enumerate()
            .map(|(at, count)| (Duration::from_nanos(upper(at)), *count))
    }

    /// How many were seen.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds what another has seen.
    pub fn add(&mut self, other: &Self) {
        for (to, from) in self.0.iter_mut().zip(&other.0) {
            *to = to.saturating_add(*from);
        }
    }

    /// The time below which a share of all lies: the middle of its bucket. `None` when nothing was seen.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let count = self.count();
        // The nearest rank: the smallest value with at least that share at or below it.
        let rank = ((count as f64 * share.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut seen = 0;
        let at = self.0.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Duration::from_nanos((lower(at) + upper(at)) / 2))
    }
}

/// `bucket_of` in `programs/calls.h`, turned round: units of 256 ns, four buckets for each octave.
fn lower(bucket: usize) -> u64 {
    let units = match bucket {
        0..4 => bucket as u64,
        _ => (4 + (bucket as u64 & 3)) << (bucket / 4 - 1),
    };
    units << 8
}

fn upper(bucket: usize) -> u64 {
    lower(bucket + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel's rule, written as its C is.
    fn bucket_of(ns: u64) -> usize {
        let units = ns >> 8;
        if units < 4 {
            return units as usize;
        }
        let octave = 63 - units.leading_zeros();
        (((octave - 1) * 4) as usize + ((units >> (octave - 2)) & 3) as usize).min(BUCKETS - 1)
    }

    #[test]
    fn each_time_lies_between_the_bounds_of_its_bucket() {
        for ns in (0..40_000)
            .step_by(7)
            .chain((40_000..2_000_000_000).step_by(999_983))
        {
            let bucket = bucket_of(ns);
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
        for bucket in 4..BUCKETS - 1 {
            // The middle is then at most 12.5 % away from any value in it.
            assert!((upper(bucket) - lower(bucket)) * 4 <= lower(bucket), "{bucket}");
        }
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let mut one = Histogram::default();
        assert_eq!(one.quantile(0.5), None);
        for (ns, times) in [(10_000, 90), (1_000_000, 9), (50_000_000, 1)] {
            one.0[bucket_of(ns)] += times;
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
}
