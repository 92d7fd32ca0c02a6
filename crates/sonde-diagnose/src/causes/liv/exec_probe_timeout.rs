//! LIV-EXEC-PROBE-TIMEOUT: the liveness probe's command did not end in time, and the kubelet killed the container for it.

use sonde_grammar::fact::ProbeKind;
use sonde_model::{Code, Risk};

use super::killed::{Strong, killed};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LIV-EXEC-PROBE-TIMEOUT"),
    title: "liveness probe: its command does not end in time",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("LIV-EXEC-PROBE-TIMEOUT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(killed) = killed(facts, ProbeKind::Liveness) else {
        return;
    };
    let Some((failing, why)) = killed.failing.as_ref().zip(killed.why.as_ref()) else {
        return;
    };
    let (who, is) = (&killed.who, killed.is);
    let Why::ExecTimeout = why else { return };
    if super::oscillation::is_oscillating(facts) {
        return;
    }
    let timeout = failing.spec.as_ref().map_or(1, |(_, probe, _)| probe.timeout());
    let reason =
        "each command is a process of its own: under load, or when children pile up, it takes longer";
    killed.state(facts, case, Strong::Proof, reason, None);
    case.headline(format!(
        "{who} {is} its liveness probe: {} does not end within {timeout} s",
        failing.asks()
    ));
    case.advice("raise timeoutSeconds, make the command cheaper (no JVM or interpreter), or use an httpGet, tcpSocket or grpc probe", Risk::Restart);
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use super::super::killed::tests::{REFUSED, TIMED_OUT, http, scene};

    #[test]
    fn found_in_the_words_of_the_versions() {
        let probe = || serde_json::json!({"livenessProbe": {"exec": {"command": ["/check.sh"]}}});
        for said in [
            "Liveness probe failed: command timed out: \"/check.sh\" timed out after 1s",
            "Liveness probe failed: command \"/check.sh\" timed out",
        ] {
            scene(probe(), said, true)
                .diagnose()
                .finds_only("LIV-EXEC-PROBE-TIMEOUT", Verdict::Proven);
        }
    }

    #[test]
    fn not_found_for_other_failures() {
        scene(http(8080), REFUSED, true)
            .diagnose()
            .lacks("LIV-EXEC-PROBE-TIMEOUT");
        scene(http(8080), TIMED_OUT, true)
            .diagnose()
            .lacks("LIV-EXEC-PROBE-TIMEOUT");
        scene(http(8080), "", false)
            .diagnose()
            .lacks("LIV-EXEC-PROBE-TIMEOUT");
    }
}
