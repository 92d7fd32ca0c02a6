//! What an agent's word decides, and what it does not: scenes of a container whose run ended at 11:58.

use serde_json::{Value, json};
use sonde_model::{Finding, SenderKind, Verdict};

use crate::testing::agent::{Agent, agent};
use crate::testing::{Outcome, Scene, crashed, merge, pod, recovered, status};

const KILLED: &str = "Container app failed liveness probe, will be restarted";
const UNHEALTHY: &str = "Liveness probe failed: HTTP probe failed with statuscode: 503";
const QUIET: &str = "I0301 11:00:00.000000 1 kubelet.go:1] \"SyncLoop (PLEG): event for pod\" pod=\"shop/other\"\nI0301 11:59:00.000000 1 kubelet.go:1] \"SyncLoop (PLEG): event for pod\" pod=\"shop/other\"";

fn ended(code: i64, patch: Value) -> Scene {
    let mut it = pod(json!({"status": {"containerStatuses": [crashed(code, "Error")]}}));
    merge(&mut it, patch);
    Scene::new().object(it)
}

fn bare(code: i64) -> Scene {
    ended(code, json!({}))
}

fn probed(code: i64) -> Scene {
    ended(
        code,
        json!({"spec": {"containers": [{"name": "app", "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}}}]}}),
    )
}

fn event(scene: Scene, reason: &str, message: &str, time: &str) -> Scene {
    let time = format!("2026-03-01T{time}Z");
    scene.container_event("Pod/shop/app-1", "app", reason, message, &time)
}

/// SIGTERM, and SIGKILL after so many seconds: the end at 11:58.
fn stopped(after: i64, ignored: bool) -> Agent {
    let time = format!("11:57:{:02}.5", 59 - after);
    let asked = match ignored {
        true => agent().ignored(&time, 15, SenderKind::Runtime),
        false => agent().sent(&time, 15, SenderKind::Runtime),
    };
    asked
        .sent("11:57:59.6", 9, SenderKind::Runtime)
        .ended("11:57:59.6", 9)
}

fn killed_by(kind: SenderKind) -> Agent {
    agent().sent("11:57:59.6", 9, kind).ended("11:57:59.6", 9)
}

fn chain(finding: &Finding) -> String {
    let steps: Vec<&str> = finding.chain.iter().map(|step| step.text.as_str()).collect();
    steps.join("\n")
}

fn advice(finding: &Finding) -> String {
    let fixes: Vec<&str> = finding.fixes.iter().map(|fix| fix.text.as_str()).collect();
    fixes.join("\n")
}

#[test]
fn the_sender_is_named() {
    for (kind, says) in [
        (
            SenderKind::NodeProcess,
            "python3 (pid 4711, uid 1000, started by sshd) on the node",
        ),
        (
            SenderKind::SameContainer,
            "sh (pid 4711, uid 1000, started by sh), a process of its own container",
        ),
        (
            SenderKind::OtherContainer,
            "sh (pid 4711, uid 1000, started by sh) of container debug of pod shop/app-1",
        ),
        (
            SenderKind::ServiceManager,
            "the node's service manager (systemd, pid 4711)",
        ),
    ] {
        let outcome = bare(137).agent(&killed_by(kind)).diagnose();
        let finding = outcome.finds_only("EXT-KILLED", Verdict::Proven);
        assert!(finding.headline.ends_with(says), "{}", finding.headline);
        assert!(
            finding
                .evidence
                .iter()
                .any(|it| it.source == "agent of node n1" && it.text.contains("sender=")),
            "{:?}",
            finding.evidence
        );
    }
}

#[test]
fn a_kill_by_the_runtime_names_nobody_unless_the_kubelet_is_known_to_be_silent() {
    let runtime = killed_by(SenderKind::Runtime);
    let outcome = bare(137).agent(&runtime).diagnose();
    let finding = outcome.finds_only("EXT-KILLED", Verdict::Possible);
    assert!(
        finding
            .headline
            .contains("by the kubelet, or by somebody's `crictl stop`"),
        "{}",
        finding.headline
    );
    let outcome = bare(137).agent(&runtime).kubelet("n1", QUIET).diagnose();
    let finding = outcome.finds_only("EXT-KILLED", Verdict::Proven);
    assert!(
        finding.headline.contains("not by the kubelet"),
        "{}",
        finding.headline
    );
}

#[test]
fn the_kubelets_word_and_the_runtimes_signal_are_one_story() {
    let scene = event(probed(137), "Killing", KILLED, "11:57:30");
    let outcome = scene.agent(&stopped(29, true)).diagnose();
    let finding = outcome.finds_only("LIV-LIVENESS-KILL", Verdict::Proven);
    let told = "the container runtime (runc, pid 4711) sends SIGTERM, which the process ignores, and 29.1 s later SIGKILL";
    assert!(chain(finding).contains(told), "{}", chain(finding));
    outcome.rules_out("EXT-KILLED");
    // Without its word the probe is likely: the runtime acted, and the probe failed.
    let scene = event(probed(137), "Unhealthy", UNHEALTHY, "11:57:30");
    let outcome = scene.agent(&stopped(29, true)).diagnose();
    assert!(
        outcome.report.findings[0].code.as_str().starts_with("LIV-"),
        "{}",
        outcome.summary()
    );
    assert_eq!(
        outcome.report.findings[0].verdict,
        Verdict::Likely,
        "{}",
        outcome.summary()
    );
    outcome.does_not_claim("EXT-GRACE-EXCEEDED");
    // Not even a failure is told: the probe may be why all the same.
    let outcome = probed(137).agent(&stopped(29, true)).diagnose();
    outcome.does_not_claim("EXT-GRACE-EXCEEDED");
}

#[test]
fn a_failing_probe_is_not_to_blame_for_somebody_elses_kill() {
    let scene = event(probed(137), "Unhealthy", UNHEALTHY, "11:57:30");
    let outcome = scene.agent(&killed_by(SenderKind::NodeProcess)).diagnose();
    outcome.finds_only("EXT-KILLED", Verdict::Proven);
    let scene = event(bare(137), "Killing", "Stopping container app", "11:57:30");
    let outcome = scene.agent(&killed_by(SenderKind::NodeProcess)).diagnose();
    outcome.finds_only("EXT-KILLED", Verdict::Proven);
    outcome.rules_out("EXT-GRACE-EXCEEDED");
}

#[test]
fn a_first_process_that_ignores_the_signal_gets_its_advice() {
    let shell = Agent {
        command: "sh",
        ..agent()
    }
    .ignored("11:57:30.5", 15, SenderKind::Runtime)
    .sent("11:57:59.6", 9, SenderKind::Runtime);
    for (agent, says) in [
        (shell, "its first process is a shell"),
        (stopped(29, true), "install a handler for SIGTERM in app"),
        (stopped(29, false), "let the program handle SIGTERM"),
    ] {
        let outcome = bare(137).agent(&agent).diagnose();
        let finding = outcome.finds_only("EXT-GRACE-EXCEEDED", Verdict::Proven);
        assert!(advice(finding).starts_with(says), "{}", advice(finding));
        assert!(
            finding.headline.contains("29s") || finding.headline.contains("30s"),
            "{}",
            finding.headline
        );
    }
}

#[test]
fn a_stop_with_little_time_is_told_with_that_time() {
    let outcome = bare(137).agent(&stopped(5, true)).diagnose();
    let finding = outcome.finds_only("EXT-GRACE-EXCEEDED", Verdict::Proven);
    assert!(finding.headline.contains("after 5s"), "{}", finding.headline);
}

fn hooked(agent: &Agent, told: bool) -> Outcome {
    let hook = json!({"spec": {"containers": [{"name": "app", "lifecycle": {"preStop": {"exec": {"command": ["/bin/drain"]}}}}]}});
    let mut scene = ended(137, hook).agent(agent);
    if told {
        scene = event(scene, "Killing", "Stopping container app", "11:57:28");
    }
    scene.diagnose()
}

#[test]
fn a_hook_that_used_up_the_time_shows_in_the_late_signal() {
    hooked(&stopped(2, false), true).finds_only("HOK-PRESTOP-OVERRUN", Verdict::Proven);
    hooked(&stopped(2, false), false).finds_only("HOK-PRESTOP-OVERRUN", Verdict::Likely);
    // The signal came soon: the hook is not to blame.
    hooked(&stopped(29, false), true).finds_only("EXT-GRACE-EXCEEDED", Verdict::Proven);
}

#[test]
fn a_shell_that_passes_on_a_childs_code_was_not_killed() {
    let outcome = bare(137).agent(&agent().left("11:57:59.6", 137)).diagnose();
    outcome.lacks("EXT-KILLED").rules_out("EXT-KILLED");
}

#[test]
fn another_runs_signals_are_not_this_ones() {
    // The run before has another container; the status of the one that goes on has an id of its own.
    let mut it = pod(json!({"status": {"containerStatuses": [recovered(137, "Error")]}}));
    it["status"]["containerStatuses"][0]["lastState"]["terminated"]["containerID"] =
        json!(format!("containerd://{}", "f".repeat(64)));
    let outcome = Scene::new()
        .object(it)
        .agent(&agent().sent("11:19:57.6", 9, SenderKind::NodeProcess))
        .diagnose();
    outcome.does_not_claim("EXT-KILLED");
    // No id at all: the pod, the name and the time tie them together.
    let mut it = pod(json!({"status": {"containerStatuses": [crashed(137, "Error")]}}));
    for pointer in [
        "/status/containerStatuses/0/containerID",
        "/status/containerStatuses/0/lastState/terminated/containerID",
    ] {
        *it.pointer_mut(pointer).unwrap() = json!("");
    }
    let with = |time: &str| {
        let agent = agent().sent(time, 9, SenderKind::NodeProcess);
        Scene::new().object(it.clone()).agent(&agent).diagnose()
    };
    with("11:57:59.6").finds_only("EXT-KILLED", Verdict::Proven);
    with("11:40:00").does_not_claim("EXT-KILLED");
    with("11:59:30").does_not_claim("EXT-KILLED");
}

#[test]
fn silence_counts_only_where_somebody_watched_all_the_time() {
    let verdict = |agent: &Agent| {
        let outcome = bare(137).agent(agent).kubelet("n1", QUIET).diagnose();
        outcome.finding("EXT-KILLED").verdict
    };
    assert_eq!(verdict(&agent()), Verdict::Likely);
    assert_eq!(verdict(&Agent { lost: 1, ..agent() }), Verdict::Possible);
    assert_eq!(
        verdict(&Agent {
            since: "2026-03-01T11:57:58Z",
            ..agent()
        }),
        Verdict::Possible
    );
}

#[test]
fn an_agent_is_asked_and_its_absence_is_no_blind_spot() {
    let outcome = bare(137).diagnose();
    assert!(
        outcome.wants.iter().any(|it| it.describe().contains("agent")),
        "{:?}",
        outcome.wants
    );
    let spots: Vec<_> = outcome
        .report
        .blind_spots
        .iter()
        .map(|it| it.what.as_str())
        .collect();
    assert!(spots.iter().all(|it| !it.contains("agent")), "{spots:?}");
    let hints = |outcome: &Outcome| {
        let looks = outcome.report.findings.iter().flat_map(|it| &it.next);
        looks.filter(|it| it.text.contains("agent")).count()
    };
    assert_eq!(hints(&outcome), 1);
    let outcome = bare(137).agent(&agent()).diagnose();
    assert!(
        outcome.wants.iter().all(|it| !it.describe().contains("agent")),
        "{:?}",
        outcome.wants
    );
    assert_eq!(hints(&outcome), 0);
    // A crash names itself, and nobody hears of agents.
    assert_eq!(hints(&bare(1).diagnose()), 0);
}

#[test]
fn a_fault_and_a_signal_by_hand_are_told_apart() {
    let fault = agent()
        .sent("11:57:59.6", 11, SenderKind::Fault)
        .ended("11:57:59.6", 11);
    let outcome = bare(139).agent(&fault).diagnose();
    let finding = outcome.finds_only("EXT-SEGFAULT", Verdict::Proven);
    assert!(
        chain(finding).contains("the kernel saw the fault in app"),
        "{}",
        chain(finding)
    );
    let sent = agent()
        .sent("11:57:59.6", 11, SenderKind::NodeProcess)
        .ended("11:57:59.6", 11);
    let outcome = bare(139).agent(&sent).diagnose();
    let finding = outcome.finds_only("EXT-SEGFAULT", Verdict::Proven);
    assert!(finding.headline.contains("python3"), "{}", finding.headline);
    let quit = agent()
        .sent("11:57:59.6", 3, SenderKind::NodeProcess)
        .ended("11:57:59.6", 3);
    let outcome = bare(131).agent(&quit).diagnose();
    let finding = outcome.finds_only("EXT-SIGNAL", Verdict::Proven);
    assert!(finding.headline.contains("python3"), "{}", finding.headline);
}

#[test]
fn a_pod_that_is_to_end_and_ignores_the_signal() {
    let deleting = |agent: &Agent| {
        let it = pod(
            json!({"metadata": {"deletionTimestamp": "2026-03-01T12:10:00Z", "deletionGracePeriodSeconds": 900}}),
        );
        Scene::new()
            .object(it)
            .agent(agent)
            .named(&["Pod/shop/app-1"])
            .diagnose()
    };
    let outcome = deleting(&agent().ignored("11:55:00", 15, SenderKind::Runtime));
    let finding = outcome.finding("TRM-IGNORES-TERM");
    assert_eq!(finding.verdict, Verdict::Proven, "{}", outcome.summary());
    assert!(
        finding.headline.contains("ignores SIGTERM"),
        "{}",
        finding.headline
    );
    let outcome = deleting(&agent().sent("11:55:00", 15, SenderKind::Runtime));
    assert!(
        outcome.finding("TRM-IGNORES-TERM").verdict < Verdict::Proven,
        "{}",
        outcome.summary()
    );
}

#[test]
fn a_child_killed_for_memory_shows_while_the_main_process_runs_on() {
    let limited =
        pod(json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]}}));
    let outcome = Scene::new()
        .object(limited)
        .agent(&agent().memory("11:50:00", false, [(64, Some(64)), (64, Some(64)), (900, None)]))
        .diagnose();
    outcome.finds_only("OOM-CHILD-PROCESS", Verdict::Proven);
}

#[test]
fn a_container_that_runs_well_is_calm_whatever_its_children_were_sent() {
    let outcome = Scene::new()
        .object(pod(json!({"status": {"containerStatuses": [status(json!({}))]}})))
        .agent(
            &agent()
                .killed_child("11:40:00", SenderKind::SameContainer)
                .ignored("11:50:00", 15, SenderKind::Itself),
        )
        .diagnose();
    outcome.is_calm();
}
