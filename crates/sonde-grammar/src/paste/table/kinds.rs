//! The columns of each kind.

use serde_json::{Value, json};
use sonde_model::Kind;

use super::TableObject;
use crate::message::is_rejection;
use crate::paste::age;
use crate::paste::describe::long_mode;
use crate::paste::json::{boolean, is_none, number_or_text, push, set};

type Cell<'c, 'a> = &'c dyn Fn(&str) -> Option<&'a str>;

/// Sets what a row shows.
pub(super) fn fill(kind: &Kind, cell: Cell<'_, '_>, found: &mut TableObject) {
    match kind {
        Kind::Pod => pod(cell, found),
        Kind::Node => node(cell, &mut found.object),
        Kind::PersistentVolumeClaim | Kind::PersistentVolume => storage(kind, cell, &mut found.object),
        Kind::ResourceQuota => quota(cell, &mut found.object),
        Kind::Service => service(cell, &mut found.object),
        Kind::Endpoints => {
            let addresses: Vec<Value> = cell("ENDPOINTS")
                .into_iter()
                .flat_map(|text| text.split(','))
                .filter(|text| !is_none(text))
                .filter_map(|text| text.rsplit_once(':').map(|(ip, _)| json!({ "ip": ip })))
                .collect();
            let subsets = if addresses.is_empty() {
                json!([])
            } else {
                json!([{ "addresses": addresses }])
            };
            set(&mut found.object, &["subsets"], subsets);
        }
        _ => workload(kind, cell, &mut found.object),
    }
}

fn pod(cell: Cell<'_, '_>, found: &mut TableObject) {
    let object = &mut found.object;
    if let Some(node) = cell("NODE").filter(|node| !is_none(node)) {
        set(object, &["spec", "nodeName"], node);
    }
    if let Some(ip) = cell("IP").filter(|ip| !is_none(ip)) {
        set(object, &["status", "podIP"], ip);
    }
    if let Some(node) = cell("NOMINATED NODE").filter(|node| !is_none(node)) {
        set(object, &["status", "nominatedNodeName"], node);
    }
    // `214 (3m ago)`, from 1.22 on.
    let last_restart = cell("RESTARTS")
        .and_then(|text| text.split_once('(')?.1.split_once(" ago"))
        .and_then(|(text, _)| age::seconds(text));
    if let Some(seconds) = last_restart {
        set(object, &["metadata", "restartAgeSeconds"], seconds);
    }
    let restarts = cell("RESTARTS").and_then(|text| text.split(' ').next()?.parse::<i64>().ok());
    let (ready, total) = cell("READY")
        .and_then(|text| text.split_once('/'))
        .and_then(|(ready, total)| Some((ready.parse::<u32>().ok()?, total.parse::<u32>().ok()?)))
        .map_or((None, None), |(ready, total)| (Some(ready), Some(total)));
    if let (Some(ready), Some(total)) = (ready, total) {
        let state = if ready == total && total > 0 {
            "True"
        } else {
            "False"
        };
        push(
            object,
            &["status", "conditions"],
            json!({ "type": "ContainersReady", "status": state }),
        );
    }
    let Some(status) = cell("STATUS") else { return };
    let (init, word) = status
        .strip_prefix("Init:")
        .map_or((false, status), |word| (true, word));
    let statuses = if init {
        "initContainerStatuses"
    } else {
        "containerStatuses"
    };
    // The container's name is not in the table.
    let mut container = json!({ "name": "" });
    if let Some(count) = restarts {
        set(&mut container, &["restartCount"], count);
    }
    let shown = Shown::of(word, init);
    if let Some(phase) = shown.phase() {
        set(object, &["status", "phase"], phase);
    }
    match shown {
        Shown::Phase(_) => return,
        Shown::Lost | Shown::Failed => {
            set(object, &["status", "reason"], word);
            return;
        }
        Shown::Deleted => {
            // Since when is not told: it counts as begun now. Without any clock the word is all there is.
            found.ages.push((vec!["metadata", "deletionTimestamp"], 0));
            set(object, &["status", "reason"], word);
            return;
        }
        Shown::Gated => {
            let condition = json!({ "type": "PodScheduled", "status": "False", "reason": "SchedulingGated" });
            push(object, &["status", "conditions"], condition);
            return;
        }
        Shown::Runs => {
            let unready = ready.zip(total).is_some_and(|(ready, total)| ready < total);
            if !unready && total != Some(1) && restarts.is_none_or(|count| count == 0) {
                return;
            }
            // Of several it is not told which one is not ready.
            if !unready || total == Some(1) {
                set(&mut container, &["ready"], !unready && ready.is_some());
            }
            set(&mut container, &["state", "running"], json!({}));
        }
        // Init containers have a status only once the kubelet has taken the pod. Which of them it is that has not
        // ended, and whether it runs, is not told.
        Shown::InitGoesOn => {
            let scheduled = json!({ "type": "PodScheduled", "status": "True" });
            push(object, &["status", "conditions"], scheduled);
        }
        Shown::Ended => set(&mut container, &["state", "terminated", "reason"], word),
        Shown::EndedWith(field, number) => set(&mut container, &["state", "terminated", field], number),
        Shown::Waits { .. } => set(&mut container, &["state", "waiting", "reason"], word),
    }
    push(object, &["status", statuses], container);
}

