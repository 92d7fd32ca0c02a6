//! LIV-PORT-CLOSED: the kubelet killed the container because nothing listens on the port that its liveness probe asks.

use sonde_grammar::fact::ProbeKind;
use sonde_model::{Code, Risk};

use super::killed::{Strong, killed};
use crate::cause::page;
use crate::probing::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LIV-PORT-CLOSED"),
    title: "liveness probe: nothing listens on its port",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("LIV-PORT-CLOSED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(killed) = killed(facts, ProbeKind::Liveness) else {
        return;
    };
    let Some((failing, why)) = killed.failing.as_ref().zip(killed.why.as_ref()) else {
        return;
    };
    let (who, is) = (&killed.who, killed.is);
    let port = failing.port_text();
    let (reason, shown) = match why {
        Why::NothingListens => (String::new(), None),
        Why::WrongPort { listens, seen } => {
            (format!("the application listens {listens}"), Some(seen.clone()))
        }
        _ => return,
    };
    killed.state(facts, case, Strong::Proof, &reason, shown);
    if let Some((text, seen)) = failing.declared_elsewhere(facts) {
        case.step(text, [seen]);
    }
    case.headline(match why {
        Why::WrongPort { listens, .. } => {
            format!("{who} {is} its liveness probe: it asks {port}, and the application listens {listens}")
        }
        _ => format!("{who} {is} its liveness probe: nothing listens on {port}"),
    });
    if facts.log().is_none()
        && let Some(want) = facts.want_log()
    {
        case.wants(want, "which port the application listens on, and when");
    }
    case.advice(
        "let the probe ask the port on which the application listens on all addresses (0.0.0.0 or ::); if the application has not finished starting by then, use a startup probe",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use super::super::killed::tests::{REFUSED, TIMED_OUT, calm_while_it_runs_on, http, scene};

    #[test]
    fn found_when_the_connection_is_refused() {
        let outcome = scene(http(8080), REFUSED, true).diagnose();
        let finding = outcome.finds_only("LIV-PORT-CLOSED", Verdict::Proven);
        assert!(finding.headline.contains("8080"), "{}", finding.headline);
    }

    #[test]
    fn names_the_port_on_which_the_application_listens() {
        let log = "Server listening on port 9090\n";
        let outcome = scene(http(8080), REFUSED, true)
            .log("shop/app-1", "app", true, log)
            .diagnose();
        assert!(
            outcome
                .finds_only("LIV-PORT-CLOSED", Verdict::Proven)
                .headline
                .contains("9090")
        );
    }

    #[test]
    fn only_likely_without_the_kubelets_word_and_not_for_a_time_out() {
        scene(http(8080), REFUSED, false)
            .diagnose()
            .finds_only("LIV-PORT-CLOSED", Verdict::Likely);
        scene(http(8080), TIMED_OUT, true)
            .diagnose()
            .lacks("LIV-PORT-CLOSED");
    }

    #[test]
    fn calm_when_the_container_runs_on() {
        calm_while_it_runs_on("LIV-PORT-CLOSED");
    }
}
