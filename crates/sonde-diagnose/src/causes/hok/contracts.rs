//! Every cause of the family against its contract.

use serde_json::{Value, json};
use sonde_model::Verdict;

use super::CAUSES;
use crate::testing::contract::{Contract, keep};
use crate::testing::{Scene, crashed, merge, pod, recovered, status};

const BARE: &str = "PostStartHook failed";
const EXITED: &str = "PostStartHook failed: command '/bin/register' exited with 4: , message: \"no license\"";
const CUT_OFF: &str = "PostStartHook failed: command '/bin/register' exited with 137: , message: \"\"";
const MISSING: &str = "PostStartHook failed: rpc error: code = Unknown desc = failed to exec in container: failed to start exec \"8f\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"/bin/register\": stat /bin/register: no such file or directory: unknown";
const OVERRUN: &str = "I0301 11:58:00.000000    812 kuberuntime_container.go:642] \"PreStop hook not completed in grace period\" pod=\"shop/app-1\" podUID=\"0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60\" containerName=\"app\" containerID=\"containerd://cc\" gracePeriod=30";

fn hooked(hooks: Value, status: Value) -> Value {
    pod(
        json!({"spec": {"containers": [{"name": "app", "lifecycle": hooks}]}, "status": {"containerStatuses": [status]}}),
    )
}

fn post() -> Value {
    json!({"postStart": {"exec": {"command": ["/bin/register"]}}})
}

fn pre() -> Value {
    json!({"preStop": {"exec": {"command": ["/bin/drain"]}}})
}

/// The kubelet waits before it tries again.
fn waiting(message: &str) -> Scene {
    let state = json!({"ready": false, "state": {"running": null, "waiting": {"reason": "PostStartHookError", "message": message}}});
    Scene::new().object(hooked(post(), status(state)))
}

fn ended(hooks: Value, code: i64, reason: &str) -> Scene {
    Scene::new().object(hooked(hooks, crashed(code, reason)))
}

fn said(scene: Scene, reason: &str, message: &str, time: &str) -> Scene {
    scene.container_event("Pod/shop/app-1", "app", reason, message, time)
}

/// It runs, and an event of a hook's failure at its first start is left.
fn healthy(hooks: Value, reason: &str, message: &str) -> Scene {
    said(
        Scene::new().object(hooked(hooks, status(json!({})))),
        reason,
        message,
        "2026-03-01T10:00:00Z",
    )
}

fn over(hooks: Value, reason: &str, message: &str) -> Scene {
    said(
        Scene::new().object(hooked(hooks, recovered(137, "Error"))),
        reason,
        message,
        "2026-03-01T11:19:40Z",
    )
}

fn creating(started: &str) -> Scene {
    let state = json!({"ready": false, "started": false, "state": {"running": null, "waiting": {"reason": "ContainerCreating"}}});
    let mut it = hooked(post(), status(state));
    merge(&mut it, json!({"status": {"phase": "Pending"}}));
    let scene = Scene::new().object(it);
    if started.is_empty() {
        return scene;
    }
    said(scene, "Started", "Started container app", started)
}

