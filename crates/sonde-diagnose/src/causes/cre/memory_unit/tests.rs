use serde_json::{Value, json};
use sonde_model::{Finding, Verdict};

use crate::testing::{Scene, merge, pod, status};

const UID: &str = "0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60";

/// A pod that has not started, whose container `app` has the limit, beside other containers.
fn starting(limit: &str, others: &[Value]) -> Value {
    let mut containers = vec![
        json!({"name": "app", "image": "a", "resources": {"limits": {"memory": limit}, "requests": {"memory": limit}}}),
    ];
    containers.extend(others.iter().cloned());
    let statuses: Vec<Value> = containers
        .iter()
        .map(|it| {
            status(
                json!({"name": it["name"], "ready": false, "started": false, "containerID": "",
                "state": {"running": null, "waiting": {"reason": "ContainerCreating"}}}),
            )
        })
        .collect();
    pod(
        json!({"spec": {"containers": containers}, "status": {"phase": "Pending", "conditions": [], "containerStatuses": statuses}}),
    )
}

fn waiting(limit: &str, others: &[Value], reason: &str, message: &str) -> Value {
    let mut pod = starting(limit, others);
    pod["status"]["containerStatuses"][0]["state"]["waiting"] = json!({"reason": reason, "message": message});
    pod
}

const TOKEN: &str = "MountVolume.SetUp failed for volume \"kube-api-access-x7k\" : write /var/lib/kubelet/pods/0f2f/volumes/kubernetes.io~projected/kube-api-access-x7k/..2026_03_01/token: no space left on device";
const INIT: &str = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown";

fn sandbox(words: &str) -> String {
    format!(
        "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to start sandbox container task \"4ad\": {words}"
    )
}

fn kernel_block(limit: &str) -> String {
    format!(
        "[1.000001] runc:[2:INIT] invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=-997
[1.000003] memory: usage {limit}, limit {limit}, failcnt 9
[1.000008] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=/kubepods/pod{UID},task_memcg=/kubepods/pod{UID}/{0},task=runc:[2:INIT],pid=777,uid=0
[1.000009] Memory cgroup out of memory: Killed process 777 (runc:[2:INIT]) total-vm:12000kB, anon-rss:100kB, file-rss:1900kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:-997",
        "d".repeat(64)
    )
}

#[track_caller]
fn says_all(finding: &Finding) {
    assert!(
        finding.headline.contains("container app cannot start"),
        "{}",
        finding.headline
    );
    assert!(
        finding.headline.contains("300m is 1 byte"),
        "{}",
        finding.headline
    );
    assert!(
        finding.headline.contains("300Mi was probably meant"),
        "{}",
        finding.headline
    );
    let field = finding
        .evidence
        .iter()
        .any(|it| it.source.ends_with("resources.limits.memory") && it.text == "300m");
    assert!(field, "{:?}", finding.evidence);
    let command = finding.fixes[0].command.as_deref().unwrap_or_default();
    assert!(command.contains("--limits=memory=300Mi"), "{command}");
}

#[test]
fn five_independent_ways_lead_here() {
    let event = |reason: &str, message: &str| {
        Scene::new().object(starting("300m", &[])).event(
            "Pod/shop/app-1",
            reason,
            message,
            "2026-03-01T11:59:00Z",
        )
    };
    let scenes = [
        // 1: the token's volume is one page.
        ("page", event("FailedMount", TOKEN)),
        // 2: the sandbox is killed, or refused, and made anew.
        (
            "sandbox",
            event("FailedCreatePodSandBox", &sandbox(INIT)).event(
                "Pod/shop/app-1",
                "SandboxChanged",
                "Pod sandbox changed, it will be killed and re-created.",
                "2026-03-01T11:59:02Z",
            ),
        ),
        (
            "sandbox",
            event(
                "FailedCreatePodSandBox",
                &sandbox(
                    "unable to apply cgroup configuration: mkdir /sys/fs/cgroup/memory/kubepods/pod9f/4ad: cannot allocate memory: unknown",
                ),
            ),
        ),
        (
            "sandbox",
            event(
                "FailedCreatePodSandBox",
                &sandbox(
                    "OCI runtime create failed: container_linux.go:348: starting container process caused \"process_linux.go:301: running exec setns process for init caused \\\"signal: killed\\\"\": unknown",
                ),
            ),
        ),
        // 3: a sibling without a limit lets the sandbox live; the container's own init is killed.
        (
            "init process",
            Scene::new().object(waiting(
                "300m",
                &[json!({"name": "proxy", "image": "p"})],
                "RunContainerError",
                INIT,
            )),
        ),
        (
            "init process",
            Scene::new().object(waiting(
                "300m",
                &[json!({"name": "proxy", "image": "p"})],
                "RunContainerError",
                "OCI runtime create failed: container_linux.go:344: starting container process caused: process_linux.go:297: container init caused \"\": unknown",
            )),
        ),
        // 4: CRI-O refuses before it tries.
        (
            "refuses",
            event(
                "FailedCreatePodSandBox",
                "Failed to create pod sandbox: rpc error: code = Unknown desc = set memory limit 1 too low; should be at least 12582912 bytes",
            ),
        ),
        (
            "refuses",
            Scene::new().object(waiting(
                "300m",
                &[json!({"name": "proxy", "image": "p"})],
                "CreateContainerError",
                "set memory limit 1 too low; should be at least 12582912 bytes",
            )),
        ),
        // 5: the kernel's lines only.
        (
            "kernel",
            Scene::new()
                .object(starting("300m", &[]))
                .kernel("n1", &kernel_block("4kB")),
        ),
    ];
    for (why, scene) in scenes {
        let outcome = scene.diagnose();
        let finding = outcome.finds_only("CRE-MEMORY-UNIT", Verdict::Proven);
        says_all(finding);
        assert!(
            finding.chain.iter().any(|step| step.text.contains(why)),
            "{why}: {:?}",
            finding.chain
        );
    }
}

