//! LIV-EXEC-PROBE-BROKEN: the liveness probe runs a command that is not in the image, and the kubelet killed the container for it.

use sonde_grammar::fact::ProbeKind;
use sonde_model::{Code, Risk, Severity};

use super::killed::{Strong, killed};
use crate::cause::page;
use crate::probing::{Why, failing, kind_word};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LIV-EXEC-PROBE-BROKEN"),
    title: "liveness probe: its command cannot be run",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("LIV-EXEC-PROBE-BROKEN"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(killed) = killed(facts, ProbeKind::Liveness) else {
        return runs_unwatched(facts, case);
    };
    let Some((failing, why)) = killed.failing.as_ref().zip(killed.why.as_ref()) else {
        return;
    };
    let (who, is) = (&killed.who, killed.is);
    let Why::ExecBroken = why else { return };
    let reason = "the image lacks the command, so the probe tells nothing about the application";
    killed.state(facts, case, Strong::Proof, reason, None);
    case.headline(format!(
        "{who} {is} its liveness probe, whose command cannot be run: {}",
        failing.asks()
    ));
    case.advice(
        "install the command in the image, or use an httpGet, tcpSocket or grpc probe",
        Risk::Restart,
    );
}

/// The kubelet counts a command that cannot be run as unknown: no restart, and no watch.
fn runs_unwatched(facts: &Facts<'_>, case: &mut Case) {
    if facts.episode.run.is_some() || facts.is_text() {
        return;
    }
    let Some(failing) = failing(facts, &[ProbeKind::Liveness, ProbeKind::Startup]) else {
        return;
    };
    if failing.why(facts) != Why::ExecBroken {
        return;
    }
    case.proven_by(failing.message.seen());
    case.severity(Severity::Warning);
    let word = kind_word(failing.kind);
    case.step(
        format!("the kubelet's {word} probe runs {}", failing.asks()),
        failing.settings(facts),
    );
    case.step(failing.met(), [failing.message.seen()]);
    case.step(
        "the kubelet counts that as unknown: it restarts nothing, and the probe watches nothing",
        [],
    );
    case.headline(format!(
        "the {word} probe of {} cannot run {}: nothing watches the container",
        facts.container_phrase(),
        failing.asks()
    ));
    case.advice(
        "install the command in the image, or use an httpGet, tcpSocket or grpc probe",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use super::super::killed::tests::{REFUSED, TIMED_OUT, http, scene};

    const MISSING: &str = "Liveness probe errored: rpc error: code = Unknown desc = failed to exec in container: failed to start exec \"5\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"redis-cli\": executable file not found in $PATH: unknown";

    #[test]
    fn found_when_the_kubelet_kills_for_it() {
        let probe = serde_json::json!({"livenessProbe": {"exec": {"command": ["redis-cli", "ping"]}}});
        let outcome = scene(probe, MISSING, true).diagnose();
        let finding = outcome.finds_only("LIV-EXEC-PROBE-BROKEN", Verdict::Proven);
        assert!(finding.headline.contains("redis-cli"), "{}", finding.headline);
    }

    #[test]
    fn told_where_the_kubelet_restarts_nothing() {
        let probe = serde_json::json!({"livenessProbe": {"exec": {"command": ["redis-cli", "ping"]}}});
        let mut it = crate::testing::pod(serde_json::json!({"spec": {"containers": [{"name": "app"}]}}));
        crate::testing::merge(&mut it["spec"]["containers"][0], probe);
        let said = MISSING.replace("errored:", "errored and resulted in unknown state:");
        let scene = crate::testing::Scene::new().object(it);
        let outcome = scene
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Unhealthy",
                &said,
                "2026-03-01T11:57:30Z",
            )
            .diagnose();
        outcome.finds_only("LIV-EXEC-PROBE-BROKEN", Verdict::Proven);
    }

    #[test]
    fn not_found_for_other_failures() {
        scene(http(8080), REFUSED, true)
            .diagnose()
            .lacks("LIV-EXEC-PROBE-BROKEN");
        scene(http(8080), TIMED_OUT, true)
            .diagnose()
            .lacks("LIV-EXEC-PROBE-BROKEN");
        scene(http(8080), "", false)
            .diagnose()
            .lacks("LIV-EXEC-PROBE-BROKEN");
    }
}
