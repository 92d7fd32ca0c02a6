//! klog: the kubelet's format, as text (before and after structured logging) and as JSON.

use std::borrow::Cow;

use serde_json::Value;

use crate::log::prefix::json_time;
use crate::log::scan::{pairs, quoted, unescape};
use crate::log::time;

use super::Record;

/// `E1121 12:31:01.123456    1234 pod_workers.go:191] message`, or klog's JSON.
pub(super) fn record(text: &str, year: Option<i16>) -> Option<Record<'_>> {
    if text.starts_with('{') {
        return json(text);
    }
    let level = text.chars().next().filter(|c| "IWEF".contains(*c))?;
    let (time, len) = time::klog(&text[1..], year)?;
    let rest = text[1 + len..].trim_start();
    let (head, body) = rest.split_once("] ")?;
    // `1234 file.go:191`.
    let place = head.rsplit(' ').next()?;
    let (file, line) = place.rsplit_once(':')?;
    if !line.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let file = file.rsplit('/').next().unwrap_or(file);
    Some(Record {
        time,
        error: level != 'I',
        file,
        ..body_of(body)
    })
}

/// A line of the kubelet without klog's head: a panic, a usage text, a wrapped rest.
pub(super) fn plain(text: &str) -> Record<'_> {
    Record {
        error: text.contains("rror"),
        ..body_of(text)
    }
}

/// Structured bodies begin with the quoted message; older ones are free text.
fn body_of(body: &str) -> Record<'_> {
    match quoted(body) {
        Some((message, len)) => Record {
            message,
            fields: pairs(&body[len..])
                .into_iter()
                .map(|(k, v)| (Cow::Borrowed(k), v))
                .collect(),
            ..Record::default()
        },
        None => Record {
            message: Cow::Borrowed(body),
            ..Record::default()
        },
    }
}

/// `{"ts":1637000000000.1,"caller":"kubelet/pod_workers.go:951","msg":"..","pod":{"name":"x","namespace":"y"},"err":".."}`.
fn json(text: &str) -> Option<Record<'_>> {
    if !text.contains("\"caller\"") || !text.contains("\"msg\"") {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    let object = value.as_object()?;
    let mut fields: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    for (key, value) in object {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Object(inner) => match (inner.get("namespace"), inner.get("name")) {
                (namespace, Some(Value::String(name))) => {
                    format!("{}/{name}", namespace.and_then(Value::as_str).unwrap_or(""))
                }
                _ => Value::Object(inner.clone()).to_string(),
            },
            other => other.to_string(),
        };
        fields.push((Cow::Owned(key.clone()), Cow::Owned(value)));
    }
    let message = object.get("msg")?.as_str()?.to_owned();
    let error = object.contains_key("err") || object.get("v").is_none();
    Some(Record {
        time: json_time(object),
        error,
        file: "",
        message: Cow::Owned(message),
        fields,
    })
}

/// Old free text holds Go-quoted parts inside; undone once, they read like the structured values.
pub(super) fn loose(text: &str) -> Cow<'_, str> {
    if text.contains("\\\"") || text.contains("\\n") {
        unescape(text)
    } else {
        Cow::Borrowed(text)
    }
}
