//! Numbers in sentences.

use std::fmt::Display;

/// `1 pod`, `2 pods`, `0 of 1 pod`: the noun follows the number right before it.
pub(crate) fn count(number: impl Display, noun: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The word that goes with the number: `1 pod waits`, `2 pods wait`.
pub(crate) fn agree<'a>(number: usize, one: &'a str, many: &'a str) -> &'a str {
    if number == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        for (number, want) in [(0, "0 pods wait"), (1, "1 pod waits"), (2, "2 pods wait")] {
            let text = format!("{} {}", count(number, "pod"), agree(number, "waits", "wait"));
            assert_eq!(text, want);
        }
    }
}
