//! The tests that every cause of this family passes, as data.

use serde_json::{Value, json};
use sonde_model::Verdict;

use crate::testing::{Outcome, Scene, merge, pod, status};

/// One cause of this family.
pub(super) struct Check<'a> {
    pub(super) code: &'a str,
    /// The words that prove it.
    pub(super) proofs: &'a [&'a str],
    /// What the headline says.
    pub(super) says: &'a [&'a str],
    /// Merged over the pod.
    pub(super) pod: Value,
}

const RIVAL_SANDBOX: &str = "failed to setup network for sandbox \"4ad\": plugin type=\"calico\" failed (add): error getting ClusterInformation: connection is unauthorized";
const RIVAL_ADDRESSES: &str = "failed to setup network for sandbox \"4ad\": plugin type=\"host-local\" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.1.0.1-10.1.0.254";
const RIVAL_START: &str = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/rival\": stat /rival: no such file or directory: unknown";
const RIVAL_OTHER: &str = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/rival\": permission denied: unknown";

/// A pod that waits for its sandbox.
pub(super) fn starting(patch: &Value) -> Value {
    waiting(patch, "ContainerCreating", "")
}

/// A pod whose container waits for a reason.
pub(super) fn waiting(patch: &Value, reason: &str, message: &str) -> Value {
    let mut pod = pod(json!({
        "status": {"phase": "Pending", "conditions": [], "containerStatuses": [status(json!({
            "ready": false, "started": false, "containerID": "",
            "state": {"running": null, "waiting": {"reason": reason, "message": message}}
        }))]}
    }));
    merge(&mut pod, patch.clone());
    pod
}

/// A pod whose container's start failed, as containerd reports it.
fn start_error(patch: &Value, words: &str) -> Value {
    let mut pod = pod(json!({
        "status": {"containerStatuses": [status(json!({
            "ready": false, "started": false, "restartCount": 3,
            "state": {"running": null, "waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container=app"}},
            "lastState": {"terminated": {"exitCode": 128, "reason": "StartError", "message": words,
                "startedAt": "1970-01-01T00:00:00Z", "finishedAt": "2026-03-01T11:59:00Z"}}
        }))]}
    }));
    merge(&mut pod, patch.clone());
    pod
}

#[track_caller]
fn told(check: &Check<'_>, outcome: &Outcome) {
    let finding = outcome.finds_only(check.code, Verdict::Proven);
    for words in check.says {
        assert!(
            finding.headline.contains(words),
            "{words:?} is not in {:?}",
            finding.headline
        );
    }
}

/// Of a sandbox: proven by the kubelet's event and by pasted text; not found when a rival is; not claimed without words;
/// calm on a pod that runs by now.
#[track_caller]
pub(super) fn check_sandbox(check: &Check<'_>) {
    let lead = "Failed to create pod sandbox: rpc error: code = Unknown desc = ";
    check_event(check, "FailedCreatePodSandBox", lead);
}

/// As [`check_sandbox`], for another event of a pod that waits for its sandbox.
#[track_caller]
pub(super) fn check_event(check: &Check<'_>, reason: &str, lead: &str) {
    let scene = |reason: &str, words: &str| {
        Scene::new().object(starting(&check.pod)).event(
            "Pod/shop/app-1",
            reason,
            words,
            "2026-03-01T11:59:00Z",
        )
    };
    for words in check.proofs {
        let words = format!("{lead}{words}");
        told(check, &scene(reason, &words).diagnose());
        let pasted = Scene::new().loose(&format!("Warning  {reason}  2s  kubelet  {words}"));
        pasted.diagnose().finds_only(check.code, Verdict::Proven);
        let runs = Scene::new().object(pod(json!({}))).event(
            "Pod/shop/app-1",
            reason,
            &words,
            "2026-03-01T10:00:01Z",
        );
        runs.diagnose().is_calm();
    }
    let rival = if check.code == "CRE-CNI-FAILED" {
        RIVAL_ADDRESSES
    } else {
        RIVAL_SANDBOX
    };
    let rival = format!("Failed to create pod sandbox: rpc error: code = Unknown desc = {rival}");
    scene("FailedCreatePodSandBox", &rival)
        .diagnose()
        .lacks(check.code);
    let silent = Scene::new().object(starting(&check.pod)).diagnose();
    silent
        .lacks(check.code)
        .finds_only("CRE-NOT-STARTING-UNKNOWN", Verdict::Unknown);
}

/// Of a container, while it is configured or created.
#[track_caller]
pub(super) fn check_create(check: &Check<'_>) {
    for words in check.proofs {
        for reason in ["CreateContainerConfigError", "CreateContainerError"] {
            told(
                check,
                &Scene::new().object(waiting(&check.pod, reason, words)).diagnose(),
            );
        }
    }
    check_container(check);
}

/// Of a container, while it is started.
#[track_caller]
pub(super) fn check_start(check: &Check<'_>) {
    for words in check.proofs {
        told(
            check,
            &Scene::new()
                .object(waiting(&check.pod, "RunContainerError", words))
                .diagnose(),
        );
        told(
            check,
            &Scene::new().object(start_error(&check.pod, words)).diagnose(),
        );
    }
    check_container(check);
}

#[track_caller]
fn check_container(check: &Check<'_>) {
    for words in check.proofs {
        let event = format!("Error: {words}");
        let scene = Scene::new()
            .object(waiting(&check.pod, "CreateContainerError", ""))
            .container_event("Pod/shop/app-1", "app", "Failed", &event, "2026-03-01T11:59:00Z");
        told(check, &scene.diagnose());
        let pasted = Scene::new().loose(&format!("Warning  Failed  2s (x3 over 20s)  kubelet  {event}"));
        pasted.diagnose().finds_only(check.code, Verdict::Proven);
        let runs = Scene::new().object(pod(json!({}))).container_event(
            "Pod/shop/app-1",
            "app",
            "Failed",
            &event,
            "2026-03-01T10:00:01Z",
        );
        runs.diagnose().is_calm();
    }
    let rival = if check.code == "CRE-COMMAND-NOT-FOUND" {
        RIVAL_OTHER
    } else {
        RIVAL_START
    };
    Scene::new()
        .object(waiting(&check.pod, "RunContainerError", rival))
        .diagnose()
        .lacks(check.code);
    Scene::new()
        .object(waiting(&check.pod, "RunContainerError", ""))
        .diagnose()
        .lacks(check.code);
}
