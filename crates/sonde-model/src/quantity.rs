//! Kubernetes quantities, exact.
//!
//! Grammar: `apimachinery/pkg/api/resource/quantity.go` (a signed decimal number, then a binary suffix, a decimal
//! suffix or an exponent). Kubernetes rounds fractions up when it needs an integer: `Value()` of `300m` is 1.

use std::cmp::Ordering;
use std::fmt;

/// Nano units in one unit: the finest step Kubernetes keeps.
const NANO: i128 = 1_000_000_000;

/// The suffix a quantity was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suffix {
    /// No suffix.
    None,
    /// `n`, `u`, `m`: fractions of one.
    Fraction(char),
    /// `k`, `M`, `G`, `T`, `P`, `E`: powers of 1000.
    Decimal(char),
    /// `Ki` … `Ei`: powers of 1024.
    Binary(char),
    /// `e3`, `E3`.
    Exponent,
}

/// A quantity, kept in nano units together with the way it was written.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    nano: i128,
    suffix: Suffix,
}

/// Why a text is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// No digits at the start.
    #[error("quantity {0:?} has no number")]
    NoNumber(String),
    /// The suffix is not one of Kubernetes'.
    #[error("quantity {text:?} has the unknown suffix {suffix:?}")]
    Suffix {
        /// The whole text.
        text: String,
        /// The part behind the number.
        suffix: String,
    },
    /// The number does not fit.
    #[error("quantity {0:?} is out of range")]
    Range(String),
}

impl Quantity {
    /// Zero.
    pub const ZERO: Quantity = Quantity {
        nano: 0,
        suffix: Suffix::None,
    };

    /// Reads a quantity as the API server does.
    ///
    /// # Errors
    /// When the text has no number, an unknown suffix (`1Gb`), or is larger than 2^63 by orders of magnitude.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let trimmed = text.trim();
        let end = trimmed
            .char_indices()
            .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && (*c == '+' || *c == '-'))))
            .map_or(trimmed.len(), |(at, _)| at);
        let (number, suffix_text) = trimmed.split_at(end);
        let no_number = || QuantityError::NoNumber(text.to_owned());
        let (negative, digits) = match number.as_bytes().first() {
            Some(b'-') => (true, &number[1..]),
            Some(b'+') => (false, &number[1..]),
            _ => (false, number),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(no_number());
        }
        let (suffix, numerator, denominator) = factor(suffix_text).ok_or_else(|| QuantityError::Suffix {
            text: text.to_owned(),
            suffix: suffix_text.to_owned(),
        })?;
        let range = || QuantityError::Range(text.to_owned());
        let mut mantissa: i128 = 0;
        // Digits past the 24th after the point cannot change a nano unit of any suffix.
        let fraction = &fraction[..fraction.len().min(24)];
        for digit in whole.bytes().chain(fraction.bytes()) {
            mantissa = mantissa
                .checked_mul(10)
                .and_then(|m| m.checked_add(i128::from(digit - b'0')))
                .ok_or_else(range)?;
        }
        let scale = 10_i128
            .checked_pow(u32::try_from(fraction.len()).unwrap_or(24))
            .ok_or_else(range)?;
        let nano = mul_div_ceil(
            mantissa,
            numerator,
            denominator.checked_mul(scale).ok_or_else(range)?,
        )
        .ok_or_else(range)?;
        Ok(Self {
            nano: if negative { -nano } else { nano },
            suffix,
        })
    }

    /// A whole number of units (bytes, pods).
    pub fn from_units(units: i64) -> Self {
        Self {
            nano: i128::from(units) * NANO,
            suffix: Suffix::None,
        }
    }

    /// Whole units, fractions rounded up as Kubernetes' `Value()` does; saturates at the ends of `i64`.
    pub fn units(self) -> i64 {
        saturate(ceil_div(self.nano, NANO))
    }

    /// Thousandths, rounded up as `MilliValue()` does; saturates.
    pub fn milli(self) -> i64 {
        saturate(ceil_div(self.nano, NANO / 1000))
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.nano == 0
    }

    /// Whether it is a part of a unit that Kubernetes rounds up, as `300m` of memory.
    pub fn is_fractional(self) -> bool {
        self.nano % NANO != 0
    }

    /// How it was written.
    pub fn suffix(self) -> Suffix {
        self.suffix
    }

    /// Billionths of a unit, exact.
    pub fn nano(self) -> i128 {
        self.nano
    }

    /// Sum; saturates far beyond what Kubernetes accepts.
    pub fn plus(self, other: Quantity) -> Self {
        Self {
            nano: self.nano.saturating_add(other.nano),
            suffix: self.suffix,
        }
    }

    /// Difference.
    pub fn minus(self, other: Quantity) -> Self {
        Self {
            nano: self.nano.saturating_sub(other.nano),
            suffix: self.suffix,
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano.cmp(&other.nano)
    }
}

impl Default for Quantity {
    fn default() -> Self {
        Quantity::ZERO
    }
}

