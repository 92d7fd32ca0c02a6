//! What shippers, runtimes, syslog and terminals put before a line.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use super::scan::{clip, number, word};
use super::time;

/// A line without what others put before it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Bare<'a> {
    pub(crate) time: Option<Timestamp>,
    /// syslog's or the journal's host.
    pub(crate) host: Option<String>,
    /// syslog's or the journal's sender: `kernel`, `kubelet`.
    pub(crate) sender: Option<String>,
    /// Seconds since boot.
    pub(crate) uptime_seconds: Option<u64>,
    /// The kernel's thread or CPU mark, `T1234`.
    pub(crate) caller: Option<String>,
    /// Namespace (empty when unknown) and pod of a shipper's metadata.
    pub(crate) pod: Option<(String, String)>,
    pub(crate) container: Option<String>,
    pub(crate) text: Cow<'a, str>,
}

/// Each layer is one shipper; real lines have up to four (journal, syslog, kernel, caller).
const LAYERS_MAX: usize = 8;

/// Removes all prefixes. `year` serves times that have none.
pub(crate) fn strip(line: &str, year: Option<i16>) -> Bare<'_> {
    let mut bare = Bare {
        text: without_color(clip(line).trim_end_matches(['\r', '\n'])),
        ..Bare::default()
    };
    let colored = matches!(bare.text, Cow::Owned(_));
    for _ in 0..LAYERS_MAX {
        let text = std::mem::take(&mut bare.text);
        let (text, more) = match text {
            Cow::Borrowed(text) => match layer(&mut bare, text, year, colored) {
                Some(rest) => (rest, true),
                None => (Cow::Borrowed(text), false),
            },
            Cow::Owned(text) => match layer(&mut bare, &text, year, colored) {
                Some(rest) => (Cow::Owned(rest.into_owned()), true),
                None => (Cow::Owned(text), false),
            },
        };
        bare.text = text;
        if !more {
            break;
        }
    }
    bare
}

/// One layer off; `None` when there is none.
fn layer<'a>(bare: &mut Bare<'_>, text: &'a str, year: Option<i16>, colored: bool) -> Option<Cow<'a, str>> {
    let trimmed = text.trim_start();
    if trimmed.starts_with('{')
        && let Some(inner) = json(bare, trimmed)
    {
        return Some(Cow::Owned(inner));
    }
    plain_layer(bare, text, trimmed, year, colored).map(Cow::Borrowed)
}

fn plain_layer<'a>(
    bare: &mut Bare<'_>,
    text: &'a str,
    trimmed: &'a str,
    year: Option<i16>,
    colored: bool,
) -> Option<&'a str> {
    match trimmed.as_bytes().first()? {
        b'[' => bracket(bare, trimmed),
        b'<' => {
            // syslog priority: `<6>`.
            let (number, rest) = trimmed[1..].split_once('>')?;
            (number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit()) && !number.is_empty())
                .then_some(rest)
        }
        b'{' => {
            // Loki's labels: `{app="x"} line`.
            let (labels, rest) = trimmed[1..].split_once("} ")?;
            (labels.contains("=\"") && !labels.contains(':')).then_some(rest)
        }
        b'0'..=b'9' => {
            if let Some(rest) = kmsg(bare, trimmed) {
                return Some(rest);
            }
            let (time, len) = time::iso(trimmed)?;
            let rest = &trimmed[len..];
            // A blank in the middle and no zone is the application's own time: the line keeps it.
            if trimmed.as_bytes().get(10) == Some(&b' ') && !trimmed[..len].ends_with(['Z', 'C']) {
                return None;
            }
            let rest = rest
                .strip_prefix(' ')
                .or_else(|| rest.is_empty().then_some(rest))?;
            bare.time.get_or_insert(time);
            for stream in ["stdout ", "stderr "] {
                if let Some(rest) = rest.strip_prefix(stream) {
                    let tag = word(rest, &[]);
                    if matches!(tag.split(':').next(), Some("F" | "P")) {
                        return Some(rest[tag.len()..].strip_prefix(' ').unwrap_or(""));
                    }
                }
            }
            Some(sender(bare, rest, true).unwrap_or(rest))
        }
        b'A'..=b'Z' => {
            if let Some((time, len)) = time::syslog(trimmed, year) {
                let rest = trimmed[len..].strip_prefix(' ')?;
                let rest = sender(bare, rest, false)?;
                if let Some(time) = time {
                    bare.time.get_or_insert(time);
                }
                return Some(rest);
            }
            let (time, len) = time::journal_full(trimmed)?;
            let rest = sender(bare, trimmed[len..].strip_prefix(' ')?, false)?;
            bare.time.get_or_insert(time);
            Some(rest)
        }
        b'k' if trimmed.starts_with("kern") => {
            // dmesg -x: `kern  :warn  : [12.3] text`.
            let (facility, rest) = trimmed.split_once(':')?;
            let (level, rest) = rest.split_once(": ")?;
            (facility.trim_end() == "kern" && level.len() < 10).then_some(rest)
        }
        _ => stern(bare, text, colored),
    }
}

