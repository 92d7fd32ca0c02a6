//! LIV-EXEC-PROBE-FAILS: the liveness probe's command ends with an error, and the kubelet killed the container for it.

use sonde_grammar::fact::ProbeKind;
use sonde_model::{Code, Risk};

use super::killed::{Strong, killed};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LIV-EXEC-PROBE-FAILS"),
    title: "liveness probe: its command fails",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("LIV-EXEC-PROBE-FAILS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(killed) = killed(facts, ProbeKind::Liveness) else {
        return;
    };
    let Some((failing, why)) = killed.failing.as_ref().zip(killed.why.as_ref()) else {
        return;
    };
    let (who, is) = (&killed.who, killed.is);
    let Why::ExecFails = why else { return };
    killed.state(facts, case, Strong::Proof, "", None);
    case.headline(format!(
        "{who} {is} its liveness probe: {} fails ({})",
        failing.asks(),
        failing.met()
    ));
    case.advice("run the command in the container by hand and mend what it complains about; a probe must fail only where a restart helps", Risk::None);
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use super::super::killed::tests::{REFUSED, TIMED_OUT, http, scene};

    #[test]
    fn found_with_the_commands_output() {
        let probe = serde_json::json!({"livenessProbe": {"exec": {"command": ["cat", "/tmp/healthy"]}}});
        let said = "Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory\n";
        let outcome = scene(probe, said, true).diagnose();
        let finding = outcome.finds_only("LIV-EXEC-PROBE-FAILS", Verdict::Proven);
        assert!(finding.headline.contains("/tmp/healthy"), "{}", finding.headline);
        let by_hand = finding.fixes.iter().find(|it| it.text.contains("by hand"));
        assert_eq!(by_hand.map(|it| it.risk), Some(sonde_model::Risk::None));
    }

    #[test]
    fn not_found_for_other_failures() {
        scene(http(8080), REFUSED, true)
            .diagnose()
            .lacks("LIV-EXEC-PROBE-FAILS");
        scene(http(8080), TIMED_OUT, true)
            .diagnose()
            .lacks("LIV-EXEC-PROBE-FAILS");
        scene(http(8080), "", false)
            .diagnose()
            .lacks("LIV-EXEC-PROBE-FAILS");
    }
}
