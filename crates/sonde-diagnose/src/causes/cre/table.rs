//! One table for the tests that every cause of this family passes beside its own: the newest word counts and no other; a
//! pod that runs, has done its work or crashes later is no matter of starting; what the kubelet came past is over.

use serde_json::{Value, json};
use sonde_model::{Finding, Severity, Verdict};

use super::testing::{starting, waiting};
use crate::testing::{Outcome, Scene, crashed, merge, pod, status};

const SANDBOX: &str = "Failed to create pod sandbox: rpc error: code = Unknown desc = ";
const START: &str = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ";

/// Code, words, whether the sandbox fails or the container.
const TABLE: &[(&str, &str, Step)] = &[
    (
        "CRE-CNI-FAILED",
        "failed to setup network for sandbox \"4ad\": plugin type=\"calico\" failed (add): connection is unauthorized",
        Step::Sandbox,
    ),
    (
        "CRE-CNI-MISSING",
        "failed to setup network for sandbox \"4ad\": failed to find plugin \"bridge\" in path [/opt/cni/bin]",
        Step::Sandbox,
    ),
    ("CRE-CNI-NOT-READY", "cni plugin not initialized", Step::Sandbox),
    (
        "CRE-DISK-FULL",
        "failed to create containerd container: mkdir /var/lib/containerd/x: no space left on device",
        Step::Sandbox,
    ),
    (
        "CRE-NAME-RESERVED",
        "failed to reserve sandbox name \"app-1_shop_0f2f_0\": name \"app-1_shop_0f2f_0\" is reserved for \"4ad\"",
        Step::Sandbox,
    ),
    (
        "CRE-NO-ADDRESSES",
        "failed to setup network for sandbox \"4ad\": plugin type=\"host-local\" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.1.0.1-10.1.0.254",
        Step::Sandbox,
    ),
    (
        "CRE-PAUSE-IMAGE",
        "failed to get sandbox image \"registry.k8s.io/pause:3.9\": failed to pull image \"registry.k8s.io/pause:3.9\": dial tcp: lookup registry.k8s.io: no such host",
        Step::Sandbox,
    ),
    (
        "CRE-RUNTIME-DOWN",
        "connection error: desc = \"transport: Error while dialing dial unix /run/containerd/containerd.sock: connect: connection refused\"",
        Step::Sandbox,
    ),
    (
        "CRE-RUNTIME-HANDLER",
        "failed to get sandbox runtime: no runtime for \"kata\" is configured",
        Step::Sandbox,
    ),
    ("CRE-RUNTIME-TIMEOUT", "context deadline exceeded", Step::Sandbox),
    (
        "CRE-APPARMOR",
        "failed to create containerd container: apparmor profile not found k8s-deny-write",
        Step::Container,
    ),
    (
        "CRE-CAPABILITY",
        "failed to generate container \"4ad\" spec: failed to generate spec: unknown capability \"CAP_NETADMIN\"",
        Step::Container,
    ),
    (
        "CRE-COMMAND-NOT-FOUND",
        "START exec: \"serve\": executable file not found in $PATH: unknown",
        Step::Container,
    ),
    (
        "CRE-DEVICE-MISSING",
        "START error running prestart hook #0: exit status 1, stdout: , stderr: nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown",
        Step::Container,
    ),
    (
        "CRE-EXEC-FORMAT",
        "START exec /app/run: exec format error: unknown",
        Step::Container,
    ),
    (
        "CRE-MOUNT-TYPE-MISMATCH",
        "START error mounting \"/var/lib/kubelet/pods/0f2f/volume-subpaths/conf/app/0\" to rootfs at \"/etc/app.conf\": mount /var/lib/kubelet/pods/0f2f/volume-subpaths/conf/app/0:/etc/app.conf (via /proc/self/fd/6), flags: 0x5001: not a directory: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type: unknown",
        Step::Container,
    ),
    (
        "CRE-NO-COMMAND",
        "failed to generate container \"4ad\" spec: failed to generate spec: no command specified",
        Step::Container,
    ),
    (
        "CRE-NOT-EXECUTABLE",
        "START exec: \"/app/run.sh\": permission denied: unknown",
        Step::Container,
    ),
    (
        "CRE-OCI-HOOK",
        "START error running createRuntime hook #0: exit status 1, stdout: , stderr: agent not running: unknown",
        Step::Container,
    ),
    (
        "CRE-RUN-AS-NON-ROOT",
        "container has runAsNonRoot and image will run as root",
        Step::Container,
    ),
    (
        "CRE-SECCOMP",
        "failed to generate container \"4ad\" spec: failed to generate seccomp spec opts: failed to load seccomp profile \"/var/lib/kubelet/seccomp/audit.json\": open /var/lib/kubelet/seccomp/audit.json: no such file or directory",
        Step::Container,
    ),
    (
        "CRE-SECURITY-POLICY",
        "START unable to apply selinux label: write /proc/self/attr/keycreate: permission denied: unknown",
        Step::Container,
    ),
    (
        "CRE-UNKNOWN-USER",
        "START unable to find user app: no matching entries in passwd file: unknown",
        Step::Container,
    ),
    (
        "CRE-WORKING-DIR",
        "START chdir to cwd (\"/srv\") set in config.json failed: no such file or directory: unknown",
        Step::Container,
    ),
];