#[test]
fn every_unit_that_slips() {
    for (limit, meant) in [
        ("128", "128Mi"),
        ("512k", "512Mi"),
        ("0.5", "0.5Gi"),
        ("64Ki", "64Mi"),
    ] {
        let outcome = Scene::new()
            .object(starting(limit, &[]))
            .event(
                "Pod/shop/app-1",
                "FailedCreatePodSandBox",
                &sandbox(INIT),
                "2026-03-01T11:59:00Z",
            )
            .diagnose();
        let finding = outcome.finds_only("CRE-MEMORY-UNIT", Verdict::Proven);
        assert!(
            finding.headline.contains(&format!("{meant} was probably meant")),
            "{}",
            finding.headline
        );
    }
}

#[test]
fn likely_by_the_limit_alone() {
    let outcome = Scene::new().object(starting("300m", &[])).diagnose();
    outcome.finds_only("CRE-MEMORY-UNIT", Verdict::Likely);
}

#[test]
fn words_alone_tell_the_limit() {
    for text in [
        "Failed to create pod sandbox: rpc error: code = Unknown desc = set memory limit 1 too low; should be at least 12582912 bytes",
        "Error: failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: unable to apply cgroup configuration: unable to set memory limit to 1 (current usage: 2048, peak usage: 4096): unknown",
    ] {
        Scene::new()
            .loose(text)
            .diagnose()
            .finds_only("CRE-MEMORY-UNIT", Verdict::Proven);
    }
    Scene::new()
        .loose(TOKEN)
        .diagnose()
        .finds_only("CRE-MEMORY-UNIT", Verdict::Likely);
    let outcome = Scene::new().kernel("", &kernel_block("4kB")).diagnose();
    outcome.finds_only("CRE-MEMORY-UNIT", Verdict::Proven);
}

#[test]
fn a_default_of_the_namespace_is_the_root() {
    let range = json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits", "namespace": "shop"},
        "spec": {"limits": [{"type": "Container", "default": {"memory": "300m"}}]}});
    let outcome = Scene::new()
        .object(starting("300m", &[]))
        .object(range)
        .event("Pod/shop/app-1", "FailedMount", TOKEN, "2026-03-01T11:59:00Z")
        .diagnose();
    let finding = outcome.finds_only("CRE-MEMORY-UNIT", Verdict::Proven);
    assert_eq!(finding.subject.to_string(), "limitrange/limits");
}

#[test]
fn replicas_that_show_it_in_two_ways_are_one_finding() {
    let mut other = starting("300m", &[]);
    merge(&mut other, json!({"metadata": {"name": "app-2", "uid": "u2"}}));
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "app", "namespace": "shop", "uid": "u-rs"}, "spec": {"replicas": 0}});
    let outcome = Scene::new()
        .object(set)
        .object(starting("300m", &[]))
        .object(other)
        .event("Pod/shop/app-1", "FailedMount", TOKEN, "2026-03-01T11:59:00Z")
        .event(
            "Pod/shop/app-2",
            "FailedCreatePodSandBox",
            &sandbox(INIT),
            "2026-03-01T11:59:00Z",
        )
        .diagnose();
    let finding = outcome.finds_only("CRE-MEMORY-UNIT", Verdict::Proven);
    assert_eq!(finding.explains.len(), 2);
}

#[test]
fn not_where_the_limit_is_a_choice() {
    for limit in ["64Mi", "64M", "2Mi"] {
        let outcome = Scene::new()
            .object(waiting(limit, &[], "RunContainerError", INIT))
            .diagnose();
        outcome.lacks("CRE-MEMORY-UNIT").rules_out("CRE-MEMORY-UNIT");
    }
    // A healthy pod with limits in M and Mi is no alarm.
    let healthy = pod(
        json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64M"}, "requests": {"memory": "32Mi"}}}]}}),
    );
    Scene::new().object(healthy).diagnose().is_calm();
}

#[test]
fn a_container_that_is_killed_at_once_never_ran() {
    let crashed = crate::testing::crashed(137, "OOMKilled");
    let killed = pod(
        json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "300m"}}}]},
        "status": {"containerStatuses": [crashed]}}),
    );
    let outcome = Scene::new().object(killed).diagnose();
    outcome.finds_only("CRE-MEMORY-UNIT", Verdict::Proven);
}

#[test]
fn over_when_it_runs() {
    let healthy =
        pod(json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "300Mi"}}}]}}));
    Scene::new()
        .object(healthy)
        .event("Pod/shop/app-1", "FailedMount", TOKEN, "2026-03-01T10:00:00Z")
        .diagnose()
        .is_calm();
}

#[test]
fn a_manifest_is_told_before_it_is_applied() {
    let deployment = |memory: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "a", "resources": {"limits": {"memory": memory}}}]}}}})
    };
    for (memory, words) in [
        ("1Gb", ["will refuse it", "1Gi was probably meant"]),
        ("300m", ["nothing can start", "300Mi was probably meant"]),
    ] {
        let outcome = Scene::new().object(deployment(memory)).diagnose();
        let finding = outcome.finds_only("CRE-MEMORY-UNIT", Verdict::Proven);
        for words in words {
            assert!(finding.headline.contains(words), "{words}: {}", finding.headline);
        }
    }
    for memory in ["64M", "64Mi", "1G"] {
        Scene::new().object(deployment(memory)).diagnose().is_calm();
    }
}
