//! INI-SLOW: an init container has run for long and does not say that it waits for anything.

use sonde_model::{Code, Risk, Severity};

use super::target::target;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("INI-SLOW"),
    title: "init container takes long",
    explains: &[Symptom::InitBlocked],
    reads: &[],
    state,
    page: page!("INI-SLOW"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let sidecar = facts
        .container()
        .is_some_and(|(it, _)| it.restart_policy == "Always");
    if facts.init_position().is_none() || sidecar || target(facts).is_some() {
        return;
    }
    let Some((status, path)) = facts.status() else {
        return;
    };
    let Some(since) = status.state.running.as_ref().and_then(|it| it.started_at.0) else {
        return;
    };
    let seen = facts.field(&format!("{path}.state.running.startedAt"), since);
    let who = facts.container_phrase();
    let lasts = facts
        .now
        .map(|now| now.duration_since(since).as_mins())
        .map_or(String::new(), |minutes| {
            format!(" for {}", crate::wording::count(minutes, "minute"))
        });
    // That it runs is certain; whether it works or hangs is not.
    case.hinted_by(seen.clone());
    case.severity(Severity::Warning);
    case.step(format!("{who} has run{lasts} and has not ended"), [seen]);
    if let Some((line, seen)) = facts.last_words().into_iter().max_by_key(|(line, _)| line.line) {
        case.step(format!("the last telling line of its log: {}", line.text), [seen]);
    } else if let Some(want) = facts.want_log().filter(|_| facts.log().is_none()) {
        case.wants(want, "whether the init container works or hangs");
    }
    case.headline(format!(
        "{who} has run{lasts}; nothing shows that it waits for something or fails"
    ));
    case.look(
        "whether it still does something",
        format!(
            "kubectl logs {} -c {} --tail=20 -f",
            facts.episode.subject.kubectl(),
            facts.episode.container.as_deref().unwrap_or_default()
        ),
    );
    case.advice(
        "long work (migrations, downloads) is better a Job before the rollout: an init container runs again with every pod",
        Risk::None,
    );
}

#[cfg(test)]
mod tests {
    use sonde_model::{Severity, Verdict};

    use crate::testing::Scene;

    fn blocked(since: &str) -> serde_json::Value {
        use crate::testing::{pod, status};
        use serde_json::json;
        pod(json!({
            "spec": {"initContainers": [{"name": "migrate", "image": "b", "command": ["/migrate"]}]},
            "status": {"phase": "Pending", "conditions": [],
                "initContainerStatuses": [status(json!({"name": "migrate", "ready": false, "state": {"running": {"startedAt": since}}}))],
                "containerStatuses": [status(json!({"ready": false, "started": false, "state": {"running": null, "waiting": {"reason": "PodInitializing"}}}))]}
        }))
    }

    #[test]
    fn possible_after_a_while_and_only_a_warning() {
        let outcome = Scene::new().object(blocked("2026-03-01T11:00:00Z")).diagnose();
        let finding = outcome.finds_only("INI-SLOW", Verdict::Possible);
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.headline.contains("60 minutes"), "{}", finding.headline);
        assert!(!outcome.wants.is_empty());
    }

    #[test]
    fn calm_at_first() {
        Scene::new()
            .object(blocked("2026-03-01T11:58:00Z"))
            .diagnose()
            .is_calm();
    }

    #[test]
    fn not_when_it_says_what_it_waits_for() {
        let outcome = Scene::new()
            .object(blocked("2026-03-01T11:00:00Z"))
            .log("shop/app-1", "migrate", false, "waiting for orders-db")
            .diagnose();
        outcome.lacks("INI-SLOW");
    }
}
