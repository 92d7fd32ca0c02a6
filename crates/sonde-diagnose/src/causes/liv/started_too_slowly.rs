//! LIV-STARTED-TOO-SLOWLY: the liveness probe killed the container before its application had finished starting.

use sonde_grammar::fact::ProbeKind;
use sonde_model::{Code, Risk};

use super::killed::{Strong, killed};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LIV-STARTED-TOO-SLOWLY"),
    title: "killed before it finished starting",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("LIV-STARTED-TOO-SLOWLY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(killed) = killed(facts, ProbeKind::Liveness) else {
        return;
    };
    let Some((failing, why)) = killed.failing.as_ref().zip(killed.why.as_ref()) else {
        return;
    };
    let who = &killed.who;
    let Why::TooSlow { sure, seconds, seen } = why else {
        return;
    };
    let budget = killed.budget().unwrap_or(0);
    let reason = match seconds {
        Some(seconds) => format!("by its log the application is up only {seconds} s after its start"),
        None => "its last words are those of a program that is still starting".into(),
    };
    killed.state(
        facts,
        case,
        if *sure { Strong::Proof } else { Strong::Support },
        &reason,
        Some(seen.clone()),
    );
    let takes = seconds.map_or(String::new(), |seconds| format!("; it needs {seconds} s"));
    case.headline(format!(
        "{who} is killed before it has finished starting: its liveness probe on {} gives it {budget} s{takes}",
        failing.port_text()
    ));
    killed.give_time(facts, case, seconds.unwrap_or(budget).saturating_mul(3));
    case.advice(
        "or raise the liveness probe's initialDelaySeconds or failureThreshold above the start-up time",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use super::super::killed::tests::{REFUSED, TIMED_OUT, calm_while_it_runs_on, http, scene};
    use crate::testing::{Scene, pod};

    fn starting(log: &str) -> Scene {
        // The run lasts 40 s: delay, three failures, and the end.
        let probe = serde_json::json!({"livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "initialDelaySeconds": 5, "periodSeconds": 10}});
        let mut it = pod(
            serde_json::json!({"spec": {"containers": [{"name": "app"}]}, "status": {"containerStatuses": [crate::testing::crashed(137, "Error")]}}),
        );
        crate::testing::merge(&mut it["spec"]["containers"][0], probe);
        it["status"]["containerStatuses"][0]["lastState"]["terminated"]["startedAt"] =
            "2026-03-01T11:57:00Z".into();
        Scene::new()
            .object(it)
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Unhealthy",
                REFUSED,
                "2026-03-01T11:57:35Z",
            )
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                "Container app failed liveness probe, will be restarted",
                "2026-03-01T11:57:35Z",
            )
            .log("shop/app-1", "app", true, log)
    }

    #[test]
    fn found_when_the_log_shows_when_it_was_up() {
        let outcome =
            starting("2026-03-01T11:57:01Z loading\n2026-03-01T11:57:40Z Server listening on port 8080\n")
                .diagnose();
        let finding = outcome.finds_only("LIV-STARTED-TOO-SLOWLY", Verdict::Proven);
        assert!(finding.headline.contains("40 s"), "{}", finding.headline);
    }

    #[test]
    fn likely_when_its_last_words_are_about_starting() {
        starting("loading caches\n")
            .diagnose()
            .finds_only("LIV-STARTED-TOO-SLOWLY", Verdict::Likely);
    }

    #[test]
    fn not_found_when_it_served_before_or_nothing_says_so() {
        scene(http(8080), REFUSED, true)
            .log("shop/app-1", "app", true, "loading\n")
            .diagnose()
            .lacks("LIV-STARTED-TOO-SLOWLY");
        starting("hello\n")
            .diagnose()
            .lacks("LIV-STARTED-TOO-SLOWLY")
            .finds_only("LIV-PORT-CLOSED", Verdict::Proven);
        scene(http(8080), TIMED_OUT, true)
            .diagnose()
            .lacks("LIV-STARTED-TOO-SLOWLY");
    }

    #[test]
    fn calm_when_the_container_runs_on() {
        calm_while_it_runs_on("LIV-STARTED-TOO-SLOWLY");
    }
}