const TABLE: &[Contract] = &[
    Contract {
        code: "HOK-POSTSTART-FAILED",
        verdict: Verdict::Proven,
        found: || waiting(EXITED),
        rival: ("HOK-POSTSTART-KILLED", || waiting(CUT_OFF)),
        open: || ended(post(), 137, "Error"),
        healthy: || healthy(post(), "FailedPostStartHook", BARE),
        over: || over(post(), "FailedPostStartHook", BARE),
    },
    Contract {
        code: "HOK-POSTSTART-KILLED",
        verdict: Verdict::Proven,
        found: || waiting(CUT_OFF),
        rival: ("HOK-POSTSTART-FAILED", || waiting(EXITED)),
        open: || ended(post(), 137, "Error"),
        healthy: || healthy(post(), "FailedPostStartHook", CUT_OFF),
        over: || over(post(), "FailedPostStartHook", CUT_OFF),
    },
    Contract {
        code: "HOK-COMMAND-MISSING",
        verdict: Verdict::Proven,
        found: || waiting(MISSING),
        // Events from 1.26 on do not say why.
        rival: ("HOK-POSTSTART-FAILED", || {
            said(
                ended(post(), 137, "Error"),
                "FailedPostStartHook",
                BARE,
                "2026-03-01T11:57:50Z",
            )
        }),
        open: || ended(post(), 137, "Error"),
        healthy: || healthy(post(), "FailedPostStartHook", MISSING),
        over: || over(post(), "FailedPostStartHook", MISSING),
    },
    Contract {
        code: "HOK-POSTSTART-HUNG",
        verdict: Verdict::Likely,
        found: || creating("2026-03-01T11:50:00Z"),
        rival: ("HOK-POSTSTART-FAILED", || waiting(EXITED)),
        // Nothing tells that it was started.
        open: || creating(""),
        healthy: || {
            let mut it = hooked(
                post(),
                status(
                    json!({"ready": false, "started": false, "state": {"running": null, "waiting": {"reason": "ContainerCreating"}}}),
                ),
            );
            merge(
                &mut it,
                json!({"metadata": {"creationTimestamp": "2026-03-01T11:59:45Z"}, "status": {"phase": "Pending", "startTime": "2026-03-01T11:59:45Z"}}),
            );
            said(
                Scene::new().object(it),
                "Started",
                "Started container app",
                "2026-03-01T11:59:50Z",
            )
        },
        over: || {
            said(
                Scene::new().object(hooked(post(), status(json!({})))),
                "Started",
                "Started container app",
                "2026-03-01T11:50:00Z",
            )
        },
    },
    Contract {
        code: "HOK-PRESTOP-FAILED",
        verdict: Verdict::Proven,
        // Pasted, without the container's end.
        found: || Scene::new().loose("PreStopHook failed"),
        rival: ("HOK-PRESTOP-OVERRUN", || {
            ended(pre(), 137, "Error").kubelet("n1", OVERRUN)
        }),
        open: || ended(pre(), 137, "Error"),
        healthy: || healthy(pre(), "FailedPreStopHook", "PreStopHook failed"),
        over: || over(pre(), "FailedPreStopHook", "PreStopHook failed"),
    },
    Contract {
        code: "HOK-PRESTOP-OVERRUN",
        verdict: Verdict::Proven,
        found: || ended(pre(), 137, "Error").kubelet("n1", OVERRUN),
        rival: ("EXT-GRACE-EXCEEDED", || {
            said(
                ended(json!({}), 137, "Error"),
                "Killing",
                "Stopping container app",
                "2026-03-01T11:57:30Z",
            )
        }),
        open: || ended(pre(), 137, "Error"),
        healthy: || {
            let mut ending = hooked(pre(), crashed(137, "Error"));
            merge(
                &mut ending,
                json!({"metadata": {"deletionTimestamp": "2026-03-01T12:00:10Z", "deletionGracePeriodSeconds": 30}}),
            );
            Scene::new().object(ending)
        },
        over: || {
            Scene::new()
                .object(hooked(pre(), recovered(137, "Error")))
                .kubelet("n1", &OVERRUN.replace("11:58:00", "11:19:58"))
        },
    },
];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, TABLE);
}

/// From 1.26 on the event has no detail: a container that the kernel killed for memory took its hook with it.
#[test]
fn a_hook_that_ended_with_its_container_is_not_to_blame() {
    let mut it = hooked(post(), crashed(137, "OOMKilled"));
    merge(
        &mut it["spec"]["containers"][0],
        json!({"resources": {"limits": {"memory": "64Mi"}}}),
    );
    let scene = said(
        Scene::new().object(it),
        "FailedPostStartHook",
        BARE,
        "2026-03-01T11:57:59Z",
    );
    let outcome = scene.diagnose();
    outcome.finds_only("OOM-CONTAINER-LIMIT", Verdict::Likely);
    outcome.rules_out("HOK-POSTSTART-FAILED");
    let mut waits = status(
        json!({"ready": false, "state": {"running": null, "waiting": {"reason": "PostStartHookError", "message": BARE}}}),
    );
    merge(
        &mut waits,
        json!({"lastState": crashed(137, "OOMKilled")["lastState"]}),
    );
    let outcome = Scene::new().object(hooked(post(), waits)).diagnose();
    outcome.finds_only("HOK-POSTSTART-KILLED", Verdict::Proven);
}
