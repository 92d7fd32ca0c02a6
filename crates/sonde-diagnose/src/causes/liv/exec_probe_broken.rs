//! LIV-EXEC-PROBE-BROKEN: the liveness probe runs a command that is not in the image, and the kubelet killed the container for it.

use sonde_grammar::fact::ProbeKind;
use sonde_model::{Code, Risk};

use super::killed::{Strong, killed};
use crate::cause::page;
use crate::probing::Why;
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
    let Some(killed) = killed(facts, ProbeKind::Liveness) else { return };
    let Some((failing, why)) = killed.failing.as_ref().zip(killed.why.as_ref()) else { return };
    let who = &killed.who;
    let Why::ExecBroken = why else { return };
    let reason = "the image lacks the command, so the probe tells nothing about the application";
    killed.state(facts, case, Strong::Proof, reason, None);
    case.headline(format!("{who} is killed by its liveness probe, whose command cannot be run: {}", failing.asks()));
    case.advice("install the command in the image, or use an httpGet, tcpSocket or grpc probe", Risk::Restart);
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
    fn not_found_for_other_failures() {
        scene(http(8080), REFUSED, true).diagnose().lacks("LIV-EXEC-PROBE-BROKEN");
        scene(http(8080), TIMED_OUT, true).diagnose().lacks("LIV-EXEC-PROBE-BROKEN");
        scene(http(8080), "", false).diagnose().lacks("LIV-EXEC-PROBE-BROKEN");
    }
}
