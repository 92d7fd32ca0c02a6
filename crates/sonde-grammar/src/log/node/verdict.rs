//! What a node's line says.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::fact::{EvictionFact, Fact, HookFact, HookKind, KillReason, NodeFact, RuntimeFact};
use crate::log::scan::{after, between, number, quoted, signed, word};
use crate::message;

use super::klog::loose;
use super::subject::Subject;
use super::{NodeLog, Record};

/// What earlier lines said that later ones need.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// The resource for which the eviction manager looks for a victim, and since when.
    reclaiming: Option<(String, Option<Timestamp>)>,
}

/// What the line says; `None` for a line that a healthy node writes too.
pub(super) fn facts(
    record: &Record<'_>,
    subject: &Subject,
    origin: NodeLog,
    context: &mut Context,
) -> Option<Vec<Fact>> {
    let error = record.first(&["err", "error"]).unwrap_or("");
    let message = record.message.as_ref();
    if origin == NodeLog::Kubelet && is_harmless(record, message, error) {
        return None;
    }
    let mut found = Vec::new();
    match origin {
        NodeLog::Kubelet => kubelet(record, message, error, subject, context, &mut found),
        _ => runtime(record, message, error, &mut found),
    }
    Some(found)
}

fn kubelet(
    record: &Record<'_>,
    message: &str,
    error: &str,
    subject: &Subject,
    context: &mut Context,
    found: &mut Vec<Fact>,
) {
    if let Some(fact) = eviction(record, message, context).or_else(|| hook(record, message, error)) {
        found.push(fact);
        return;
    }
    if let Some(fact) = ending(record, message, subject) {
        found.push(fact);
        return;
    }
    if event(record, message, found) || probe(record, message, error, found) || nested(message, error, found)
    {
        return;
    }
    // `x failed: y` in one text (old), or the error beside the message.
    let (reason, text) = match MESSAGES
        .iter()
        .find(|(sign, _)| message.contains(sign) || error.contains(sign))
    {
        Some((sign, reason)) => {
            let own = after(message, sign).unwrap_or(message);
            (*reason, if error.is_empty() { own } else { error })
        }
        None => ("", ""),
    };
    if !text.is_empty() {
        let text = loose(text.trim_start_matches([':', ' ']));
        found.extend(message::facts(reason, &text));
        if !found.is_empty() {
            return;
        }
    }
    if message == "Node became not ready" {
        found.extend(became_not_ready(record));
        return;
    }
    if let Some(fact) = about_node(record, message, error) {
        found.push(fact);
    } else if record.error && (subject.pod.is_some() || subject.pod_uid.is_some()) {
        let text = if error.is_empty() { message } else { error };
        found.extend(message::facts("", &loose(text)));
    }
}

/// `condition={"type":"Ready","status":"False","reason":…,"message":…}`: that it is not ready, and what it says of that.
fn became_not_ready(record: &Record<'_>) -> Vec<Fact> {
    let condition = record.first(&["condition"]).unwrap_or("");
    let ready: serde_json::Value = serde_json::from_str(condition).unwrap_or_default();
    let mut found = vec![Fact::Node(NodeFact::NotReady)];
    // Older kubelets print the fields of the structure instead.
    match (ready["reason"].as_str(), ready["message"].as_str()) {
        (Some(reason), Some(words)) => found.extend(message::facts(reason, words)),
        _ => found.extend(message::facts("KubeletNotReady", condition)),
    }
    found
}

/// Messages of the kubelet, with the event reason under which the same error is known.
const MESSAGES: &[(&str, &str)] = &[
    (
        "RunPodSandbox from runtime service failed",
        "FailedCreatePodSandBox",
    ),
    ("CreatePodSandbox for pod", "FailedCreatePodSandBox"),
    ("Failed to create sandbox for pod", "FailedCreatePodSandBox"),
    ("CreateContainer in sandbox", "CreateContainerError"),
    ("StartContainer from runtime service failed", "RunContainerError"),
    ("StartContainer \"", "RunContainerError"),
    ("PullImage from image service failed", "ErrImagePull"),
    ("PullImage \"", "ErrImagePull"),
    ("Failed to pull image", "ErrImagePull"),
    ("Unable to attach or mount volumes", "FailedMount"),
    ("Unable to mount volumes for pod", "FailedMount"),
    ("MountVolume.", "FailedMount"),
    ("container start failed in pod", ""),
    ("start failed in pod", ""),
    ("Failed to admit pod", ""),
    ("Couldn't get configMap", "FailedMount"),
    ("Couldn't get secret", "FailedMount"),
    (
        "Unable to retrieve pull secret",
        "FailedToRetrieveImagePullSecret",
    ),
    ("Failed to ensure that the pod", "FailedCreatePodContainer"),
    // The scheduler's and the API server's.
    ("Unable to schedule pod; no fit", "FailedScheduling"),
    ("Failed calling webhook, failing closed", ""),
];

