//! Lines that are no structure: logs of containers, nodes and kernels, and single messages.

use serde_json::Value;
use sonde_model::{Kind, Timestamp};

use crate::log::{
    AppSign, NodeLog, Standing, application, bare_line, is_access_text, is_grave, is_harmless,
    is_kernel_text, is_loud_text, is_node_text, is_of_container, is_quoting, kernel_in_year, node,
};
use crate::message;
use crate::paste::command::Command;
use crate::paste::describe::Line;
use crate::paste::events::{self, EventRow};
use crate::paste::lines::Row;
use crate::paste::{LooseMessage, Origin, Partial, Pasted, PastedLog, json, naming};

use super::{is_pod, unwrap};

/// Lines between structures, with the command above them.
#[derive(Default)]
pub(super) struct Group {
    lines: Vec<(usize, String)>,
    command: Command,
    /// The newest time with a date that its lines carry.
    pub(super) newest: Option<Timestamp>,
}

/// Samples of lines that nobody knew.
const SAMPLES_MAX: usize = 100;

impl Group {
    pub(super) fn push(&mut self, row: &Row<'_>) {
        if self.lines.is_empty() && row.is_blank() {
            return;
        }
        self.lines.push((row.line, row.text.clone().into_owned()));
    }

    /// Hands the group over and begins anew.
    pub(super) fn end(&mut self, groups: &mut Vec<Group>, context: &Command) {
        while self.lines.last().is_some_and(|(_, text)| text.trim().is_empty()) {
            self.lines.pop();
        }
        if self.lines.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        let newest = lines.iter().filter_map(|(_, text)| bare_line(text).time).max();
        groups.push(Group {
            lines,
            command: context.clone(),
            newest,
        });
    }

