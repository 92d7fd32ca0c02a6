//! `sonde schema`: the JSON Schema of a report, made from the types.

use anyhow::Context as _;
use serde_json::{Value, json};
use sonde_model::{Report, SCHEMA};

use crate::failure::Outcome;

pub(super) fn text() -> Outcome<String> {
    let mut schema =
        serde_json::to_value(schemars::schema_for!(Report)).context("failed to make the schema")?;
    schema["title"] = json!("Sonde report");
    schema["description"] = json!(
        "What `sonde diagnose -o json` writes. Fields are only ever added; readers must pass over new ones."
    );
    schema["properties"]["schema"] = json!({ "description": "The form of the report.", "const": SCHEMA });
    plain_descriptions(&mut schema);
    let mut text = serde_json::to_string_pretty(&schema).context("failed to write the schema")?;
    text.push('\n');
    Ok(text)
}

/// Descriptions are doc comments, whose links lead nowhere here. A schema is as deep as our types.
fn plain_descriptions(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = text.replace("[`", "`").replace("`]", "`");
            }
            fields.values_mut().for_each(plain_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(plain_descriptions),
        _ => {}
    }
}