/// What a word in the column STATUS is taken from (`pkg/printers/internalversion/printers.go`, `printPod`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// `status.phase`.
    Phase(&'static str),
    /// `status.reason` of a pod that failed as a whole.
    Failed,
    /// `status.reason` of a pod whose node is lost.
    Lost,
    /// `metadata.deletionTimestamp`.
    Deleted,
    /// The condition `PodScheduled`.
    Gated,
    /// Containers run, not all of them ready perhaps.
    Runs,
    /// `Init:1/2`.
    InitGoesOn,
    /// `state.terminated.reason` of a container.
    Ended,
    /// Another field of `state.terminated`.
    EndedWith(&'static str, i64),
    /// `state.waiting.reason` of a container, which has not run unless `ran`.
    Waits { ran: bool },
}

/// Reasons of pods that failed as a whole: of evictions, deadlines, shutdowns, preemptions.
const FAILED: &[&str] = &[
    "Evicted",
    "DeadlineExceeded",
    "Preempting",
    "Shutdown",
    "NodeShutdown",
    "Terminated",
];

impl Shown {
    fn of(word: &str, init: bool) -> Self {
        match word {
            "Completed" if init => Shown::Ended,
            "Error" | "OOMKilled" | "ContainerCannotRun" | "StartError" | "ContainerStatusUnknown" => {
                Shown::Ended
            }
            "CrashLoopBackOff" => Shown::Waits { ran: true },
            _ if init && word.contains('/') => Shown::InitGoesOn,
            _ if init => Self::numbered(word).unwrap_or(Shown::Waits { ran: false }),
            "Pending" => Shown::Phase("Pending"),
            "Completed" | "Succeeded" => Shown::Phase("Succeeded"),
            "Failed" => Shown::Phase("Failed"),
            "Unknown" => Shown::Phase("Unknown"),
            "Running" | "NotReady" => Shown::Runs,
            "NodeLost" => Shown::Lost,
            "Terminating" => Shown::Deleted,
            "SchedulingGated" => Shown::Gated,
            _ if FAILED.contains(&word) || is_rejection(word) => Shown::Failed,
            _ => Self::numbered(word).unwrap_or(Shown::Waits { ran: false }),
        }
    }

    /// `ExitCode:1`, `Signal:9`.
    fn numbered(word: &str) -> Option<Self> {
        let (name, number) = word.split_once(':')?;
        let field = match name {
            "ExitCode" => "exitCode",
            "Signal" => "signal",
            _ => return None,
        };
        Some(Shown::EndedWith(field, number.parse().ok()?))
    }

    /// The phase, where only one has such a word; a container that ended may be of a pod that runs, or failed.
    fn phase(self) -> Option<&'static str> {
        match self {
            Shown::Phase(phase) => Some(phase),
            Shown::Failed => Some("Failed"),
            Shown::Gated | Shown::InitGoesOn | Shown::Waits { ran: false } => Some("Pending"),
            Shown::Runs => Some("Running"),
            Shown::Lost
            | Shown::Deleted
            | Shown::Ended
            | Shown::EndedWith(..)
            | Shown::Waits { ran: true } => None,
        }
    }
}