/// Causes whose words have another lead, or that need a memory limit; their files test the same with their own scenes.
const ELSEWHERE: &[&str] = &[
    "CRE-DYNAMIC-RESOURCES",
    "CRE-INIT-OOM",
    "CRE-MEMORY-UNIT",
    "CRE-POD-CGROUP",
    "CRE-SANDBOX-MEMORY",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Sandbox,
    Container,
}

fn event(scene: Scene, (_, words, step): &(&str, &str, Step), time: &str) -> Scene {
    match step {
        Step::Sandbox => scene.event(
            "Pod/shop/app-1",
            "FailedCreatePodSandBox",
            &format!("{SANDBOX}{words}"),
            time,
        ),
        Step::Container => {
            let text = format!("Error: {}", words.replacen("START ", START, 1));
            scene.container_event("Pod/shop/app-1", "app", "Failed", &text, time)
        }
    }
}

fn held(step: Step) -> Value {
    match step {
        Step::Sandbox => starting(&json!({})),
        Step::Container => waiting(&json!({}), "CreateContainerError", ""),
    }
}

#[track_caller]
fn no_alarm_of_starting(what: &str, outcome: &Outcome) {
    let alarm = |it: &Finding| {
        it.code.as_str().starts_with("CRE-") && it.severity > Severity::Info && it.ended.is_none()
    };
    assert!(
        !outcome.report.findings.iter().any(alarm),
        "{what}: {}",
        outcome.summary()
    );
}

#[test]
fn every_cause_of_the_family_is_here() {
    for cause in super::CAUSES {
        let code = cause.code.as_str();
        let here = TABLE.iter().any(|(it, ..)| *it == code) || ELSEWHERE.contains(&code);
        assert!(here, "{code}");
    }
}

#[test]
fn found_and_no_other_with_something_to_do() {
    for row in TABLE {
        let outcome = event(Scene::new().object(held(row.2)), row, "2026-03-01T11:59:00Z").diagnose();
        let finding = outcome.finds_only(row.0, Verdict::Proven);
        assert!(!finding.fixes.is_empty(), "{}", row.0);
    }
}

#[test]
fn the_newest_word_counts_and_no_older_one() {
    for row in TABLE {
        for older in TABLE.iter().filter(|it| it.0 != row.0) {
            // That a name is held is the echo of the attempt before: what that one met counts.
            let echo = row.0 == "CRE-NAME-RESERVED" && older.2 == Step::Sandbox;
            let scene = event(Scene::new().object(held(row.2)), older, "2026-03-01T11:50:00Z");
            let outcome = event(scene, row, "2026-03-01T11:59:00Z").diagnose();
            if echo {
                assert_eq!(outcome.alarms(), 1, "{}", outcome.summary());
            } else {
                assert!(
                    outcome.says_only(row.0, Verdict::Proven),
                    "{} after {}: {}",
                    row.0,
                    older.0,
                    outcome.summary()
                );
            }
        }
    }
}

#[test]
fn what_a_held_name_is_the_echo_of_is_told() {
    let find = |code: &str| TABLE.iter().find(|row| row.0 == code).unwrap();
    let slow = event(
        Scene::new().object(held(Step::Sandbox)),
        find("CRE-CNI-FAILED"),
        "2026-03-01T11:50:00Z",
    );
    let outcome = event(slow, find("CRE-NAME-RESERVED"), "2026-03-01T11:59:00Z").diagnose();
    outcome.finds_only("CRE-CNI-FAILED", Verdict::Proven);
}

#[test]
fn pods_that_run_are_done_or_crash_are_no_matter_of_starting() {
    let done = pod(
        json!({"status": {"phase": "Succeeded", "conditions": null, "containerStatuses": [status(json!({
        "ready": false, "started": false, "state": {"running": null, "terminated": {"exitCode": 0, "reason": "Completed",
            "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T10:01:00Z"}}}))]}}),
    );
    let crashes = pod(json!({"status": {"containerStatuses": [crashed(1, "Error")]}}));
    for row in TABLE {
        for (what, object) in [
            ("runs", pod(json!({}))),
            ("is done", done.clone()),
            ("crashes", crashes.clone()),
        ] {
            let outcome = event(Scene::new().object(object), row, "2026-03-01T09:59:00Z").diagnose();
            no_alarm_of_starting(&format!("{} {what}", row.0), &outcome);
        }
    }
}

#[test]
fn a_start_that_failed_and_then_went_well_is_over() {
    for row in TABLE.iter().filter(|row| row.2 == Step::Container) {
        let words = row.1.replacen("START ", START, 1);
        let failed = json!({"terminated": {"exitCode": 128, "reason": "StartError", "message": words,
            "startedAt": "1970-01-01T00:00:00Z", "finishedAt": "2026-03-01T09:59:00Z"}});
        let recovered = pod(
            json!({"status": {"containerStatuses": [status(json!({"restartCount": 1, "lastState": failed}))]}}),
        );
        let outcome = event(Scene::new().object(recovered), row, "2026-03-01T09:59:00Z").diagnose();
        outcome.is_calm();
    }
}

