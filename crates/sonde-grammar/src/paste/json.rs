//! Building Kubernetes-shaped JSON from parts.

use serde_json::{Map, Value, json};
use sonde_model::{Kind, Timestamp};

/// An empty object of a kind.
pub(crate) fn object(kind: &Kind, namespace: &str, name: &str) -> Value {
    let mut metadata = Map::new();
    metadata.insert("name".into(), name.into());
    if !namespace.is_empty() && kind.is_namespaced() {
        metadata.insert("namespace".into(), namespace.into());
    }
    let api_version = kind.info().map_or("v1", |info| info.api_version);
    json!({ "apiVersion": api_version, "kind": kind.as_str(), "metadata": metadata })
}

/// Sets a value at a path of keys, making the objects between.
pub(crate) fn set(target: &mut Value, path: &[&str], value: impl Into<Value>) {
    *slot(target, path) = value.into();
}

/// Appends to the array at a path.
pub(crate) fn push(target: &mut Value, path: &[&str], value: Value) {
    let slot = slot(target, path);
    match slot {
        Value::Array(items) => items.push(value),
        other => *other = Value::Array(vec![value]),
    }
}

/// The place at a path; anything that is not an object on the way is replaced by one.
pub(crate) fn slot<'v>(target: &'v mut Value, path: &[&str]) -> &'v mut Value {
    let mut place = target;
    for key in path {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(map) = place else {
            unreachable!("made an object above")
        };
        place = map.entry(*key).or_insert(Value::Null);
    }
    place
}

/// RFC 3339 as the API writes it.
pub(crate) fn time(time: Timestamp) -> Value {
    Value::String(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// `True`, `true` and their likes.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.trim() {
        "True" | "true" => Some(true),
        "False" | "false" => Some(false),
        _ => None,
    }
}

/// What kubectl prints for "nothing".
pub(crate) fn is_none(text: &str) -> bool {
    matches!(
        text.trim(),
        "" | "<none>" | "<unset>" | "<unknown>" | "<nil>" | "<not set>" | "<unspecified>"
    )
}

/// A number where the text is one, the text otherwise.
pub(crate) fn number_or_text(text: &str) -> Value {
    text.parse::<i64>()
        .map_or_else(|_| Value::String(text.to_owned()), Value::from)
}