/// Lines of a healthy kubelet: its first seconds, drivers that it tries and does not need, the API's answer about
/// pods that are gone, and patches that quote a whole status.
pub(super) fn is_harmless(record: &Record<'_>, message: &str, error: &str) -> bool {
    const SIGNS: [&str; 7] = [
        "no relationship found between node",
        "pleg has yet to be successful",
        "container factory failed",
        "status check may not have completed yet",
        // A container that was removed while it was asked for.
        "could not find container",
        "try to find container",
        "No such container",
    ];
    record.file == "status_manager.go"
        || SIGNS.iter().any(|sign| {
            (message.contains(sign) || error.contains(sign)) && !error.contains("was last seen active")
        })
}

/// `"Event occurred" object=.. reason=.. message=..`, and `Event(v1.ObjectReference{..}): type: 'Warning' reason: 'X' text`.
fn event(record: &Record<'_>, message: &str, found: &mut Vec<Fact>) -> bool {
    if matches!(message, "Event occurred" | "Pod admission denied") {
        let (reason, text) = (
            record.field("reason").unwrap_or(""),
            record.field("message").unwrap_or(""),
        );
        found.extend(message::facts(reason, text));
        return true;
    }
    if message.starts_with("Event(")
        && let Some(rest) = after(message, "reason: '")
        && let Some((reason, text)) = rest.split_once('\'')
    {
        found.extend(message::facts(reason, text.trim_start()));
        return true;
    }
    false
}

/// Probe results, written as their event would be.
fn probe(record: &Record<'_>, message: &str, error: &str, found: &mut Vec<Fact>) -> bool {
    let verb = match message {
        "Probe failed" => "failed",
        "Probe errored" => "errored",
        _ => {
            // Old: `Liveness probe for "name_ns(uid):container" failed (failure): output`.
            for kind in ["Liveness", "Readiness", "Startup"] {
                let Some(rest) = message
                    .strip_prefix(kind)
                    .and_then(|rest| rest.strip_prefix(" probe for \""))
                else {
                    continue;
                };
                let Some((_, rest)) = rest.split_once("\" ") else {
                    return true;
                };
                let verb = word(rest, &[':']);
                let output = rest.split_once(": ").map_or("", |(_, output)| output);
                found.extend(message::facts(
                    "Unhealthy",
                    &format!("{kind} probe {verb}: {output}"),
                ));
                return true;
            }
            return false;
        }
    };
    let kind = record.field("probeType").unwrap_or("");
    let output = record.field("output").unwrap_or(error);
    found.extend(message::facts(
        "Unhealthy",
        &format!("{kind} probe {verb}: {output}"),
    ));
    true
}

/// `failed to "StartContainer" for "app" with ErrImagePull: "inner"`, possibly several in brackets; also the volume
/// operations of nestedpendingoperations.
fn nested(message: &str, error: &str, found: &mut Vec<Fact>) -> bool {
    const NESTED_MAX: usize = 8;
    let text = if error.is_empty() { message } else { error };
    if text.contains("No retries permitted until") || text.contains("durationBeforeRetry") {
        if let Some(inner) = after(text, "Error: ").or_else(|| after(text, "rror: ")) {
            let inner = match quoted(inner) {
                Some((inner, _)) => inner,
                None => loose(inner),
            };
            found.extend(message::facts("FailedMount", &inner));
        }
        return true;
    }
    let mut rest = text;
    let mut any = false;
    for _ in 0..NESTED_MAX {
        let Some(next) = after(rest, "failed to \"") else {
            break;
        };
        let Some((step, tail)) = next.split_once('"') else {
            break;
        };
        let Some(tail) = after(tail, " with ") else { break };
        let reason = word(tail, &[':', ']', ',']);
        let (inner, len) = match after(tail, ": ").and_then(quoted) {
            Some(inner) => inner,
            None => (Cow::Borrowed(tail), tail.len()),
        };
        any = true;
        let reason = match (step, reason) {
            ("CreatePodSandbox" | "RunPodSandbox", _) => "FailedCreatePodSandBox",
            ("KillPodSandbox" | "KillContainer", _) => "FailedKillPod",
            (_, reason) => reason,
        };
        found.extend(message::facts(reason, &loose(&inner)));
        let skip = tail.len().min(reason.len() + len);
        rest = tail.get(skip..).unwrap_or("");
    }
    any
}