#[test]
fn a_sandbox_that_failed_and_then_was_made_is_over() {
    for row in TABLE.iter().filter(|row| row.2 == Step::Sandbox) {
        let scene = event(
            Scene::new().object(starting(&json!({}))),
            row,
            "2026-03-01T11:50:00Z",
        )
        .container_event(
            "Pod/shop/app-1",
            "app",
            "Pulling",
            "Pulling image \"registry.example/app:1\"",
            "2026-03-01T11:58:00Z",
        );
        no_alarm_of_starting(row.0, &scene.diagnose());
    }
}

#[test]
fn the_causes_with_another_lead_are_over_too_when_the_kubelet_came_further() {
    let tiny = json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "4Mi"}}}]}});
    for (reason, words, patch) in [
        (
            "FailedCreatePodContainer",
            "unable to ensure pod container exists: failed to create container for [kubepods burstable pod9f] : Unit kubepods-burstable-pod9f.slice already exists.",
            json!({}),
        ),
        (
            "FailedPrepareDynamicResources",
            "Failed to prepare dynamic resources: prepare dynamic resources: claim gpu: driver gpu.example is not registered",
            json!({}),
        ),
        (
            "FailedCreatePodSandBox",
            "Failed to create pod sandbox: rpc error: code = Unknown desc = container create failed: set memory limit 4194304 too low; should be at least 12582912 bytes",
            tiny,
        ),
    ] {
        let before = |object: Value| {
            Scene::new()
                .object(object)
                .event("Pod/shop/app-1", reason, words, "2026-03-01T11:50:00Z")
        };
        assert_eq!(before(starting(&patch)).diagnose().alarms(), 1, "{words}");
        let pulling = before(starting(&patch)).container_event(
            "Pod/shop/app-1",
            "app",
            "Pulling",
            "Pulling image \"registry.example/app:1\"",
            "2026-03-01T11:58:00Z",
        );
        no_alarm_of_starting(words, &pulling.diagnose());
    }
}

#[test]
fn without_words_nothing_is_claimed_and_the_next_look_is_told() {
    for step in [Step::Sandbox, Step::Container] {
        let outcome = Scene::new().object(held(step)).diagnose();
        let [finding] = outcome.report.findings.as_slice() else {
            panic!("{}", outcome.summary());
        };
        assert_eq!(finding.verdict, Verdict::Unknown, "{}", outcome.summary());
        assert!(!finding.next.is_empty());
    }
}

#[test]
fn a_node_that_starts_other_pods_is_not_blamed() {
    let mut other = pod(
        json!({"metadata": {"name": "web-1", "uid": "u-web"}, "status": {"startTime": "2026-03-01T11:55:00Z",
        "containerStatuses": [status(json!({"state": {"running": {"startedAt": "2026-03-01T11:55:10Z"}}}))]}}),
    );
    other["metadata"]["ownerReferences"] = json!(null);
    for row in TABLE
        .iter()
        .filter(|row| row.2 == Step::Sandbox && row.0 != "CRE-RUNTIME-HANDLER")
    {
        let scene = || {
            event(
                Scene::new().object(starting(&json!({}))),
                row,
                "2026-03-01T11:50:00Z",
            )
        };
        let outcome = scene().diagnose();
        let finding = outcome.finds_only(row.0, Verdict::Proven);
        assert_eq!(finding.subject.to_string(), "node/n1", "{}", row.0);
        let outcome = scene().object(other.clone()).diagnose();
        let finding = outcome.finds_only(row.0, Verdict::Proven);
        assert_eq!(finding.subject.to_string(), "rs/app", "{}", row.0);
        assert!(
            finding.headline.starts_with("the pod cannot start on node n1"),
            "{}",
            finding.headline
        );
        // A pod with the node's own network shows nothing of the kind.
        let mut on_host = other.clone();
        merge(&mut on_host, json!({"spec": {"hostNetwork": true}}));
        let outcome = scene().object(on_host).diagnose();
        assert_eq!(outcome.finding(row.0).subject.to_string(), "node/n1", "{}", row.0);
    }
}

#[test]
fn a_line_of_the_application_is_not_the_runtimes() {
    let ended = || pod(json!({"status": {"containerStatuses": [crashed(255, "Error")]}}));
    for (line, code) in [
        (
            "exec /app/run: no such file or directory",
            "CRE-COMMAND-NOT-FOUND",
        ),
        ("exec /app/run: exec format error", "CRE-EXEC-FORMAT"),
    ] {
        let outcome = Scene::new()
            .object(ended())
            .log("shop/app-1", "app", true, &format!("{line}\n"))
            .diagnose();
        outcome.finds_only(code, Verdict::Proven);
        // A program that runs others says more than that.
        let log = format!("listening on :8080\nstarting worker\n{line}\n");
        let outcome = Scene::new()
            .object(ended())
            .log("shop/app-1", "app", true, &log)
            .diagnose();
        outcome.lacks(code);
    }
}
