//! Ages as kubectl prints them: `3m5s`, `5d2h`, `2y30d`, `<unknown>`.

/// Seconds of an age; `None` for what is none.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let scale = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'y' => 365 * 86_400,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(scale)?)?;
        rest = &rest[digits + 1..];
    }
    Some(total)
}

/// A cell that holds an age, or says that there is none.
pub(crate) fn is_age(text: &str) -> bool {
    seconds(text).is_some() || matches!(text, "<unknown>" | "<invalid>" | "<none>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        for (text, want) in [
            ("0s", Some(0)),
            ("3m5s", Some(185)),
            ("5d2h", Some(439_200)),
            ("2y30d", Some(65_664_000)),
            ("300", None),
            ("m", None),
            ("3mi", None),
            ("", None),
            ("<unknown>", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(seconds(text), want, "{text}");
        }
        assert!(is_age("<unknown>") && !is_age("kubelet"));
    }
}
