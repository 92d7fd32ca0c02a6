//! Probes as describe prints them.

use serde_json::{Value, json};

use super::port;
use crate::paste::age;
use crate::paste::json::set;

/// `http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3`.
pub(super) fn read(text: &str) -> Option<Value> {
    let (action, settings) = match text.rfind(" delay=") {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let (kind, target) = action.split_once(' ').unwrap_or((action, ""));
    let target = target.trim();
    let mut probe = match kind {
        "http-get" => json!({ "httpGet": http(target)? }),
        "tcp-socket" => {
            let (host, number) = target.rsplit_once(':').unwrap_or(("", target));
            let mut socket = json!({ "port": port(number) });
            if !host.is_empty() {
                set(&mut socket, &["host"], host);
            }
            json!({ "tcpSocket": socket })
        }
        "grpc" => {
            let mut words = target.split_whitespace();
            let number = words.next()?.rsplit(':').next()?;
            let mut grpc = json!({ "port": port(number) });
            if let Some(service) = words.next() {
                set(&mut grpc, &["service"], service);
            }
            json!({ "grpc": grpc })
        }
        "exec" => {
            // The words were joined by blanks; they cannot be told apart again.
            let command = target.trim_start_matches('[').trim_end_matches(']');
            json!({ "exec": { "command": [command] } })
        }
        _ => return None,
    };
    for word in settings.split_whitespace() {
        let Some((key, value)) = word.split_once('=') else {
            continue;
        };
        let field = match key {
            "delay" => "initialDelaySeconds",
            "timeout" => "timeoutSeconds",
            "period" => "periodSeconds",
            "#success" => "successThreshold",
            "#failure" => "failureThreshold",
            _ => continue,
        };
        if let Some(number) = age::seconds(value).or_else(|| value.parse().ok()) {
            set(&mut probe, &[field], number);
        }
    }
    Some(probe)
}

/// `http://HOST:PORT/path`; host and port may be missing, the port may be a name.
fn http(url: &str) -> Option<Value> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (host, number) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let mut get = json!({ "scheme": scheme.to_ascii_uppercase() });
    if !path.is_empty() {
        set(&mut get, &["path"], path);
    }
    if !number.is_empty() {
        set(&mut get, &["port"], port(number));
    }
    if !host.is_empty() {
        set(&mut get, &["host"], host);
    }
    Some(get)
}
