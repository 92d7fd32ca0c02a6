//! Which pod and container a node's line is about.

use crate::log::scan::{after, between, word};

use super::{PodKey, Record};

/// The pod and container of a line.
#[derive(Debug, Default)]
pub(super) struct Subject {
    pub(super) pod: Option<PodKey>,
    pub(super) pod_uid: Option<String>,
    pub(super) container: Option<String>,
    pub(super) container_id: Option<String>,
}

/// Reads the fields first, then the words of the message and the error.
pub(super) fn of(record: &Record<'_>) -> Subject {
    let mut subject = Subject::default();
    from_fields(record, &mut subject);
    let error = record.first(&["err", "error"]).unwrap_or("");
    for text in [record.message.as_ref(), error] {
        from_words(text, &mut subject);
    }
    subject
}

fn from_fields(record: &Record<'_>, subject: &mut Subject) {
    if let Some(pod) = record.first(&["pod", "object", "pods"]) {
        let pod = pod.trim_matches(['[', ']', '"']);
        match pod_with_uid(pod) {
            Some((key, uid)) => {
                subject.pod = Some(key);
                subject.pod_uid = Some(uid);
            }
            None => subject.pod = slashed(pod),
        }
    }
    if record.field("object").is_some() && record.field("kind").is_some_and(|kind| kind != "Pod") {
        subject.pod = None;
    }
    subject.pod_uid = record
        .first(&["podUID", "podID", "podUid"])
        .filter(|uid| is_uid(uid))
        .map(str::to_owned)
        .or(subject.pod_uid.take());
    subject.container = record
        .first(&["containerName", "container"])
        .filter(|name| is_label(name))
        .map(str::to_owned);
    if let Some(path) = record.field("fieldPath") {
        subject.container = between(path, "{", "}").map(str::to_owned);
    }
    subject.container_id = [
        "containerID",
        "containerId",
        "container_id",
        "container",
        "id",
        "podSandboxID",
        "sandboxID",
    ]
    .iter()
    .find_map(|key| record.field(key).and_then(container_id));
    if let Some(event) = record.field("event") {
        subject.pod_uid = subject
            .pod_uid
            .take()
            .or_else(|| between(event, "\"ID\":\"", "\"").map(str::to_owned));
        subject.container_id = subject
            .container_id
            .take()
            .or_else(|| between(event, "\"Data\":\"", "\"").and_then(container_id));
    }
}

fn from_words(text: &str, subject: &mut Subject) {
    // containerd: `&PodSandboxMetadata{Name:x,Uid:u,Namespace:n,Attempt:0,}`.
    if let Some(meta) = between(text, "PodSandboxMetadata{", "}") {
        let value = |key: &str| after(meta, key).map(|rest| word(rest, &[',']).to_owned());
        if let (Some(name), Some(namespace)) = (value("Name:"), value("Namespace:")) {
            subject.pod.get_or_insert(PodKey { namespace, name });
        }
        subject.pod_uid = subject.pod_uid.take().or_else(|| value("Uid:"));
    }
    if let Some(name) = between(text, "ContainerMetadata{Name:", ",") {
        subject.container.get_or_insert(name.to_owned());
    }
    // The old event line: `Event(v1.ObjectReference{Kind:"Pod", Namespace:"ns", Name:"x", UID:"u", ...})`.
    if text.contains("ObjectReference{Kind:\"Pod\"") {
        let value = |key: &str| between(text, key, "\"").map(str::to_owned);
        if let (Some(namespace), Some(name)) = (value("Namespace:\""), value(", Name:\"")) {
            subject.pod.get_or_insert(PodKey { namespace, name });
        }
        subject.pod_uid = subject.pod_uid.take().or_else(|| value("UID:\""));
        if let Some(container) =
            between(text, "spec.containers{", "}").or_else(|| between(text, "spec.initContainers{", "}"))
        {
            subject.container.get_or_insert(container.to_owned());
        }
    }
    if subject.pod.is_none() || subject.pod_uid.is_none() {
        if let Some((key, uid)) = pod_with_uid(text) {
            subject.pod.get_or_insert(key);
            subject.pod_uid.get_or_insert(uid);
        } else if let Some(rest) = after(text, "pod=").or_else(|| after(text, "in Pod \"")) {
            if let Some(key) = slashed(word(rest, &[',', ')', '"'])) {
                subject.pod.get_or_insert(key);
            }
        } else if let (Some(name), Some(uid)) =
            (between(text, ") pod \"", "\""), between(text, "(UID: \"", "\""))
        {
            // Volume operations name the pod without its namespace.
            subject.pod.get_or_insert(PodKey {
                namespace: String::new(),
                name: name.to_owned(),
            });
            subject.pod_uid.get_or_insert(uid.to_owned());
        }
    }
    // `Liveness probe for "name_ns(uid):container" failed`.
    if subject.container.is_none() {
        // `container app start failed in pod`, `init container prepare start failed in pod`.
        let by_start = text
            .split_once(" start failed in pod")
            .and_then(|(head, _)| head.rsplit_once("container "));
        let by_start = by_start.map(|(_, name)| name);
        let by_probe = after(text, "):")
            .map(|rest| word(rest, &['"', ' ']))
            .filter(|_| text.contains(" probe for "));
        let by_words = [
            "StartContainer\" for \"",
            "for Container \"",
            "container \"",
            "container=",
        ]
        .iter()
        .find_map(|sign| after(text, sign))
        .map(|rest| word(rest, &['"', ',', ':']));
        subject.container = by_start
            .or(by_probe)
            .or(by_words)
            .filter(|name| is_label(name))
            .map(str::to_owned);
    }
    if subject.container_id.is_none() {
        subject.container_id = [
            "container \"",
            "sandbox \"",
            "for \"",
            "ContainerID:",
            "container_id:\"",
            "containers/",
            "://",
        ]
        .iter()
        .find_map(|sign| after(text, sign).and_then(container_id));
    }
}

/// `name_ns(uid)` anywhere in the text.
pub(crate) fn pod_with_uid(text: &str) -> Option<(PodKey, String)> {
    let mut from = 0;
    while let Some(at) = text[from..].find('(') {
        let open = from + at;
        from = open + 1;
        let Some(uid) = text.get(open + 1..open + 37).filter(|uid| is_uid(uid)) else {
            continue;
        };
        let head = &text[..open];
        let start = head
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || "-._".contains(c)))
            .map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8));
        if let Some((name, namespace)) = head[start..].rsplit_once('_')
            && !name.is_empty()
            && is_label(namespace)
        {
            let key = PodKey {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            };
            return Some((key, uid.to_owned()));
        }
    }
    None
}

fn slashed(text: &str) -> Option<PodKey> {
    let (namespace, name) = text.split_once('/')?;
    (is_label(namespace) && !name.is_empty() && !name.contains(['/', ' '])).then(|| PodKey {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !(text.len() > 60 && text.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A uid, or a static pod's 32 digits.
fn is_uid(text: &str) -> bool {
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    hex && (text.len() == 36 && text.matches('-').count() == 4 || text.len() == 32)
}

/// 64 hexadecimal digits at the start, after a runtime's `containerd://` or inside `{"Type":..,"ID":".."}`.
fn container_id(text: &str) -> Option<String> {
    let text = text.rsplit_once("://").map_or(text, |(_, id)| id);
    let text = after(text, "\"ID\":\"")
        .unwrap_or(text)
        .trim_start_matches(['"', '\\']);
    let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    (digits == 64).then(|| text[..64].to_owned())
}