/// `[12345.678]`, `[Sat Nov 21 12:31:01 2026]`, `[ T12]`, `[ +0.01]`, `[pod/name/container]`.
fn bracket<'a>(bare: &mut Bare<'_>, text: &'a str) -> Option<&'a str> {
    let (inner, rest) = text[1..].split_once(']')?;
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let inner = inner.trim();
    if let Some(path) = inner.strip_prefix("pod/") {
        let (pod, container) = path.split_once('/')?;
        bare.pod.get_or_insert((String::new(), pod.to_owned()));
        bare.container.get_or_insert(container.to_owned());
        return Some(rest);
    }
    if let Some((time, _)) = time::ctime(inner).or_else(|| time::iso(inner).filter(|_| inner.contains('T'))) {
        bare.time.get_or_insert(time);
        return Some(rest);
    }
    let digits = inner.strip_prefix(['T', 'C']).unwrap_or(inner);
    if digits.len() < inner.len() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        bare.caller.get_or_insert(inner.to_owned());
        return Some(rest);
    }
    let clock = inner.strip_prefix('+').map(str::trim_start).unwrap_or(inner);
    let (seconds, micros) = clock.split_once('.')?;
    let is_uptime = !seconds.is_empty()
        && [seconds, micros]
            .iter()
            .all(|s| s.bytes().all(|b| b.is_ascii_digit()));
    if !is_uptime || micros.len() < 3 {
        return None;
    }
    if clock.len() == inner.len() {
        bare.uptime_seconds = seconds.parse().ok();
    }
    Some(rest)
}

/// /dev/kmsg: `6,1234,5678901,-;text`.
fn kmsg<'a>(bare: &mut Bare<'_>, text: &'a str) -> Option<&'a str> {
    let (head, rest) = text.split_once(';')?;
    let mut fields = head.split(',');
    let (_, _, micros) = (
        number(fields.next()?)?,
        number(fields.next()?)?,
        number(fields.next()?)?,
    );
    fields.next()?;
    bare.uptime_seconds = Some(micros / 1_000_000);
    Some(rest)
}

/// `host ident[12]: ` after a syslog time. With a full time before it (`strict`) the ident must look like one, for
/// `2026-..Z Starting server: x` is an application's line.
fn sender<'a>(bare: &mut Bare<'_>, text: &'a str, strict: bool) -> Option<&'a str> {
    const KNOWN: [&str; 8] = [
        "kernel",
        "kubelet",
        "containerd",
        "crio",
        "dockerd",
        "docker",
        "systemd",
        "k3s",
    ];
    let (host, rest) = text.split_once(' ')?;
    if host.contains([':', '=', '[', '"']) || host.is_empty() {
        return None;
    }
    let ident = word(rest, &[':', '[']);
    let mut tail = &rest[ident.len()..];
    let mut numbered = false;
    if let Some(inner) = tail.strip_prefix('[') {
        let (pid, after) = inner.split_once(']')?;
        numbered = pid.bytes().all(|b| b.is_ascii_digit());
        tail = after;
    }
    let tail = tail.strip_prefix(':')?;
    if ident.is_empty() || (strict && !numbered && !KNOWN.contains(&ident)) {
        return None;
    }
    bare.host.get_or_insert(host.to_owned());
    bare.sender.get_or_insert(ident.to_owned());
    Some(tail.strip_prefix(' ').unwrap_or(tail))
}

/// stern: `pod container line`. Only with colors, or where the pod's name ends as generated names do.
fn stern<'a>(bare: &mut Bare<'_>, text: &'a str, colored: bool) -> Option<&'a str> {
    if bare.pod.is_some() || !(colored || text.as_bytes().first()?.is_ascii_lowercase()) {
        return None;
    }
    let mut words = text.splitn(3, ' ');
    let (pod, container, rest) = (words.next()?, words.next()?, words.next()?);
    let label = |word: &str| {
        !word.is_empty()
            && word.len() <= 253
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
    };
    let ordinal = pod
        .rsplit_once('-')
        .is_some_and(|(_, tail)| tail.bytes().all(|b| b.is_ascii_digit()));
    if !label(pod) || !label(container) || !(is_generated(pod) || (colored && ordinal)) {
        return None;
    }
    bare.pod = Some((String::new(), pod.to_owned()));
    bare.container = Some(container.to_owned());
    Some(rest)
}