fn node(cell: Cell<'_, '_>, object: &mut Value) {
    // `Ready,SchedulingDisabled`, `NotReady`, `Unknown`.
    for word in cell("STATUS").into_iter().flat_map(|text| text.split(',')) {
        match word {
            "SchedulingDisabled" => set(object, &["spec", "unschedulable"], true),
            "Ready" | "NotReady" => {
                let state = if word == "Ready" { "True" } else { "False" };
                push(
                    object,
                    &["status", "conditions"],
                    json!({ "type": "Ready", "status": state }),
                );
            }
            _ => {}
        }
    }
    for (column, path) in [
        ("VERSION", &["status", "nodeInfo", "kubeletVersion"] as &[&str]),
        ("KERNEL-VERSION", &["status", "nodeInfo", "kernelVersion"]),
        (
            "CONTAINER-RUNTIME",
            &["status", "nodeInfo", "containerRuntimeVersion"],
        ),
    ] {
        if let Some(value) = cell(column) {
            set(object, path, value);
        }
    }
}

fn storage(kind: &Kind, cell: Cell<'_, '_>, object: &mut Value) {
    let is_claim = *kind == Kind::PersistentVolumeClaim;
    match cell("STATUS") {
        Some("Terminating") | None => {}
        Some(phase) => set(object, &["status", "phase"], phase),
    }
    if let Some(volume) = cell("VOLUME").filter(|_| is_claim) {
        set(object, &["spec", "volumeName"], volume);
    }
    if let Some(class) = cell("STORAGECLASS").filter(|class| !is_none(class)) {
        set(object, &["spec", "storageClassName"], class);
    }
    for mode in cell("ACCESS MODES").into_iter().flat_map(|text| text.split(',')) {
        push(object, &["spec", "accessModes"], long_mode(mode).into());
    }
    if let Some(claim) = cell("CLAIM").and_then(|text| text.split_once('/')) {
        set(
            object,
            &["spec", "claimRef"],
            json!({ "kind": "PersistentVolumeClaim", "namespace": claim.0, "name": claim.1 }),
        );
    }
    if let Some(capacity) = cell("CAPACITY") {
        let path: &[&str] = if is_claim {
            &["status", "capacity", "storage"]
        } else {
            &["spec", "capacity", "storage"]
        };
        set(object, path, capacity);
    }
}

/// `requests.cpu: 1/2, pods: 3/3`.
fn quota(cell: Cell<'_, '_>, object: &mut Value) {
    for text in ["REQUEST", "LIMIT"].into_iter().filter_map(cell) {
        for part in text.split(',') {
            let Some((resource, amounts)) = part.trim().split_once(": ") else {
                continue;
            };
            let Some((used, hard)) = amounts.split_once('/') else {
                continue;
            };
            set(object, &["status", "used", resource], used);
            set(object, &["status", "hard", resource], hard);
            set(object, &["spec", "hard", resource], hard);
        }
    }
}

fn service(cell: Cell<'_, '_>, object: &mut Value) {
    for (column, field) in [("TYPE", "type"), ("CLUSTER-IP", "clusterIP")] {
        if let Some(value) = cell(column).filter(|value| !is_none(value)) {
            set(object, &["spec", field], value);
        }
    }
    // `80:31000/TCP,443/TCP`.
    for part in cell("PORT(S)").into_iter().flat_map(|text| text.split(',')) {
        let Some((numbers, protocol)) = part.split_once('/') else {
            continue;
        };
        let number = numbers.split(':').next().unwrap_or(numbers);
        push(
            object,
            &["spec", "ports"],
            json!({ "port": number_or_text(number), "protocol": protocol }),
        );
    }
    for pair in cell("SELECTOR").into_iter().flat_map(|text| text.split(',')) {
        if let Some((key, value)) = pair.split_once('=') {
            set(object, &["spec", "selector", key], value);
        }
    }
}