    /// Reads the lines; gives the events among them.
    pub(super) fn read(mut self, pasted: &mut Pasted) -> Vec<EventRow> {
        self.lines = unwrap::sentences(self.lines);
        let year = pasted
            .newest
            .map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).year());
        let texts: Vec<&str> = self.lines.iter().map(|(_, text)| text.as_str()).collect();
        let is_log = matches!(self.command.verb.as_str(), "logs" | "log");
        let mut taken = vec![false; texts.len()];
        if !is_log {
            self.nodes(&texts, year, &mut taken, pasted);
        }
        let mut logs: Vec<PastedLog> = Vec::new();
        let mut loose: Vec<(usize, LooseMessage)> = Vec::new();
        let mut rows = Vec::new();
        let custom = texts.iter().any(|text| is_custom_head(text));
        for (at, text) in texts.iter().enumerate() {
            if taken[at] {
                continue;
            }
            if !is_log && let Some(row) = event_row(text, self.lines[at].0, custom) {
                taken[at] = true;
                rows.push(row);
                continue;
            }
            if let Some(pod) = waiting_pod(text, &self.command) {
                taken[at] = true;
                pasted.partial.push(Partial {
                    origin: Origin::Mention,
                    line: self.lines[at].0,
                    whole: Vec::new(),
                });
                pasted.objects.push(pod);
                continue;
            }
            if !is_log && let Some(message) = loose_message(text, self.lines[at].0) {
                taken[at] = true;
                loose.push((at, message));
                continue;
            }
            self.log_of(&mut logs, text, at);
        }
        for log in logs {
            let lines: Vec<&str> = log.lines.iter().map(String::as_str).collect();
            // What a person's own `kubectl exec` answers is no application's log.
            let session = self.command.verb == "exec";
            if is_log || log.pod.is_some() || (!session && looks_like_log(&lines)) {
                pasted.logs.push(log);
            } else {
                not_understood(pasted, &lines);
            }
        }
        pasted.loose.extend(loose.into_iter().map(|(_, message)| message));
        naming::name(&mut rows, &self.command);
        rows
    }

    /// Node and kernel lines, the ones that need their neighbors included.
    fn nodes(&self, texts: &[&str], year: Option<i16>, taken: &mut [bool], pasted: &mut Pasted) {
        let hint = match (self.command.program.as_str(), self.command.unit.as_deref()) {
            ("dmesg", _) => Some(NodeLog::Kernel),
            (_, Some(unit)) if unit.starts_with("kubelet") => Some(NodeLog::Kubelet),
            (_, Some(unit)) if unit.starts_with("containerd") => Some(NodeLog::Containerd),
            (_, Some(unit)) if unit.starts_with("crio") => Some(NodeLog::Crio),
            (_, Some(unit)) if unit.starts_with("docker") => Some(NodeLog::Dockerd),
            _ => None,
        };
        let mut any_node = hint.is_some();
        let mut any_kernel = hint == Some(NodeLog::Kernel);
        let mut in_value = false;
        for (at, text) in texts.iter().enumerate() {
            let bare = bare_line(text);
            let kernel = bare.sender.as_deref() == Some("kernel")
                || bare.uptime_seconds.is_some()
                || is_kernel_text(&bare.text);
            let is_node = is_node_text(text);
            // The lines of `err=<` belong to the line before them.
            in_value = is_node && text.trim_end().ends_with("=<")
                || (in_value && !is_node && bare.text.starts_with(['\t', ' ']));
            any_kernel |= kernel;
            any_node |= is_node;
            taken[at] = hint.is_some() || kernel || is_node || in_value;
        }
        if any_kernel {
            for mut line in kernel_in_year(texts, year) {
                line.line = self.lines[line.line].0;
                pasted.kernel_lines.push(line);
            }
        }
        if any_node {
            let found = node(texts, hint, year);
            // What tells of trouble and says nothing known is no clean bill.
            let told = found.iter().filter(|line| !line.facts.is_empty());
            let known: Vec<usize> = told.map(|line| line.line).collect();
            for (at, text) in texts.iter().enumerate() {
                if !taken[at] || known.binary_search(&at).is_ok() {
                    continue;
                }
                if hint.is_none() && is_of_container(text) {
                    // Another program than a node's shares the format: its log is an application's.
                    taken[at] = false;
                } else if is_grave(text) || is_loud_text(text) && !is_harmless(text) {
                    not_understood(pasted, &[text]);
                }
            }
            for mut line in found.into_iter().filter(|line| line.origin != NodeLog::Kernel) {
                taken[line.line] = true;
                line.line = self.lines[line.line].0;
                pasted.node_lines.push(line);
            }
        }
    }

    /// Puts a line to the log of its pod and container; a shipper may name them on each line.
    fn log_of(&self, logs: &mut Vec<PastedLog>, text: &str, at: usize) {
        /// More pods at once are a shipper's stream; the rest is one log.
        const LOGS_MAX: usize = 256;
        let bare = bare_line(text);
        let is_log = matches!(self.command.verb.as_str(), "logs" | "log");
        let named = self
            .command
            .name
            .clone()
            .filter(|_| is_log && is_pod(self.command.kind.as_ref()));
        let (namespace, pod) = match bare.pod {
            Some((namespace, pod)) => (Some(namespace).filter(|ns| !ns.is_empty()), Some(pod)),
            None => (None, named),
        };
        let namespace = namespace.or_else(|| self.command.namespace.clone());
        let container = bare
            .container
            .or_else(|| self.command.container.clone().filter(|_| is_log));
        let known = logs
            .iter()
            .rposition(|log| log.pod == pod && log.container == container && log.namespace == namespace);
        let index = match known {
            Some(index) => index,
            None if logs.len() >= LOGS_MAX => LOGS_MAX - 1,
            None => {
                logs.push(PastedLog {
                    namespace,
                    pod,
                    container,
                    previous: is_log && self.command.previous,
                    line: self.lines[at].0,
                    lines: Vec::new(),
                });
                logs.len() - 1
            }
        };
        logs[index].lines.push(text.to_owned());
    }
}

/// `container "app" in pod "web-1" is waiting to start: ImagePullBackOff`, the answer of `kubectl logs`.
fn waiting_pod(text: &str, command: &Command) -> Option<Value> {
    let (head, reason) = text.split_once("is waiting to start: ")?;
    let quoted = |sign: &str| head.split_once(sign)?.1.split('"').next();
    let (container, pod) = (quoted("container \"")?, quoted("in pod \"")?);
    let reason = match reason.trim() {
        "image can't be pulled" | "trying and failing to pull image" => "ImagePullBackOff",
        // Every pod says this for a while.
        "PodInitializing" | "ContainerCreating" => return None,
        reason => reason,
    };
    let plain = !reason.is_empty() && reason.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut object = json::object(&Kind::Pod, command.namespace.as_deref().unwrap_or(""), pod);
    let waiting = serde_json::json!({ "name": container, "state": { "waiting": { "reason": reason } } });
    json::push(&mut object, &["status", "containerStatuses"], waiting);
    json::set(&mut object, &["status", "phase"], "Pending");
    plain.then_some(object)
}

