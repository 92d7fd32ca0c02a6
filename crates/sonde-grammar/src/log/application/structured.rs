//! A program's own JSON line as the text that it would have written: `error: message: reason (peer)`.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::extract::target;
use crate::log::prefix::{error_fields, json_time};

type Object = Map<String, Value>;

const LEVELS: [&str; 8] = [
    "level",
    "severity",
    "lvl",
    "log.level",
    "LogLevel",
    "@l",
    "s",
    "loglevel",
];
const MESSAGES: [&str; 10] = [
    "msg",
    "message",
    "event",
    "body",
    "Message",
    "@m",
    "@mt",
    "@message",
    "short_message",
    "textPayload",
];
/// Keys of what a program asked. The own host and the client of a request have others.
const PEERS: [&str; 9] = [
    "addr", "address", "url", "endpoint", "upstream", "broker", "target", "server", "uri",
];

/// A line whose `message` stands beside its level is the program's own, not a shipper's.
pub(super) fn own(line: &str) -> Option<(Option<Timestamp>, String)> {
    const SHIPPERS: [&str; 5] = ["log", "kubernetes", "MESSAGE", "stream", "line"];
    let line = line.trim();
    if !line.starts_with('{') || !line.contains("\"message\"") {
        return None;
    }
    let value: Value = serde_json::from_str(line).ok()?;
    let object = value.as_object()?;
    if SHIPPERS.iter().any(|key| object.contains_key(*key)) || level(object).is_none() {
        return None;
    }
    of(object)
}

/// `{"level":"error","msg":"m","error":"e"}` as `ERROR: m: e`.
pub(super) fn flatten(text: &str) -> Option<(Option<Timestamp>, String)> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let value: Value = serde_json::from_str(text.trim()).ok()?;
    of(value.as_object()?)
}

fn of(object: &Object) -> Option<(Option<Timestamp>, String)> {
    // Rust's tracing keeps message and error one level down.
    let inner = object.get("fields").and_then(Value::as_object);
    let message = word(object, &MESSAGES)
        .or_else(|| word(inner?, &MESSAGES))
        .unwrap_or("");
    let mut errors = error_fields(object);
    if let (true, Some(inner)) = (errors.is_empty(), inner) {
        errors = error_fields(inner);
    }
    if message.is_empty() && errors.is_empty() {
        return None;
    }
    let level = level(object).unwrap_or_default();
    let mut text = [level.as_str(), message, &errors]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(": ");
    let in_trouble = !errors.is_empty() || matches!(level.as_str(), "ERROR" | "FATAL" | "CRITICAL");
    if in_trouble && target(&text).is_none() {
        let parts = [
            Some(object),
            inner,
            object_at(object, "error"),
            object_at(object, "err"),
            object_at(object, "attr"),
        ];
        if let Some(peer) = parts.into_iter().flatten().find_map(peer) {
            text.push_str(&format!(" ({peer})"));
        }
    }
    Some((json_time(object), text))
}

fn object_at<'a>(object: &'a Object, key: &str) -> Option<&'a Object> {
    object.get(key).and_then(Value::as_object)
}

fn word<'a>(object: &'a Object, keys: &[&str]) -> Option<&'a str> {
    keys.iter()
        .find_map(|key| object.get(*key).and_then(Value::as_str))
        .filter(|word| !word.is_empty())
}

/// The level as a word: MongoDB writes letters, pino and bunyan numbers.
fn level(object: &Object) -> Option<String> {
    LEVELS.iter().find_map(|key| {
        Some(match object.get(*key)? {
            Value::String(text) => match text.as_str() {
                "E" => "ERROR".into(),
                "F" => "FATAL".into(),
                "W" => "WARN".into(),
                "I" => "INFO".into(),
                "" => return None,
                _ if *key == "s" => return None,
                other => other.to_ascii_uppercase(),
            },
            Value::Number(number) => match number.as_u64()? {
                60 => "FATAL".into(),
                50 => "ERROR".into(),
                40 => "WARN".into(),
                30 => "INFO".into(),
                10 | 20 => "DEBUG".into(),
                _ => return None,
            },
            _ => return None,
        })
    })
}

/// Whom the fields name: an address, or a name and its port.
fn peer(object: &Object) -> Option<String> {
    let port = object.get("port").and_then(|port| match port {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    });
    let host = word(object, &["host", "address", "addr"]);
    if let (Some(host), Some(port)) = (host, port) {
        return Some(format!("host={host} port={port}"));
    }
    PEERS.iter().find_map(|key| target(word(object, &[key])?))
}