fn eviction(record: &Record<'_>, message: &str, context: &mut Context) -> Option<Fact> {
    if !message.starts_with("Eviction manager") && !message.starts_with("eviction manager") {
        return None;
    }
    if let Some(rest) =
        after(message, "must evict pod(s) to reclaim").or_else(|| after(message, "ttempting to reclaim"))
    {
        let must = message.contains("must evict");
        let resource = record.field("resourceName").unwrap_or(rest.trim()).to_owned();
        if must {
            context.reclaiming = Some((resource.clone(), record.time));
        }
        return Some(Fact::Node(NodeFact::Reclaiming { resource }));
    }
    if message.contains("evicted successfully") {
        // Without the line before it, the pod broke a limit of its own, which its event names.
        return Some(Fact::Eviction(EvictionFact::NodePressure {
            resource: context
                .reclaiming
                .take()
                .filter(|(_, since)| is_soon_after(*since, record.time))?
                .0,
            threshold: None,
            available: None,
            over_request: Vec::new(),
        }));
    }
    None
}

/// The kubelet kills a victim within its grace; a line much later is of another eviction.
fn is_soon_after(then: Option<Timestamp>, now: Option<Timestamp>) -> bool {
    const SECONDS_MAX: i64 = 60;
    match (then, now) {
        (Some(then), Some(now)) => now.duration_since(then).as_secs() <= SECONDS_MAX,
        _ => true,
    }
}

/// The detail of a hook's failure, which events from 1.26 on do not carry.
fn hook(record: &Record<'_>, message: &str, error: &str) -> Option<Fact> {
    if message.contains("PreStop hook not completed in grace period") {
        return Some(Fact::Hook(HookFact {
            hook: HookKind::PreStop,
            container: record.field("containerName").map(str::to_owned),
            command: None,
            exit_code: None,
            overran: true,
            command_missing: false,
            detail: None,
        }));
    }
    let lifecycle = message.contains("lifecycle hook");
    let preset = [
        "PreStop hook failed",
        "PostStart hook failed",
        "PostStartHook",
        "PreStopHook",
    ]
    .iter()
    .any(|sign| message.contains(sign));
    if !lifecycle && !preset {
        return None;
    }
    let reason = if message.contains("PreStop") {
        "FailedPreStopHook"
    } else {
        "FailedPostStartHook"
    };
    let command = record
        .first(&["execCommand", "path", "url"])
        .map(str::to_owned)
        .or_else(|| between(message, "hook (", ")").map(str::to_owned))
        .or_else(|| between(error, "command '", "' exited").map(str::to_owned));
    let inner_error = if error.is_empty() {
        after(message, "error: ").unwrap_or(message)
    } else {
        error
    };
    let detail = record
        .field("message")
        .map(|output| format!("{inner_error} {output}"))
        .unwrap_or_else(|| inner_error.to_owned());
    let exit_code = after(&detail, "exited with ")
        .and_then(signed)
        .and_then(|code| i32::try_from(code).ok());
    let missing = [
        "executable file not found",
        "no such file or directory",
        "not found",
    ]
    .iter()
    .any(|sign| detail.contains(sign));
    let container = record
        .field("containerName")
        .map(str::to_owned)
        .or_else(|| between(message, "Container \"", "\"").map(str::to_owned));
    // The kubelet does not say here which of the two hooks it was; the postStart one is what stops a start.
    let hook = if reason == "FailedPreStopHook" {
        HookKind::PreStop
    } else {
        HookKind::PostStart
    };
    Some(Fact::Hook(HookFact {
        hook,
        container,
        command,
        exit_code,
        overran: false,
        command_missing: missing && exit_code.is_none_or(|code| code == 126 || code == 127),
        detail: Some(detail.trim().to_owned()),
    }))
}