/// `At TIME - event for web-1: {kubelet node-1} FailedMount: message`, as Kubernetes' own tests print events.
fn tested_row(text: &str, line: usize) -> Option<EventRow> {
    let (name, rest) = text.split_once(" - event for ")?.1.split_once(": {")?;
    let (source, rest) = rest.split_once("} ")?;
    let (reason, message) = rest.split_once(": ")?;
    let (component, host) = source.split_once(' ').unwrap_or((source, ""));
    (message::is_reason(reason) && matches!(component, "kubelet" | "default-scheduler")).then(|| EventRow {
        line,
        kind: "Warning".to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        object: Some((Kind::Pod.as_str().to_owned(), name.to_owned())),
        component: Some(component.to_owned()),
        host: Some(host.trim().to_owned()).filter(|host| !host.is_empty()),
        ..EventRow::default()
    })
}

/// `TIME REASON MSG`: the header of custom columns that show events.
fn is_custom_head(text: &str) -> bool {
    let capital = |word: &str| {
        word.bytes()
            .all(|byte| byte.is_ascii_uppercase() || b"-_".contains(&byte))
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    words.len() >= 2 && words.contains(&"REASON") && words.iter().all(|word| capital(word))
}

/// A row of events without its header.
fn event_row(text: &str, line: usize, custom: bool) -> Option<EventRow> {
    let trimmed = text.trim();
    if trimmed.len() < 12 {
        return None;
    }
    let row = events::of_description(&[Line {
        line,
        indent: 0,
        text: trimmed,
        width: 0,
    }])
    .pop();
    row.or_else(|| {
        let mut row = events::table_row_by_words(trimmed)?;
        row.line = line;
        Some(row)
    })
    .or_else(|| tested_row(trimmed, line))
    .or_else(|| {
        // An application's lines may look the same.
        let mut row = custom.then(|| events::bare_row(trimmed)).flatten()?;
        row.line = line;
        Some(row)
    })
}

/// Words that a message reader knows.
fn loose_message(text: &str, line: usize) -> Option<LooseMessage> {
    let trimmed = text.trim();
    if trimmed.len() < 12 {
        return None;
    }
    // What a controller notes in passing of others is no trouble that was reported.
    let noted = is_of_container(trimmed) && trimmed.starts_with('I');
    if noted || is_quoting(trimmed) {
        return None;
    }
    let (time, bare) = crate::log::unwrap_line(trimmed);
    let facts = message::facts("", &bare);
    // A program that may not read something is no creator of pods that is refused.
    let reads = bare.contains("is forbidden: User ") && !bare.contains(" cannot create resource");
    (!facts.is_empty() && !reads).then(|| LooseMessage {
        line,
        text: bare.into_owned(),
        reason: None,
        facts,
        time,
    })
}

/// Lines that an application wrote: several with times, or one that tells why it died.
fn looks_like_log(lines: &[&str]) -> bool {
    let timed = lines
        .iter()
        .take(50)
        .filter(|line| bare_line(line).time.is_some())
        .count();
    timed >= 2
        || lines
            .iter()
            .any(|line| is_of_container(line) || is_access_text(line))
        || application(lines).iter().any(|line| match line.sign {
            AppSign::Finished => false,
            // Words of trouble in any text; a level makes it a log.
            AppSign::Error { .. } => line.standing == Standing::Decisive && is_loud_text(&line.text),
            _ => true,
        })
}

pub(super) fn not_understood(pasted: &mut Pasted, lines: &[&str]) {
    for line in lines.iter().filter(|line| !line.trim().is_empty()) {
        pasted.not_understood_count += 1;
        if pasted.not_understood.len() < SAMPLES_MAX {
            pasted.not_understood.push((*line).to_owned());
        }
    }
}
