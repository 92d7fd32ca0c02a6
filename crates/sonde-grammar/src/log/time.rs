//! Times as logs and kubectl write them.
//!
//! Every function reads a time at the start of a text and says how many bytes it took. A time without a zone is
//! taken as UTC: nodes run in UTC far more often than not, and the text does not tell.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use sonde_model::plausible;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A time and the number of bytes it took.
pub(crate) type Timed = (Timestamp, usize);

/// `2026-11-21T12:31:01.123456789Z`, also with a blank for the `T`, `,` before the fraction, `+0000`, `+00:00`,
/// ` +0000 UTC`, or without a zone.
pub(crate) fn iso(text: &str) -> Option<Timed> {
    let mut it = Scan::new(text);
    let year = it.digits(4)?;
    it.byte(b'-')?;
    let month = it.digits(2)?;
    it.byte(b'-')?;
    let day = it.digits(2)?;
    if it.byte(b'T').is_none() {
        it.byte(b' ')?;
    }
    let (hour, minute, second) = it.clock()?;
    let nanosecond = it.fraction();
    let offset = it.offset();
    let civil = civil(year, month, day, (hour, minute, second), nanosecond)?;
    Some((at_offset(civil, offset)?, it.at))
}

/// `Nov 21 12:31:01[.123456]`; the year comes from elsewhere.
pub(crate) fn syslog(text: &str, year: Option<i16>) -> Option<(Option<Timestamp>, usize)> {
    let mut it = Scan::new(text);
    let month = it.month()?;
    it.blanks()?;
    let day = it.number(2)?;
    it.blanks()?;
    let clock = it.clock()?;
    let nanosecond = it.fraction();
    let time = year
        .and_then(|year| civil(i64::from(year), month, day, clock, nanosecond))
        .and_then(|civil| at_offset(civil, None));
    Some((time, it.at))
}

/// `Sat Nov 21 12:31:01 2026`, as `dmesg -T` and `date` write it, a zone word before the year included.
pub(crate) fn ctime(text: &str) -> Option<Timed> {
    let mut it = Scan::new(text);
    it.word_of(&DAYS)?;
    it.blanks()?;
    let month = it.month()?;
    it.blanks()?;
    let day = it.number(2)?;
    it.blanks()?;
    let clock = it.clock()?;
    it.blanks()?;
    if it.starts("UTC ") || it.starts("GMT ") {
        it.at += 4;
    }
    let year = it.digits(4)?;
    Some((at_offset(civil(year, month, day, clock, 0)?, None)?, it.at))
}

/// `Mon, 02 Jan 2006 15:04:05 +0000`, as `kubectl describe` writes it.
pub(crate) fn rfc1123(text: &str) -> Option<Timed> {
    let mut it = Scan::new(text);
    it.word_of(&DAYS)?;
    it.byte(b',')?;
    it.blanks()?;
    let day = it.number(2)?;
    it.blanks()?;
    let month = it.month()?;
    it.blanks()?;
    let year = it.digits(4)?;
    it.blanks()?;
    let clock = it.clock()?;
    let mut end = it.at;
    let mut offset = None;
    if it.blanks().is_some() {
        if it.starts("GMT") || it.starts("UTC") {
            end = it.at + 3;
        } else if let Some(found) = it.offset() {
            offset = Some(found);
            end = it.at;
        }
    }
    Some((at_offset(civil(year, month, day, clock, 0)?, offset)?, end))
}

/// `Sat 2026-11-21 12:31:01 UTC`, as `journalctl -o short-full` writes it.
pub(crate) fn journal_full(text: &str) -> Option<Timed> {
    let mut it = Scan::new(text);
    it.word_of(&DAYS)?;
    it.blanks()?;
    let (time, len) = iso(&text[it.at..])?;
    it.at += len;
    for zone in [" UTC", " GMT"] {
        if it.starts(zone) {
            it.at += zone.len();
        }
    }
    Some((time, it.at))
}

/// klog's `1121 12:31:01.123456` after the level letter.
pub(crate) fn klog(text: &str, year: Option<i16>) -> Option<(Option<Timestamp>, usize)> {
    let mut it = Scan::new(text);
    let month = it.digits(2)?;
    let day = it.digits(2)?;
    it.blanks()?;
    let clock = it.clock()?;
    let nanosecond = it.fraction();
    let time = year
        .and_then(|year| civil(i64::from(year), month, day, clock, nanosecond))
        .and_then(|civil| at_offset(civil, None));
    Some((time, it.at))
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size.
pub(crate) fn epoch(number: f64) -> Option<Timestamp> {
    if !number.is_finite() || number < 1e8 {
        return None;
    }
    let seconds = match number {
        n if n < 1e11 => n,
        n if n < 1e14 => n / 1e3,
        n if n < 1e17 => n / 1e6,
        n => n / 1e9,
    };
    Timestamp::from_microsecond((seconds * 1e6) as i64)
        .ok()
        .and_then(plausible)
}

fn civil(year: i64, month: i64, day: i64, clock: (i64, i64, i64), nanosecond: i64) -> Option<DateTime> {
    DateTime::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
        i8::try_from(clock.0).ok()?,
        i8::try_from(clock.1).ok()?,
        // A leap second is the second before it.
        i8::try_from(clock.2.min(59)).ok()?,
        i32::try_from(nanosecond).ok()?,
    )
    .ok()
}

