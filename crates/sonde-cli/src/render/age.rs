//! Times for people: absolute, and how long ago by the report's own now.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-11-21 09:58:11 UTC`.
pub(super) fn absolute(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M:%S UTC")
        .to_string()
}

/// `09:58:11` on the day of `now`, else with the date: evidence of one trouble is mostly of one day.
pub(super) fn clock(time: Timestamp, now: Option<Timestamp>) -> String {
    let time = time.to_zoned(TimeZone::UTC);
    let same_day = now.is_some_and(|now| now.to_zoned(TimeZone::UTC).date() == time.date());
    let form = if same_day { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    time.strftime(form).to_string()
}

/// As kubectl writes ages: `45s`, `5m`, `5m10s` never beyond two units, `3h`, `2d`.
pub(super) fn length(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let two = |big: i64, big_unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{big}{big_unit}"),
        small => format!("{big}{big_unit}{small}{small_unit}"),
    };
    match seconds.max(0) {
        s if s < 2 * MINUTE => format!("{s}s"),
        s if s < 10 * MINUTE => two(s / MINUTE, "m", s % MINUTE, "s"),
        s if s < 3 * HOUR => format!("{}m", s / MINUTE),
        s if s < 8 * HOUR => two(s / HOUR, "h", s % HOUR / MINUTE, "m"),
        s if s < 2 * DAY => format!("{}h", s / HOUR),
        s if s < 8 * DAY => two(s / DAY, "d", s % DAY / HOUR, "h"),
        s => format!("{}d", s / DAY),
    }
}

/// The age at `now`; `None` without a now.
pub(super) fn age(time: Timestamp, now: Option<Timestamp>) -> Option<String> {
    now.map(|now| length(now.as_second() - time.as_second()))
}

/// `2026-11-21 09:58:11 UTC (5m ago)`. Where nothing that was read is newer, nobody knows how long ago it was.
pub(super) fn dated(time: Timestamp, now: Option<Timestamp>) -> String {
    let later = now.filter(|now| now.as_second() > time.as_second().saturating_add(1));
    match age(time, later) {
        Some(age) => format!("{} ({age} ago)", absolute(time)),
        None => absolute(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_look_like_those_of_kubectl() {
        for (seconds, expected) in [
            (-5, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (310, "5m10s"),
            (3_600, "60m"),
            (11_000, "3h3m"),
            (100_000, "27h"),
            (200_000, "2d7h"),
            (1_000_000, "11d"),
        ] {
            assert_eq!(length(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn the_date_is_left_out_only_on_the_same_day() {
        let now: Timestamp = "2026-11-21T10:03:11Z".parse().unwrap();
        let near: Timestamp = "2026-11-21T09:58:11Z".parse().unwrap();
        let far: Timestamp = "2026-11-20T23:58:11Z".parse().unwrap();
        assert_eq!(clock(near, Some(now)), "09:58:11");
        assert_eq!(clock(far, Some(now)), "2026-11-20 23:58:11");
        assert_eq!(clock(near, None), "2026-11-21 09:58:11");
        assert_eq!(dated(near, Some(now)), "2026-11-21 09:58:11 UTC (5m ago)");
        assert_eq!(dated(near, None), "2026-11-21 09:58:11 UTC");
        assert_eq!(dated(near, Some(near)), "2026-11-21 09:58:11 UTC");
    }
}