/// Plain units where whole, else thousandths: `536870912`, `300m`.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_fractional() {
            write!(f, "{}m", self.milli())
        } else {
            write!(f, "{}", self.units())
        }
    }
}

/// Bytes as people write them, `512Mi`, `1.5Gi`, `1 byte`; one decimal at most.
pub fn bytes_text(bytes: i64) -> String {
    if bytes.unsigned_abs() < 1024 {
        return if bytes == 1 {
            "1 byte".into()
        } else {
            format!("{bytes} bytes")
        };
    }
    let mut value = bytes as f64;
    let mut unit = "";
    for next in ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] {
        if value.abs() < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    let text = format!("{value:.1}");
    format!("{}{unit}", text.strip_suffix(".0").unwrap_or(&text))
}

/// Millicores as people write them, `250m`, `2`, `1.5`.
pub fn cpu_text(milli: i64) -> String {
    if milli % 1000 == 0 {
        (milli / 1000).to_string()
    } else if milli.unsigned_abs() < 1000 {
        format!("{milli}m")
    } else {
        let text = format!("{:.2}", milli as f64 / 1000.0);
        text.trim_end_matches('0').to_owned()
    }
}

/// Suffix, and the factor from written units to nano units as a fraction.
fn factor(suffix: &str) -> Option<(Suffix, i128, i128)> {
    let mut chars = suffix.chars();
    let first = chars.next();
    let second = chars.next();
    let more = chars.next().is_some();
    Some(match (first, second, more) {
        (None, ..) => (Suffix::None, NANO, 1),
        (Some('n'), None, _) => (Suffix::Fraction('n'), 1, 1),
        (Some('u'), None, _) => (Suffix::Fraction('u'), 1_000, 1),
        (Some('m'), None, _) => (Suffix::Fraction('m'), 1_000_000, 1),
        (Some(c), None, _) => (
            Suffix::Decimal(c),
            NANO * 1000_i128.checked_pow(rank(c, 'k')?)?,
            1,
        ),
        (Some(c), Some('i'), false) => (Suffix::Binary(c), NANO * 1024_i128.checked_pow(rank(c, 'K')?)?, 1),
        (Some('e' | 'E'), Some(_), _) => {
            let exponent: i32 = suffix[1..].parse().ok().filter(|e| (-18..=18).contains(e))?;
            let power = 10_i128.pow(exponent.unsigned_abs());
            if exponent < 0 {
                (Suffix::Exponent, NANO, power)
            } else {
                (Suffix::Exponent, NANO * power, 1)
            }
        }
        _ => return None,
    })
}

fn rank(c: char, kilo: char) -> Option<u32> {
    [kilo, 'M', 'G', 'T', 'P', 'E']
        .iter()
        .position(|unit| *unit == c)
        .and_then(|at| u32::try_from(at + 1).ok())
}

fn mul_div_ceil(value: i128, numerator: i128, denominator: i128) -> Option<i128> {
    Some(ceil_div(value.checked_mul(numerator)?, denominator))
}

fn ceil_div(value: i128, by: i128) -> i128 {
    let quotient = value / by;
    if value % by > 0 { quotient + 1 } else { quotient }
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_the_api_server_reads() {
        for (text, milli) in [
            ("1", 1000),
            ("300m", 300),
            ("0.5", 500),
            (".5", 500),
            ("1Ki", 1_024_000),
            ("1k", 1_000_000),
            ("1.5Gi", 1_610_612_736_000),
            ("2e3", 2_000_000),
            ("1E", 1_000_000_000_000_000_000_000_i128),
            ("100n", 1),
            ("-1", -1000),
            ("4402341478400m", 4_402_341_478_400),
        ] {
            let quantity = Quantity::parse(text).unwrap();
            assert_eq!(ceil_div(quantity.nano(), NANO / 1000), milli, "{text}");
        }
    }

    #[test]
    fn refuses_what_the_api_server_refuses() {
        for text in [
            "", "m", "1Gb", "1GB", "1 Gi", "Mi", "1..2", "1mi", "0x10", "1K", "--1", "1ee3",
        ] {
            assert!(Quantity::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn milli_bytes_round_up_to_one() {
        let quantity = Quantity::parse("300m").unwrap();
        assert_eq!(quantity.units(), 1);
        assert!(quantity.is_fractional());
    }

    #[test]
    fn prints_as_people_write() {
        assert_eq!(bytes_text(1), "1 byte");
        assert_eq!(bytes_text(536_870_912), "512Mi");
        assert_eq!(bytes_text(1_610_612_736), "1.5Gi");
        assert_eq!(cpu_text(250), "250m");
        assert_eq!(cpu_text(2000), "2");
        assert_eq!(cpu_text(1500), "1.5");
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,40}") {
            let _ = Quantity::parse(&text);
        }

        #[test]
        fn whole_numbers_round_trip(units in -1_000_000_000_000_i64..1_000_000_000_000) {
            let quantity = Quantity::parse(&units.to_string()).unwrap();
            prop_assert_eq!(quantity.units(), units);
            prop_assert_eq!(Quantity::parse(&quantity.to_string()).unwrap(), quantity);
        }
    }
}
