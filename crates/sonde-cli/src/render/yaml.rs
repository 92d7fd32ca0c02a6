//! An answer as YAML: the same value as the JSON. Characters that reorder what is read are spelled out, because YAML has
//! escapes only in some of its scalars.

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;

use super::escape::spelled;

pub(super) fn render(answer: &impl Serialize) -> Result<String> {
    let mut value = serde_json::to_value(answer).context("failed to read the answer as a value")?;
    spell_out(&mut value);
    let mut text = serde_saphyr::to_string(&value).context("failed to write the answer as YAML")?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// An answer is as deep as its types, so recursion is bounded.
fn spell_out(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(safe) = spelled(text) {
                *text = safe;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(spell_out),
        Value::Object(fields) => fields.values_mut().for_each(spell_out),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
