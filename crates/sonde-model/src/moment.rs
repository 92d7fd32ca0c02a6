//! Times from outside, and arithmetic on them that cannot fail.

use jiff::{SignedDuration, Timestamp};

/// The times that a cluster can mean: from 1970 on, and before 2262 (where 64 bits of nanoseconds end). Kubernetes
/// writes the year 1 for "never"; what lies outside is no time at all.
pub fn plausible(time: Timestamp) -> Option<Timestamp> {
    const END: i64 = 9_214_646_400;
    (0..END).contains(&time.as_second()).then_some(time)
}

/// Arithmetic on times, as `+` and `-` of the time library panic where years end: patience and grace come from outside.
pub trait Moment: Copy {
    /// So much later, at most the end of all times.
    fn later(self, by: SignedDuration) -> Timestamp;
    /// So much earlier, at least the begin of all times.
    fn earlier(self, by: SignedDuration) -> Timestamp;
}

impl Moment for Timestamp {
    fn later(self, by: SignedDuration) -> Timestamp {
        let end = if by.is_negative() {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        self.checked_add(by).unwrap_or(end)
    }

    fn earlier(self, by: SignedDuration) -> Timestamp {
        let end = if by.is_negative() {
            Timestamp::MAX
        } else {
            Timestamp::MIN
        };
        self.checked_sub(by).unwrap_or(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_ends_where_time_ends() {
        for time in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            for by in [SignedDuration::MIN, SignedDuration::ZERO, SignedDuration::MAX] {
                assert_eq!(time.later(by) > time, by.is_positive() && time != Timestamp::MAX);
                assert_eq!(
                    time.earlier(by) < time,
                    by.is_positive() && time != Timestamp::MIN
                );
            }
        }
    }

    #[test]
    fn a_time_is_one_that_a_cluster_can_mean() {
        for (text, expected) in [
            ("0001-01-01T00:00:00Z", false),
            ("1969-12-31T23:59:59Z", false),
            ("1970-01-01T00:00:00Z", true),
            ("2026-03-01T12:00:00Z", true),
            ("2261-12-31T23:59:59Z", true),
            ("2262-01-01T00:00:00Z", false),
            ("9999-12-30T22:00:00Z", false),
            ("-009999-01-02T01:59:59Z", false),
        ] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(plausible(time).is_some(), expected, "{text}");
        }
    }
}