fn at_offset(civil: DateTime, offset_seconds: Option<i64>) -> Option<Timestamp> {
    let offset = Offset::from_seconds(i32::try_from(offset_seconds.unwrap_or(0)).ok()?).ok()?;
    offset.to_timestamp(civil).ok().and_then(plausible)
}

/// A cursor over ASCII; it only ever stops at character boundaries because it only steps over ASCII.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Self {
        Scan { text, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn starts(&self, word: &str) -> bool {
        self.text.as_bytes()[self.at..].starts_with(word.as_bytes())
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// One or more blanks.
    fn blanks(&mut self) -> Option<()> {
        self.byte(b' ')?;
        while self.byte(b' ').is_some() {}
        Some(())
    }

    /// Exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let bytes = self.text.as_bytes().get(self.at..self.at + count)?;
        if !bytes.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.at += count;
        Some(bytes.iter().fold(0, |sum, b| sum * 10 + i64::from(b - b'0')))
    }

    /// One to `most` digits.
    fn number(&mut self, most: usize) -> Option<i64> {
        let count = self.text.as_bytes()[self.at..]
            .iter()
            .take(most)
            .take_while(|b| b.is_ascii_digit())
            .count();
        (count > 0).then(|| self.digits(count)).flatten()
    }

    fn clock(&mut self) -> Option<(i64, i64, i64)> {
        let hour = self.digits(2)?;
        self.byte(b':')?;
        let minute = self.digits(2)?;
        self.byte(b':')?;
        Some((hour, minute, self.digits(2)?))
    }

    /// `.123` or `,123` as nanoseconds; 0 where there is none.
    fn fraction(&mut self) -> i64 {
        let Some(b'.' | b',') = self.peek() else { return 0 };
        let digits = self.text.as_bytes()[self.at + 1..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        if digits == 0 {
            return 0;
        }
        let start = self.at + 1;
        self.at = start + digits;
        let mut value = 0;
        for place in 0..9 {
            let digit = if place < digits {
                self.text.as_bytes()[start + place] - b'0'
            } else {
                0
            };
            value = value * 10 + i64::from(digit);
        }
        value
    }

    /// `Z`, `+02:00`, `+0200`, ` +0200 CEST`; seconds east of UTC.
    fn offset(&mut self) -> Option<i64> {
        if self.byte(b'Z').is_some() {
            return Some(0);
        }
        let start = self.at;
        let spaced = self.byte(b' ').is_some();
        let sign = match self.peek() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => {
                self.at = start;
                return None;
            }
        };
        self.at += 1;
        let parsed = self.digits(2).and_then(|hours| {
            let colon = self.byte(b':').is_some();
            let minutes = self.digits(2);
            match (colon, minutes) {
                (true, None) => None,
                (_, minutes) => Some(hours * 3600 + minutes.unwrap_or(0) * 60),
            }
        });
        let Some(seconds) = parsed else {
            self.at = start;
            return None;
        };
        // Go writes the zone twice: `+0000 UTC`.
        if spaced && self.peek() == Some(b' ') {
            let word = self.text.as_bytes()[self.at + 1..]
                .iter()
                .take_while(|b| b.is_ascii_uppercase())
                .count();
            if (3..=5).contains(&word) {
                self.at += 1 + word;
            }
        }
        Some(sign * seconds)
    }

    fn month(&mut self) -> Option<i64> {
        let found = self.word_of(&MONTHS)?;
        i64::try_from(found).ok().map(|index| index + 1)
    }

    fn word_of(&mut self, words: &[&str]) -> Option<usize> {
        let index = words.iter().position(|word| self.starts(word))?;
        self.at += 3;
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_measured() {
        let noon = "2026-11-21T12:31:01Z";
        for (found, want, rest) in [
            (rest_of(iso, "2026-11-21T12:31:01Z x"), noon, " x"),
            (
                rest_of(iso, "2026-11-21T12:31:01.5+00:00 x"),
                "2026-11-21T12:31:01.5Z",
                " x",
            ),
            (rest_of(iso, "2026-11-21T14:31:01+0200x"), noon, "x"),
            (
                rest_of(iso, "2026-11-21 12:31:01,250 INFO"),
                "2026-11-21T12:31:01.25Z",
                " INFO",
            ),
            (rest_of(iso, "2026-11-21 14:31:01 +0200 CEST m=+1"), noon, " m=+1"),
            (rest_of(ctime, "Sat Nov 21 12:31:01 2026] k"), noon, "] k"),
            (rest_of(rfc1123, "Sat, 21 Nov 2026 13:31:01 +0100"), noon, ""),
            (
                rest_of(journal_full, "Sat 2026-11-21 12:31:01 UTC host"),
                noon,
                " host",
            ),
        ] {
            let (time, left) = found.expect(want);
            assert_eq!(time, want.parse::<Timestamp>().unwrap());
            assert_eq!(left, rest);
        }
        assert_eq!(syslog("Nov  1 12:31:01 h", None), Some((None, 15)));
        assert_eq!(
            klog("1121 12:31:01.000001   7 x", Some(2026))
                .unwrap()
                .0
                .unwrap()
                .to_string(),
            "2026-11-21T12:31:01.000001Z"
        );
        assert!(iso("2026-13-41T12:31:01Z").is_none());
        assert_eq!(epoch(1.7e9), epoch(1.7e12));
    }

    fn rest_of(read: fn(&str) -> Option<Timed>, text: &str) -> Option<(Timestamp, &str)> {
        read(text).map(|(time, len)| (time, &text[len..]))
    }
}