/// Columns that are one number or word each.
fn workload(kind: &Kind, cell: Cell<'_, '_>, object: &mut Value) {
    let number = |name: &str| cell(name).and_then(|text| text.parse::<i64>().ok());
    // `2/3` of deployments, stateful sets and jobs.
    let pair = |name: &str| {
        let (one, other) = cell(name)?.split_once('/')?;
        Some((one.parse::<i64>().ok()?, other.parse::<i64>().ok()))
    };
    let mut put = |path: &[&str], value: Option<i64>| {
        if let Some(value) = value {
            set(object, path, value);
        }
    };
    match kind {
        Kind::Deployment | Kind::StatefulSet => {
            let (ready, desired) = pair("READY").unzip();
            put(&["status", "readyReplicas"], ready);
            put(
                &["spec", "replicas"],
                desired.flatten().or_else(|| number("DESIRED")),
            );
            put(&["status", "replicas"], number("CURRENT"));
            put(&["status", "updatedReplicas"], number("UP-TO-DATE"));
            put(&["status", "availableReplicas"], number("AVAILABLE"));
        }
        Kind::ReplicaSet => {
            put(&["spec", "replicas"], number("DESIRED"));
            put(&["status", "replicas"], number("CURRENT"));
            put(&["status", "readyReplicas"], number("READY"));
        }
        Kind::DaemonSet => {
            put(&["status", "desiredNumberScheduled"], number("DESIRED"));
            put(&["status", "currentNumberScheduled"], number("CURRENT"));
            put(&["status", "numberReady"], number("READY"));
            put(&["status", "updatedNumberScheduled"], number("UP-TO-DATE"));
            put(&["status", "numberAvailable"], number("AVAILABLE"));
        }
        Kind::Job => {
            let (succeeded, completions) = pair("COMPLETIONS").unzip();
            put(&["status", "succeeded"], succeeded);
            put(&["spec", "completions"], completions.flatten());
            // The last condition that is true, or a word of its own (kubectl 1.31 on; pkg/printers, `printJob`).
            if let Some(word @ ("Complete" | "Failed" | "FailureTarget" | "Suspended")) = cell("STATUS") {
                set(
                    object,
                    &["status", "conditions"],
                    json!([{ "type": word, "status": "True" }]),
                );
                if word == "Suspended" {
                    set(object, &["spec", "suspend"], true);
                }
            }
        }
        Kind::CronJob => {
            if let Some(schedule) = cell("SCHEDULE") {
                set(object, &["spec", "schedule"], schedule);
            }
            if let Some(suspended) = cell("SUSPEND").and_then(boolean) {
                set(object, &["spec", "suspend"], suspended);
            }
        }
        Kind::HorizontalPodAutoscaler => {
            put(&["spec", "minReplicas"], number("MINPODS"));
            put(&["spec", "maxReplicas"], number("MAXPODS"));
            put(&["status", "currentReplicas"], number("REPLICAS"));
            // `cpu: <unknown>/80%`, `20%/80%, 3/10`, `<unknown>/80%`.
            let mut targets = cell("TARGETS").into_iter().flat_map(|text| text.split(", "));
            let blind = |text: &str| text.contains("<unknown>/") || text.ends_with("<unknown>");
            if cell("TARGETS").is_some_and(|text| text.contains('/')) && targets.all(blind) {
                set(object, &["status", "currentMetrics"], json!([]));
            }
            if let Some((kind, name)) = cell("REFERENCE").and_then(|text| text.split_once('/')) {
                set(
                    object,
                    &["spec", "scaleTargetRef"],
                    json!({ "kind": kind, "name": name }),
                );
            }
        }
        Kind::PodDisruptionBudget => {
            put(&["status", "disruptionsAllowed"], number("ALLOWED DISRUPTIONS"));
            for (column, field) in [
                ("MIN AVAILABLE", "minAvailable"),
                ("MAX UNAVAILABLE", "maxUnavailable"),
            ] {
                if let Some(value) = cell(column).filter(|value| *value != "N/A") {
                    set(object, &["spec", field], number_or_text(value));
                }
            }
        }
        Kind::StorageClass => {
            for (column, field) in [
                ("PROVISIONER", "provisioner"),
                ("RECLAIMPOLICY", "reclaimPolicy"),
                ("VOLUMEBINDINGMODE", "volumeBindingMode"),
            ] {
                if let Some(value) = cell(column) {
                    set(object, &[field], value);
                }
            }
        }
        Kind::Namespace => {
            if let Some(phase) = cell("STATUS") {
                set(object, &["status", "phase"], phase);
            }
        }
        _ => {}
    }
}
