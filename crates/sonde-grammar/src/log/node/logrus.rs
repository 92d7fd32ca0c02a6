//! logrus: the format of containerd, CRI-O and dockerd.

use std::borrow::Cow;

use crate::log::scan::pairs;
use crate::log::time;

use super::{NodeLog, Record};

/// `time="2026-11-21T12:31:01Z" level=error msg="..." error="..."`.
pub(super) fn record(text: &str) -> Option<Record<'_>> {
    if !(text.starts_with("time=") || text.starts_with("level=")) || !text.contains("msg=") {
        return None;
    }
    let mut record = Record::default();
    for (key, value) in pairs(text) {
        match key {
            "time" => record.time = time::iso(&value).map(|(time, _)| time),
            "level" => record.error = !matches!(value.as_ref(), "info" | "debug" | "trace"),
            "msg" => record.message = value,
            _ => record.fields.push((Cow::Borrowed(key), value)),
        }
    }
    (!record.message.is_empty()).then_some(record)
}

/// Who wrote it, by words that only one of them uses; containerd and CRI-O share the format with many programs.
pub(super) fn origin(record: &Record<'_>) -> Option<NodeLog> {
    const CONTAINERD: [&str; 18] = [
        "&PodSandboxMetadata{",
        "&ContainerMetadata{",
        "for container &",
        "PullImage \"",
        "StartContainer for \"",
        "StopContainer for \"",
        "RunPodSandbox ",
        "TaskOOM event",
        "TaskExit event",
        "shim disconnected",
        "cleaning up dead shim",
        "Kill container \"",
        "Stop container \"",
        "ExecSync for \"",
        "RemoveContainer for \"",
        "received exit event",
        "containerd successfully booted",
        "starting containerd",
    ];
    const DOCKERD: [&str; 4] = [
        "Handler for POST",
        "Handler for GET",
        "Attempting next endpoint for pull",
        "ignoring event",
    ];
    let message = record.message.as_ref();
    if CONTAINERD.iter().any(|sign| message.contains(sign))
        || record
            .field("runtime")
            .is_some_and(|r| r.starts_with("io.containerd"))
    {
        return Some(NodeLog::Containerd);
    }
    if DOCKERD.iter().any(|sign| message.contains(sign)) {
        return Some(NodeLog::Dockerd);
    }
    let crio_file = record.field("file").is_some_and(|file| {
        ["server/", "oci/", "storage/", "hostport/", "sandbox_"]
            .iter()
            .any(|f| file.contains(f))
    });
    let crio_id = record.field("id").is_some_and(|id| id.len() == 36)
        && record.field("name").is_some_and(|name| name.starts_with('/'));
    (crio_file || crio_id).then_some(NodeLog::Crio)
}