/// Kills and ends of containers.
fn ending(record: &Record<'_>, message: &str, subject: &Subject) -> Option<Fact> {
    if let Some(text) = record.field("containerMessage") {
        return message::facts("Killing", text).into_iter().next();
    }
    if message.starts_with("SyncLoop (probe)") && record.field("status") == Some("unhealthy") {
        let reason = match record.field("probe") {
            Some("liveness") => KillReason::Liveness,
            Some("startup") => KillReason::Startup,
            _ => return None,
        };
        return Some(Fact::Killing {
            container: subject.container.clone(),
            reason,
        });
    }
    if message.starts_with("Killing container with a grace period")
        || message.starts_with("Killing unwanted container")
    {
        let grace = record.field("gracePeriod").and_then(number);
        return Some(Fact::Runtime(RuntimeFact::StopAsked { grace_seconds: grace }));
    }
    if message.starts_with("Killing container \"")
        && let Some(rest) = after(message, "\" with ")
    {
        return Some(Fact::Runtime(RuntimeFact::StopAsked {
            grace_seconds: number(rest),
        }));
    }
    if message.contains("container finished") {
        let code = record
            .field("exitCode")
            .and_then(signed)
            .and_then(|code| i32::try_from(code).ok());
        return Some(Fact::Runtime(RuntimeFact::Exited { exit_code: code }));
    }
    let died = record
        .field("event")
        .is_some_and(|event| event.contains("ContainerDied"));
    (died && message.starts_with("SyncLoop (PLEG)"))
        .then_some(Fact::Runtime(RuntimeFact::Exited { exit_code: None }))
}

/// What the kubelet says about its node.
fn about_node(record: &Record<'_>, message: &str, error: &str) -> Option<Fact> {
    let has = |sign: &str| message.contains(sign) || error.contains(sign);
    let any = |signs: &[&str]| signs.iter().any(|sign| has(sign));
    let detail = || {
        let joined = if error.is_empty() {
            message.to_owned()
        } else {
            format!("{message}: {error}")
        };
        joined.trim().to_owned()
    };
    // One line may tell several states; a runtime that is down is the root of the others.
    let fact = if has("container runtime is down") {
        NodeFact::RuntimeDown { detail: detail() }
    } else if has("PLEG is not healthy") {
        NodeFact::PlegUnhealthy { detail: detail() }
    } else if any(&[
        "NetworkPluginNotReady",
        "cni plugin not initialized",
        "cni config uninitialized",
        "runtime network not ready",
    ]) {
        NodeFact::NetworkNotReady { detail: detail() }
    } else if any(&[
        "client certificate is expired",
        "bootstrap client certificate",
        "client certificate has expired",
    ]) || (talks_to_api(record, message) && has("certificate has expired"))
    {
        NodeFact::Certificate { detail: detail() }
    } else if any(&[
        "Container runtime not ready",
        "ontainer runtime sanity check failed",
        "RuntimeReady=false",
        ".sock: connect: connection refused",
        ".sock: connect: no such file or directory",
        "ontainer runtime status check may not have completed",
    ]) {
        NodeFact::RuntimeDown { detail: detail() }
    } else if any(&[
        "failed to garbage collect required amount",
        "Image garbage collection failed",
        "mage garbage collection failed",
    ]) {
        NodeFact::FreeDiskFailed { detail: detail() }
    } else if any(&["System OOM encountered", "Got sys oom event"]) {
        NodeFact::SystemOom {
            process: after(message, "victim process: ").map(|rest| word(rest, &[',']).to_owned()),
            pid: after(message, "pid: ")
                .and_then(number)
                .and_then(|pid| u32::try_from(pid).ok()),
        }
    } else if message == "Started kubelet" || message == "Starting kubelet." {
        NodeFact::KubeletStarted
    } else if any(&[
        "Shutdown manager detected new shutdown event",
        "manager processing shutdown event",
    ]) {
        NodeFact::ShuttingDown
    } else if talks_to_api(record, message) && any(&["forbidden", "Unauthorized", "must be logged in"]) {
        NodeFact::ApiForbidden { detail: detail() }
    } else if talks_to_api(record, message)
        && any(&[
            "connection refused",
            "i/o timeout",
            "no route to host",
            "deadline exceeded",
            "Client.Timeout",
            "no such host",
            "EOF",
            "timed out",
            "connection reset",
        ])
    {
        NodeFact::ApiUnreachable { detail: detail() }
    } else {
        return None;
    };
    Some(Fact::Node(fact))
}

