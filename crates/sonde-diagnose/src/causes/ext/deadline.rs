//! EXT-DEADLINE: the pod ran longer than its own deadline, and the kubelet ended it.

use sonde_model::{Code, Risk};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-DEADLINE"),
    title: "the pod reached its deadline",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("EXT-DEADLINE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let pod = facts.pod();
    if pod.status.reason != "DeadlineExceeded" {
        return;
    }
    let said = facts.field(
        "status.reason",
        format!("{}: {}", pod.status.reason, pod.status.message),
    );
    case.proven_by(said.clone());
    let limit = pod.spec.active_deadline_seconds;
    if let Some(seconds) = limit {
        case.step(
            format!("the pod may be active for {seconds}s in all"),
            [facts.field("spec.activeDeadlineSeconds", seconds)],
        );
    }
    case.step("the kubelet ends it because the time is up", [said]);
    if let Some((code, ended)) = facts.exit() {
        case.step(format!("its process ends with exit code {code}"), [ended]);
    }
    let name = &facts.workload().name;
    case.headline(match limit {
        Some(seconds) => format!("{name} was ended because it ran longer than its deadline of {seconds}s"),
        None => format!("{name} was ended because it ran longer than its deadline"),
    });
    case.advice(
        "give it a longer activeDeadlineSeconds, or find out what takes so long",
        Risk::None,
    );
    if facts.episode.container.is_some() {
        case.look("what it was doing", facts.logs_command());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    fn ended(reason: Option<&str>) -> serde_json::Value {
        let end = json!({"exitCode": 143, "reason": "Error", "startedAt": "2026-03-01T11:50:00Z", "finishedAt": "2026-03-01T11:58:00Z"});
        pod(json!({
            "spec": {"restartPolicy": "Never", "activeDeadlineSeconds": 480},
            "status": {"phase": "Failed", "reason": reason,
                "message": reason.map(|_| "Pod was active on the node longer than the specified deadline"),
                "containerStatuses": [status(json!({"ready": false, "state": {"running": null, "terminated": end}}))]}
        }))
    }

    #[test]
    fn found_by_the_pods_own_status() {
        let outcome = Scene::new().object(ended(Some("DeadlineExceeded"))).diagnose();
        let finding = outcome.finds_only("EXT-DEADLINE", Verdict::Proven);
        assert!(finding.headline.contains("480s"), "{}", finding.headline);
    }

    #[test]
    fn silent_without_it_and_on_healthy_pods() {
        Scene::new().object(ended(None)).diagnose().lacks("EXT-DEADLINE");
        Scene::new()
            .object(pod(
                json!({"status": {"containerStatuses": [crashed(1, "Error")]}}),
            ))
            .diagnose()
            .lacks("EXT-DEADLINE");
        Scene::new()
            .object(pod(json!({"spec": {"activeDeadlineSeconds": 99999}})))
            .diagnose()
            .is_calm();
    }
}
