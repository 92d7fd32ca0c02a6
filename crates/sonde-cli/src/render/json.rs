//! An answer as JSON.

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::escape::is_unsafe;

pub(super) fn render(answer: &impl Serialize) -> Result<String> {
    let mut text = serde_json::to_string_pretty(answer).context("failed to write the answer as JSON")?;
    text.push('\n');
    Ok(escape_strings(text))
}

/// JSON leaves some control characters as they are, and a terminal obeys them. Such characters stand in strings only,
/// where `\u` means the same.
fn escape_strings(text: String) -> String {
    if !text.chars().any(|c| c != '\n' && is_unsafe(c)) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if c != '\n' && is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_mean_the_same() {
        let value = serde_json::json!({ "a": "x\u{9b}31m\u{202e}y\u{e0041}\u{1b}" });
        let text = escape_strings(serde_json::to_string_pretty(&value).unwrap());
        assert!(text.is_ascii(), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