/// The name ends in five characters of the alphabet that the API server draws from.
pub(crate) fn is_generated(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(head, tail)| {
        tail.len() == 5
            && head.contains(|c: char| c.is_ascii_alphabetic())
            && tail.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b))
            && (head.contains('-') || tail.bytes().any(|b| b.is_ascii_digit()))
    })
}

/// A shipper's JSON: docker's json-file, fluent, Loki, the journal. Application and klog JSON (`msg`) is not one.
fn json(bare: &mut Bare<'_>, text: &str) -> Option<String> {
    if !["\"log\"", "\"message\"", "\"MESSAGE\"", "\"line\""]
        .iter()
        .any(|key| text.contains(key))
    {
        return None;
    }
    let value: Value = serde_json::from_str(text.trim_end()).ok()?;
    let object = value.as_object()?;
    let inner = ["log", "MESSAGE", "message", "line"]
        .iter()
        .find_map(|key| object.get(*key))?;
    let text = match inner {
        Value::String(text) => text.trim_end_matches('\n').to_owned(),
        // The journal writes a message that is not plain text as its bytes.
        Value::Array(bytes) => {
            let bytes: Vec<u8> = bytes
                .iter()
                .filter_map(|b| u8::try_from(b.as_u64()?).ok())
                .collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => return None,
    };
    if let Some(time) = json_time(object) {
        bare.time.get_or_insert(time);
    }
    let word = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(sender) = word("SYSLOG_IDENTIFIER").or_else(|| word("_COMM")) {
        bare.sender.get_or_insert(sender);
    }
    if let Some(host) = word("_HOSTNAME") {
        bare.host.get_or_insert(host);
    }
    if let Some(meta) = object.get("kubernetes").and_then(Value::as_object) {
        let meta_word = |keys: [&str; 2]| {
            keys.iter()
                .find_map(|key| meta.get(*key))
                .and_then(|v| v.as_str().or_else(|| v.get("name").and_then(Value::as_str)))
                .map(str::to_owned)
        };
        if let Some(pod) = meta_word(["pod_name", "pod"]) {
            let namespace = meta_word(["namespace_name", "namespace"]).unwrap_or_default();
            bare.pod.get_or_insert((namespace, pod));
        }
        if let Some(container) = meta_word(["container_name", "container"]) {
            bare.container.get_or_insert(container);
        }
    }
    // An application's own JSON with `message` keeps its error beside it.
    let extra = error_fields(object);
    Some(if extra.is_empty() {
        text
    } else {
        format!("{text}: {extra}")
    })
}

/// The time of a JSON log line.
pub(crate) fn json_time(object: &serde_json::Map<String, Value>) -> Option<Timestamp> {
    const KEYS: [&str; 6] = [
        "time",
        "ts",
        "@timestamp",
        "timestamp",
        "__REALTIME_TIMESTAMP",
        "t",
    ];
    KEYS.iter().find_map(|key| match object.get(*key)? {
        Value::String(text) => time::iso(text)
            .map(|(time, _)| time)
            .or_else(|| text.parse().ok().and_then(time::epoch)),
        Value::Number(number) => number.as_f64().and_then(time::epoch),
        _ => None,
    })
}

/// The values of an application's error fields, joined.
pub(crate) fn error_fields(object: &serde_json::Map<String, Value>) -> String {
    let mut found: Vec<&str> = Vec::new();
    gather_errors(object, 0, &mut found);
    found.join(": ")
}

/// Errors hold their own causes; no logger nests them deeper than this.
const ERROR_DEPTH_MAX: usize = 4;

fn gather_errors<'a>(object: &'a serde_json::Map<String, Value>, depth: usize, found: &mut Vec<&'a str>) {
    const KEYS: [&str; 18] = [
        "error",
        "err",
        "exception",
        "Exception",
        "@x",
        "exc_info",
        "cause",
        "caused_by",
        "error.message",
        "exception.message",
        "error_message",
        "errorMessage",
        "stack_trace",
        "stack",
        "stacktrace",
        "exception.stacktrace",
        "reason",
        "attr",
    ];
    if depth > ERROR_DEPTH_MAX {
        return;
    }
    let add = |text: &'a str, found: &mut Vec<&'a str>| {
        if !text.is_empty() && !found.iter().any(|said| said.contains(text)) {
            found.push(text);
        }
    };
    for key in KEYS {
        match object.get(key) {
            Some(Value::String(text)) => add(text, found),
            Some(Value::Object(inner)) => {
                let message = ["message", "msg", "errmsg"]
                    .iter()
                    .find_map(|key| inner.get(*key)?.as_str());
                if let Some(text) = message.filter(|_| key != "attr") {
                    add(text, found);
                }
                // A stack repeats the message before its frames.
                let before = found.len();
                gather_errors(inner, depth + 1, found);
                if let Some(text) = message
                    && found.len() > before
                {
                    let mut at = 0;
                    found.retain(|said| {
                        at += 1;
                        at <= before || !said.contains(text)
                    });
                }
            }
            _ => {}
        }
    }
}

