//! The tests that every cause of this family passes, as data.

use serde_json::{Value, json};
use sonde_model::{Kind, Verdict};

use crate::testing::{Outcome, Scene, pod, status};

/// A pod whose container waits for its image.
pub(super) fn waiting(reason: &str, message: &str) -> Value {
    waiting_for("registry.example/app:1", reason, message)
}

/// As [`waiting`], for an image.
pub(super) fn waiting_for(image: &str, reason: &str, message: &str) -> Value {
    pod(json!({
        "spec": {"containers": [{"name": "app", "image": image}]},
        "status": {"phase": "Pending", "conditions": [], "containerStatuses": [status(json!({
            "ready": false, "started": false, "containerID": "", "image": image,
            "state": {"running": null, "waiting": {"reason": reason, "message": message}}
        }))]}
    }))
}

/// The event and waiting message of a failed pull of `registry.example/app:1` until 1.31.
pub(super) fn old_kubelet(words: &str) -> Scene {
    Scene::new()
        .object(waiting(
            "ImagePullBackOff",
            "Back-off pulling image \"registry.example/app:1\"",
        ))
        .container_event(
            "Pod/shop/app-1",
            "app",
            "Failed",
            &format!(
                "Failed to pull image \"registry.example/app:1\": rpc error: code = Unknown desc = {words}"
            ),
            "2026-03-01T11:58:00Z",
        )
        .container_event(
            "Pod/shop/app-1",
            "app",
            "Failed",
            "Error: ErrImagePull",
            "2026-03-01T11:58:00Z",
        )
}

/// The same from 1.32 on: the waiting message has the last error.
pub(super) fn new_kubelet(words: &str) -> Scene {
    Scene::new().object(waiting(
        "ImagePullBackOff",
        &format!("Back-off pulling image \"registry.example/app:1\": ErrImagePull: {words}"),
    ))
}

/// One cause of this family.
pub(super) struct Check<'a> {
    pub(super) code: &'a str,
    /// The runtime's words that prove it.
    pub(super) proofs: &'a [&'a str],
    /// What the headline says.
    pub(super) says: &'a [&'a str],
}

const NOT_FOUND: &str = "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": registry.example/app:1: not found";
const DNS: &str = "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp: lookup registry.example on 10.96.0.10:53: no such host";

/// Proven by old and new wording and by pasted text alone; not found when a rival is; not claimed without words; calm on
/// a pod that has its image; over when the image came.
#[track_caller]
pub(super) fn check(check: &Check<'_>) {
    let Check { code, proofs, says } = check;
    let told = |outcome: &Outcome| {
        let finding = outcome.finding(code);
        for words in *says {
            assert!(
                finding.headline.contains(words),
                "{words:?} is not in {:?}",
                finding.headline
            );
        }
    };
    for words in *proofs {
        for scene in [old_kubelet(words), new_kubelet(words)] {
            let outcome = scene.diagnose();
            outcome.finds_only(code, Verdict::Proven);
            told(&outcome);
        }
        let pasted =
            format!("Warning  Failed  2m  kubelet  Failed to pull image \"registry.example/app:1\": {words}");
        let outcome = Scene::new().loose(&pasted).diagnose();
        outcome.finds_only(code, Verdict::Proven);
        let healthy = Scene::new().object(pod(json!({}))).container_event(
            "Pod/shop/app-1",
            "app",
            "Failed",
            &format!("Failed to pull image \"registry.example/app:1\": {words}"),
            "2026-03-01T10:00:01Z",
        );
        healthy.diagnose().is_calm();
        let over = Scene::new()
            .object(waiting("ContainerCreating", ""))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Failed",
                &format!("Failed to pull image \"registry.example/app:1\": {words}"),
                "2026-03-01T11:58:00Z",
            )
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Pulled",
                "Successfully pulled image \"registry.example/app:1\" in 2s (2s including waiting). Image size: 10 bytes.",
                "2026-03-01T11:59:00Z",
            );
        over.diagnose().lacks(code);
    }
    let rival = if *code == "IMG-NOT-FOUND" { DNS } else { NOT_FOUND };
    new_kubelet(rival).diagnose().lacks(code);
    silent(code);
}

/// Without any word on why, nothing is claimed, and the report says where to look.
#[track_caller]
pub(super) fn silent(code: &str) {
    let outcome = Scene::new()
        .object(waiting(
            "ImagePullBackOff",
            "Back-off pulling image \"registry.example/app:1\"",
        ))
        .complete(&[Kind::Secret])
        .diagnose();
    outcome.lacks(code).finds_only("IMG-UNKNOWN", Verdict::Unknown);
}
