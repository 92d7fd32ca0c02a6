//! The `Containers:` sections of pods and pod templates.

mod probe;

use serde_json::{Map, Value, json};
use sonde_model::Timestamp;

use super::absolute;
use super::fields::{Line, pair};
use crate::paste::json::{boolean, is_none, number_or_text, push, set, slot, time};

/// One container's specification and status.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) spec: Value,
    pub(crate) status: Value,
    /// The status has a state, so the text is of a pod, not of a template.
    pub(crate) has_state: bool,
    pub(crate) started: Option<Timestamp>,
    pub(crate) times: Vec<Timestamp>,
}

/// Where the reader is within a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    /// `command` or `args`.
    Words(&'static str),
    /// `state` or `lastState`, and which of its three forms.
    State(&'static str, &'static str),
    /// `limits` or `requests`.
    Resources(&'static str),
    Environment,
    EnvironmentFrom,
    Mounts,
    /// Something we do not keep.
    Skipped,
}

/// Keys of a container, by which a text without indentation is told apart.
const KEYS: &[&str] = &[
    "Container ID",
    "Image",
    "Image ID",
    "Port",
    "Ports",
    "Host Port",
    "Host Ports",
    "Command",
    "Args",
    "State",
    "Last State",
    "Ready",
    "Restart Count",
    "Limits",
    "Requests",
    "Liveness",
    "Readiness",
    "Startup",
    "Environment",
    "Environment Variables from",
    "Environment Variables",
    "Mounts",
    "Devices",
    "SeccompProfile",
    "LocalhostProfile",
    "Restart Policy",
    "Restart Policy Rules",
    "Resource Policy",
    "Target Container",
    "QoS Tier",
    "Volumes",
];

const STATE_KEYS: &[&str] = &["Reason", "Message", "Exit Code", "Signal", "Started", "Finished"];

/// The key stands within a container, or within its state.
pub(super) fn is_key(key: &str) -> bool {
    KEYS.contains(&key) || STATE_KEYS.contains(&key)
}

/// The key stands at a container's margin, not within its state.
pub(super) fn is_of_container(key: &str) -> bool {
    KEYS.contains(&key)
}

/// The key tells how a container does.
pub(super) fn tells_of_run(key: &str) -> bool {
    matches!(
        key,
        "Container ID" | "State" | "Last State" | "Restart Count" | "Exit Code"
    )
}

/// `app:` alone on its line, a container's name.
pub(crate) fn is_name(text: &str) -> bool {
    text.trim_end().strip_suffix(':').is_some_and(|name| {
        !name.is_empty()
            && name.len() <= 63
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    })
}

/// Stands for the name of a container whose name was cut off; it becomes empty, as in a table.
pub(super) const NAMELESS: &str = "?:";

/// Reads the lines below `Containers:`.
pub(crate) fn read(lines: &[Line<'_>], flat: bool, wrap: Option<usize>) -> Vec<Container> {
    /// A pod has a handful; more is not a description.
    const CONTAINERS_MAX: usize = 512;
    // Not the least indentation: the lines of a termination message begin at the margin.
    let name_indent = lines
        .iter()
        .find(|line| !line.text.is_empty())
        .map_or(0, |line| line.indent);
    let mut reader = Reader {
        found: Vec::new(),
        place: Place::Skipped,
        open: None,
        flat,
        name_indent,
        key_indent: None,
    };
    let mut last_width = 0;
    for line in lines {
        if line.text.trim().is_empty() {
            continue;
        }
        if reader.found.len() > CONTAINERS_MAX {
            break;
        }
        let wrapped = wrap == Some(last_width);
        last_width = line.width;
        reader.line(line, wrapped);
    }
    reader.found
}

struct Reader {
    found: Vec<Container>,
    place: Place,
    /// The text that a further line continues: path in the status or specification.
    open: Option<Open>,
    flat: bool,
    name_indent: usize,
    /// Of the container's keys; one deeper than the name in a template, two in a pod.
    key_indent: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Open {
    Message(&'static str, &'static str),
    LastEnvironment,
    LastWord(&'static str),
}

impl Reader {
    fn line(&mut self, line: &Line<'_>, wrapped: bool) {
        if wrapped && line.indent <= self.name_indent && self.open.is_some() && !KEYS.contains(&key_of(line))
        {
            self.append(line.text, "");
            return;
        }
        if self.is_name(line) {
            let name = line.text.trim_end().trim_end_matches(':');
            self.begin(if line.text == NAMELESS { "" } else { name });
            return;
        }
        let Some(container) = self.found.last_mut() else {
            return;
        };
        if let Some((key, value)) = line.pair()
            && KEYS.contains(&key)
            && (self.flat || self.key_indent.is_none_or(|indent| line.indent == indent))
        {
            self.key_indent = Some(line.indent);
            self.open = None;
            self.place = container_key(container, key, value);
            return;
        }
        match self.place {
            Place::State(which, form) => match line.pair() {
                Some((key, value)) if STATE_KEYS.contains(&key) => {
                    state_key(container, which, form, key, value);
                    self.open = (key == "Message").then_some(Open::Message(which, form));
                }
                _ => self.append(line.text, if wrapped { "" } else { "\n" }),
            },
            Place::Words(which) => {
                push(&mut container.spec, &[which], line.text.trim().into());
                self.open = Some(Open::LastWord(which));
            }
            Place::Resources(which) => {
                if let Some((name, amount)) = line.pair() {
                    set(&mut container.spec, &["resources", which, name], amount);
                }
            }
            Place::Environment => match environment(line.text) {
                Some(entry) if self.flat || self.key_indent.is_none_or(|indent| line.indent > indent) => {
                    push(&mut container.spec, &["env"], entry);
                    self.open = Some(Open::LastEnvironment);
                }
                _ => self.append(line.text, if wrapped { "" } else { "\n" }),
            },
            Place::EnvironmentFrom => {
                if let Some(entry) = environment_from(line.text) {
                    push(&mut container.spec, &["envFrom"], entry);
                }
            }
            Place::Mounts => {
                if let Some(mount) = mount(line.text) {
                    push(&mut container.spec, &["volumeMounts"], mount);
                }
            }
            Place::Top | Place::Skipped => {}
        }
    }

    /// `name:` with nothing behind it, where a name can stand.
    fn is_name(&self, line: &Line<'_>) -> bool {
        if !is_name(line.text) && line.text != NAMELESS {
            return false;
        }
        if self.flat {
            // An environment variable without a value looks the same; `Mounts:` ends the environment.
            self.place != Place::Environment
        } else {
            line.indent == self.name_indent
        }
    }

    fn begin(&mut self, name: &str) {
        self.place = Place::Top;
        self.open = None;
        self.key_indent = None;
        self.found.push(Container {
            spec: json!({ "name": name }),
            status: json!({ "name": name }),
            has_state: false,
            started: None,
            times: Vec::new(),
        });
    }

    fn append(&mut self, text: &str, joint: &str) {
        /// A termination message has at most 4 KiB; what is longer is not one.
        const TEXT_BYTES_MAX: usize = 16 * 1024;
        let (Some(open), Some(container)) = (self.open, self.found.last_mut()) else {
            return;
        };
        let place = match open {
            Open::Message(which, form) => slot(&mut container.status, &[which, form, "message"]),
            Open::LastEnvironment => match slot(&mut container.spec, &["env"])
                .as_array_mut()
                .and_then(|env| env.last_mut())
            {
                Some(entry) if entry.get("value").is_some() => slot(entry, &["value"]),
                _ => return,
            },
            Open::LastWord(which) => match slot(&mut container.spec, &[which])
                .as_array_mut()
                .and_then(|words| words.last_mut())
            {
                Some(word) => word,
                None => return,
            },
        };
        if let Value::String(whole) = place
            && whole.len() < TEXT_BYTES_MAX
        {
            whole.push_str(joint);
            whole.push_str(if joint.is_empty() { text } else { text.trim_end() });
        }
    }
}

fn key_of<'a>(line: &Line<'a>) -> &'a str {
    line.pair().map_or("", |(key, _)| key)
}

/// A key of a container: sets its value and says what the lines below it are.
fn container_key(container: &mut Container, key: &str, value: &str) -> Place {
    let some = (!is_none(value)).then_some(value);
    match key {
        "Image" => put(&mut container.spec, "image", some),
        "Image ID" => put(&mut container.status, "imageID", some),
        "Container ID" => put(&mut container.status, "containerID", some),
        "Port" | "Ports" => ports(&mut container.spec, value, "containerPort"),
        "Host Port" | "Host Ports" => ports(&mut container.spec, value, "hostPort"),
        "Command" => return words(container, "command", some),
        "Args" => return words(container, "args", some),
        "State" => {
            container.has_state = true;
            return state(container, "state", value);
        }
        "Last State" => {
            container.has_state = true;
            return state(container, "lastState", value);
        }
        "Ready" => {
            if let Some(ready) = boolean(value) {
                set(&mut container.status, &["ready"], ready);
            }
        }
        "Restart Count" => {
            if let Ok(count) = value.parse::<i64>() {
                set(&mut container.status, &["restartCount"], count);
            }
        }
        "Restart Policy" => put(&mut container.spec, "restartPolicy", some),
        "Limits" => return Place::Resources("limits"),
        "Requests" => return Place::Resources("requests"),
        "Liveness" => put_probe(container, "livenessProbe", value),
        "Readiness" => put_probe(container, "readinessProbe", value),
        "Startup" => put_probe(container, "startupProbe", value),
        "Environment" | "Environment Variables" => return Place::Environment,
        "Environment Variables from" => return Place::EnvironmentFrom,
        "Mounts" => return Place::Mounts,
        _ => return Place::Skipped,
    }
    Place::Top
}

fn put(target: &mut Value, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        set(target, &[key], value);
    }
}

fn put_probe(container: &mut Container, key: &str, value: &str) {
    if let Some(probe) = probe::read(value) {
        set(&mut container.spec, &[key], probe);
    }
}

fn words(container: &mut Container, which: &'static str, value: Option<&str>) -> Place {
    if let Some(word) = value {
        push(&mut container.spec, &[which], word.into());
    }
    Place::Words(which)
}

fn state(container: &mut Container, which: &'static str, value: &str) -> Place {
    let form = match value.trim() {
        "Waiting" => "waiting",
        "Running" => "running",
        "Terminated" => "terminated",
        _ => return Place::Skipped,
    };
    set(&mut container.status, &[which, form], Value::Object(Map::new()));
    Place::State(which, form)
}

fn state_key(container: &mut Container, which: &'static str, form: &'static str, key: &str, value: &str) {
    let path = |field: &'static str| [which, form, field];
    match key {
        "Reason" => set(&mut container.status, &path("reason"), value),
        "Message" => set(&mut container.status, &path("message"), value),
        "Exit Code" | "Signal" => {
            let field = if key == "Signal" { "signal" } else { "exitCode" };
            if let Ok(number) = value.parse::<i64>() {
                set(&mut container.status, &path(field), number);
            }
        }
        _ => {
            let field = if key == "Started" {
                "startedAt"
            } else {
                "finishedAt"
            };
            if let Some(found) = absolute(value) {
                set(&mut container.status, &path(field), time(found));
                container.times.push(found);
                if key == "Started" {
                    container.started = container.started.max(Some(found));
                }
            } else if value.contains("1970") {
                // Never started: the engine reads it as the API writes it.
                set(&mut container.status, &path(field), "1970-01-01T00:00:00Z");
            }
        }
    }
}

/// `80/TCP, 443/TCP`, since 1.34 `80/TCP (http)`.
fn ports(spec: &mut Value, value: &str, field: &str) {
    for (index, part) in value.split(", ").enumerate() {
        let (number_protocol, name) = match part.split_once(" (") {
            Some((head, name)) => (head, Some(name.trim_end_matches(')'))),
            None => (part, None),
        };
        let Some((number, protocol)) = number_protocol.split_once('/') else {
            continue;
        };
        let Ok(number) = number.trim().parse::<u16>() else {
            continue;
        };
        if number == 0 {
            continue;
        }
        if !slot(spec, &["ports"]).is_array() {
            set(spec, &["ports"], Value::Array(Vec::new()));
        }
        let Some(list) = slot(spec, &["ports"]).as_array_mut() else {
            return;
        };
        if list.len() <= index {
            list.push(json!({ "protocol": protocol.trim() }));
        }
        let Some(port) = list.last_mut().filter(|_| list_index_ok(index)) else {
            return;
        };
        set(port, &[field], number);
        if let Some(name) = name {
            set(port, &["name"], name);
        }
    }
}

/// A pod has few ports; a text with more is not a list of ports.
fn list_index_ok(index: usize) -> bool {
    index < 64
}

/// `KEY:  value`, `KEY: <set to the key 'k' in secret 's'>  Optional: false`, `KEY: (v1:metadata.name)`.
fn environment(text: &str) -> Option<Value> {
    let (name, value) = pair(text)?;
    if name.contains(' ') || name.is_empty() {
        return None;
    }
    if let Some(rest) = value.strip_prefix("<set to the key '") {
        let (key, rest) = rest.split_once('\'')?;
        let source = if rest.contains("in secret") {
            "secretKeyRef"
        } else {
            "configMapKeyRef"
        };
        let object = rest.split('\'').nth(1)?;
        let mut reference = json!({ "key": key, "name": object });
        if let Some(optional) = rest.split("Optional: ").nth(1).and_then(boolean) {
            set(&mut reference, &["optional"], optional);
        }
        return Some(json!({ "name": name, "valueFrom": { source: reference } }));
    }
    // `web-1 (v1:metadata.name)`, `67108864 (limits.memory)`: what it is now, and from where.
    if let Some((_, source)) = value.rsplit_once('(')
        && let Some(source) = source.strip_suffix(')')
    {
        if let Some((version @ "v1", path)) = source.split_once(':') {
            let field = json!({ "apiVersion": version, "fieldPath": path });
            return Some(json!({ "name": name, "valueFrom": { "fieldRef": field } }));
        }
        if source.starts_with("limits.") || source.starts_with("requests.") {
            return Some(
                json!({ "name": name, "valueFrom": { "resourceFieldRef": { "resource": source } } }),
            );
        }
    }
    Some(json!({ "name": name, "value": value }))
}

/// `name  ConfigMap  Optional: false`, `name  Secret with prefix 'X_'  Optional: true`.
fn environment_from(text: &str) -> Option<Value> {
    let mut words = text.split_whitespace();
    let name = words.next()?;
    let source = match words.next()? {
        "ConfigMap" => "configMapRef",
        "Secret" => "secretRef",
        _ => return None,
    };
    let mut reference = json!({ "name": name });
    if let Some(optional) = text.split("Optional: ").nth(1).and_then(boolean) {
        set(&mut reference, &["optional"], optional);
    }
    let mut entry = json!({ source: reference });
    if let Some(prefix) = text
        .split("prefix '")
        .nth(1)
        .and_then(|rest| rest.split('\'').next())
    {
        set(&mut entry, &["prefix"], prefix);
    }
    Some(entry)
}

/// `/etc/app from config (ro,path="app.yaml")`.
fn mount(text: &str) -> Option<Value> {
    let (path, rest) = text.trim().split_once(" from ")?;
    let (name, flags) = rest.split_once(" (").unwrap_or((rest, ""));
    let mut mount = json!({ "mountPath": path, "name": name.trim() });
    if flags.starts_with("ro") {
        set(&mut mount, &["readOnly"], true);
    }
    if let Some(sub_path) = flags
        .split("path=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
    {
        set(&mut mount, &["subPath"], sub_path);
    }
    Some(mount)
}

/// A probe's port: a number or a name.
pub(super) fn port(text: &str) -> Value {
    number_or_text(text)
}