/// ANSI escape sequences removed.
pub(crate) fn without_color(text: &str) -> Cow<'_, str> {
    if !text.contains('\x1b') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\x1b' {
            out.push(c);
            continue;
        }
        match chars.peek() {
            Some('[') => {
                chars.next();
                // Parameters, then one final letter; a cut sequence ends with the text.
                while chars.next_if(|c| !c.is_ascii_alphabetic() && *c != '~').is_some() {}
                chars.next();
            }
            Some(']') => {
                while chars.next_if(|c| *c != '\x07').is_some() {}
                chars.next();
            }
            _ => {}
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shipper_gives_the_bare_line() {
        for (line, text, timed) in [
            ("2026-11-21T12:31:01.123456789Z stdout F hello", "hello", true),
            ("2026-11-21T12:31:01.123456789Z stderr P part", "part", true),
            (
                r#"{"log":"hello\n","stream":"stdout","time":"2026-11-21T12:31:01.1Z"}"#,
                "hello",
                true,
            ),
            ("2026-11-21T12:31:01Z hello", "hello", true),
            ("[pod/checkout-1/app] 2026-11-21T12:31:01Z hello", "hello", true),
            ("checkout-7d9fbb-x2b4k app hello", "hello", false),
            (
                "\x1b[32mdb-0\x1b[0m \x1b[31mpostgres\x1b[0m hello",
                "hello",
                false,
            ),
            ("Nov 21 12:31:01 node-1 kernel: [12.345678] hello", "hello", false),
            ("<6>Nov 21 12:31:01 node-1 kubelet[12]: hello", "hello", false),
            (
                "2026-11-21T12:31:01+0000 node-1 kubelet[12]: hello",
                "hello",
                true,
            ),
            (
                "Sat 2026-11-21 12:31:01 UTC node-1 containerd[1]: hello",
                "hello",
                true,
            ),
            ("[Sat Nov 21 12:31:01 2026] hello", "hello", true),
            ("[    0.123456][    T1] hello", "hello", false),
            ("kern  :warn  : [12.345678] hello", "hello", false),
            ("6,1234,5678901,-;hello", "hello", false),
            (
                r#"{"@timestamp":"2026-11-21T12:31:01Z","log":"hello","kubernetes":{"pod_name":"p","namespace_name":"n"}}"#,
                "hello",
                true,
            ),
            (
                r#"{"MESSAGE":"hello","__REALTIME_TIMESTAMP":"1795000000000000"}"#,
                "hello",
                true,
            ),
            (
                "2026-11-21 12:31:01,123 INFO hello",
                "2026-11-21 12:31:01,123 INFO hello",
                false,
            ),
            (
                "2026-11-21T12:31:01Z Starting server: ok",
                "Starting server: ok",
                true,
            ),
            ("nothing here", "nothing here", false),
            ("[error] nothing", "[error] nothing", false),
        ] {
            let bare = strip(line, None);
            assert_eq!(bare.text, text, "{line}");
            assert_eq!(bare.time.is_some(), timed, "{line}");
        }
    }

    #[test]
    fn senders_hosts_and_pods_are_kept() {
        let bare = strip("Nov 21 12:31:01 node-1 kernel: [12.345678] hello", Some(2026));
        assert_eq!(bare.sender.as_deref(), Some("kernel"));
        assert_eq!(bare.host.as_deref(), Some("node-1"));
        assert_eq!(bare.uptime_seconds, Some(12));
        assert!(bare.time.is_some());
        let bare = strip("[pod/a/b] x", None);
        assert_eq!(bare.pod, Some((String::new(), "a".into())));
        assert_eq!(bare.container.as_deref(), Some("b"));
    }
}