/// The line is about the kubelet's own talk with the API server.
fn talks_to_api(record: &Record<'_>, message: &str) -> bool {
    const FILES: [&str; 6] = [
        "reflector.go",
        "kubelet_node_status.go",
        "controller.go",
        "certificate_manager.go",
        "event.go",
        "csi_plugin.go",
    ];
    const MESSAGES: [&str; 8] = [
        "Unable to register node",
        "pdating node status",
        "update node status",
        "update lease",
        "ensure lease exists",
        "ensure node lease exists",
        "Unable to write event",
        "ailed to list *v1",
    ];
    FILES.contains(&record.file) || MESSAGES.iter().any(|sign| message.contains(sign))
}

/// containerd, CRI-O, dockerd.
fn runtime(record: &Record<'_>, message: &str, error: &str, found: &mut Vec<Fact>) {
    /// The request, with the event reason under which its error is known.
    const REQUESTS: &[(&str, &str)] = &[
        ("RunPodSandbox", "FailedCreatePodSandBox"),
        ("CreateContainer within sandbox", "CreateContainerError"),
        ("Container creation error", "CreateContainerError"),
        ("StartContainer for", "RunContainerError"),
        ("PullImage \"", "ErrImagePull"),
        ("/start returned error: ", "RunContainerError"),
        ("/containers/create", "CreateContainerError"),
        ("/images/create", "ErrImagePull"),
        ("ttempting next endpoint for pull after error: ", "ErrImagePull"),
    ];
    if let Some(fact) = runtime_event(record, message) {
        found.push(Fact::Runtime(fact));
        return;
    }
    if !record.error {
        return;
    }
    for (sign, reason) in REQUESTS {
        let Some(tail) = after(message, sign) else {
            continue;
        };
        let text = if !error.is_empty() {
            error
        } else {
            after(tail, "returned error: ")
                .or_else(|| after(tail, "failed: "))
                .unwrap_or(tail)
        };
        found.extend(message::facts(reason, text));
        return;
    }
    if message.contains("cni config") || message.contains("cni plugin not initialized") {
        let detail = if error.is_empty() {
            message.to_owned()
        } else {
            format!("{message}: {error}")
        };
        found.push(Fact::Node(NodeFact::NetworkNotReady { detail }));
    } else {
        found.extend(message::facts("", if error.is_empty() { message } else { error }));
    }
}

fn runtime_event(record: &Record<'_>, message: &str) -> Option<RuntimeFact> {
    let exit_code = |text: &str| {
        ["ExitStatus:", "exit_status:", "exitStatus=", "exitCode="]
            .iter()
            .find_map(|sign| after(text, sign))
            .and_then(signed)
            .and_then(|code| i32::try_from(code).ok())
    };
    if message.contains("TaskOOM event")
        || message.contains("OOM detected")
        || record.field("event") == Some("oom")
    {
        return Some(RuntimeFact::OomEvent);
    }
    if message.contains("TaskExit event") || message.contains("received exit event") {
        return Some(RuntimeFact::Exited {
            exit_code: exit_code(message),
        });
    }
    if message.contains("StopContainer for \"") && message.contains("with timeout") {
        return Some(RuntimeFact::StopAsked {
            grace_seconds: after(message, "with timeout ").and_then(number),
        });
    }
    // dockerd: `Container failed to exit within 30s of signal 15 - using the force`.
    if message.contains("failed to exit within") {
        return Some(RuntimeFact::Signalled {
            signal: "killed".into(),
        });
    }
    if message.starts_with("Stop container \"") || message.starts_with("Kill container \"") {
        let signal = after(message, "with signal ").map_or("killed", |rest| word(rest, &['"']));
        return Some(RuntimeFact::Signalled {
            signal: signal.to_owned(),
        });
    }
    let started = message.starts_with("containerd successfully booted")
        || message.starts_with("Starting CRI-O, version")
        || message.starts_with("Daemon has completed initialization")
        || message.starts_with("API listen on");
    started.then_some(RuntimeFact::RuntimeStarted)
}
