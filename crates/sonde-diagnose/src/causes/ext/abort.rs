//! EXT-ABORT: the program aborted itself (SIGABRT, exit code 134).

use sonde_model::{Code, Risk, SenderKind};

use super::words::why;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-ABORT"),
    title: "the program aborts itself (exit code 134)",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("EXT-ABORT"),
};

const SIGABRT: i64 = 6;

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(((code, ended), SIGABRT)) = facts.exit().zip(facts.signal()) else {
        return;
    };
    let who = facts.container_phrase();
    // A program may exit with 134 of its own will; its words or the runtime's decide.
    let by_signal = facts.by_signal();
    if by_signal || why(facts).is_some() {
        case.generally_proven_by(ended.clone());
    } else {
        case.supported_by(ended.clone());
    }
    let sent = facts.witness().signal(SIGABRT);
    let by_other = sent.filter(|sent| sent.by_somebody() && sent.sender.kind != SenderKind::Itself);
    match why(facts) {
        _ if by_other.is_some() => {
            if let Some(sent) = by_other {
                let from = sent.from();
                case.headline(format!(
                    "{who} is ended by a SIGABRT that {from} sent (exit code {code})"
                ));
                case.step(format!("{from} sends it SIGABRT"), [sent.seen.clone()]);
            }
        }
        Some((clause, _, line)) => {
            case.headline(format!("{who} aborts itself (exit code {code}): {clause}"));
            case.step(format!("the program gives up: {clause}"), [line]);
        }
        None => {
            case.headline(format!("{who} aborts itself (SIGABRT, exit code {code}): the program or its runtime met something that it cannot go on with"));
            if let Some(last) = facts.last_line() {
                case.step("the last thing it says", [last]);
            }
            if let Some(want) = facts.want_log().filter(|_| facts.log().is_none()) {
                case.wants(want, "what the program says before it aborts");
            }
        }
    }
    case.step(
        match by_other {
            Some(_) => format!("SIGABRT ends it (exit code {code} is 128 + {SIGABRT})"),
            None => format!("it ends itself with SIGABRT (exit code {code} is 128 + {SIGABRT})"),
        },
        [ended],
    );
    case.advice("this is a fault inside the program or its memory settings: see the lines before its end, and its core dump", Risk::None);
    case.look("what it says before its end", facts.logs_command());
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    fn ended(code: i64) -> Value {
        pod(json!({"status": {"containerStatuses": [crashed(code, "Error")]}}))
    }

    #[test]
    fn found_with_and_without_the_programs_words() {
        Scene::new()
            .object(ended(134))
            .diagnose()
            .finds_only("EXT-ABORT", Verdict::Likely);
        let log = "server: main.c:12: serve: Assertion `fd >= 0' failed.\n";
        let outcome = Scene::new()
            .object(ended(134))
            .log("shop/app-1", "app", true, log)
            .diagnose();
        assert!(
            outcome
                .finds_only("EXT-ABORT", Verdict::Proven)
                .headline
                .contains("ssertion")
        );
    }

    #[test]
    fn silent_on_other_signals_and_healthy_pods() {
        for code in [1, 137, 139, 143] {
            Scene::new().object(ended(code)).diagnose().lacks("EXT-ABORT");
        }
        Scene::new()
            .object(pod(json!({"status": {"containerStatuses": [status(json!({}))]}})))
            .diagnose()
            .is_calm();
    }
}
