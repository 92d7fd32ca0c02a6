//! TRM-IGNORES-TERM: the process does not end on SIGTERM, so the pod uses up its whole, long grace period.

use sonde_model::{Code, Kind, Risk, Severity};

use crate::cause::page;
use crate::causes::ext::ignoring;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("TRM-IGNORES-TERM"),
    title: "process ignores SIGTERM",
    explains: &[Symptom::Deleting],
    reads: &[],
    state,
    page: page!("TRM-IGNORES-TERM"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if facts.episode.subject.kind != Kind::Pod {
        return;
    }
    let pod = facts.pod();
    let (Some(deletion), Some(now)) = (pod.metadata.deletion_timestamp.0, facts.now) else {
        return;
    };
    if now > deletion {
        return;
    }
    let running: Vec<&str> = pod
        .status
        .container_statuses
        .iter()
        .filter(|status| status.state.running.is_some())
        .map(|status| status.name.as_str())
        .collect();
    let Some(first) = running.first() else { return };
    let hook = pod
        .container(first)
        .and_then(|(it, _)| it.lifecycle.as_ref()?.pre_stop.as_ref())
        .is_some();
    let (grace, grace_seen) = facts.grace();
    let seen = facts.field("status.containerStatuses[].state.running", running.join(", "));
    let witness = facts.witness_of_running(first);
    let ignored = witness.asked().filter(|asked| !asked.delivered);
    if let Some(asked) = ignored {
        case.proven_by(asked.seen.clone());
    } else if hook && witness.asked().is_none() {
        // The hook may still run: SIGTERM was perhaps not sent yet.
        case.hinted_by(seen.clone());
    } else {
        case.supported_by(seen.clone());
    }
    case.step(format!("the pod may take {grace}s to end"), [grace_seen]);
    if let Some(asked) = witness.asked() {
        let what = if asked.delivered {
            "it takes it and does not end"
        } else {
            "the kernel drops it, because the first process of a container has no default handler"
        };
        case.step(
            format!(
                "{} sends {} to {}: {what}",
                asked.from(),
                asked.name(),
                asked.process.command
            ),
            [asked.seen.clone()],
        );
    }
    case.step(format!("{first} still runs after it was asked to end"), [seen]);
    case.severity(Severity::Info);
    match ignored {
        Some(asked) => {
            let (signal, command) = (asked.name(), &asked.process.command);
            case.headline(format!(
                "{first} ignores {signal}, since its first process {command} has no handler for it; it will be killed when its grace of {grace}s is over"
            ));
            case.advice(ignoring(command, &signal), Risk::Restart);
        }
        None => {
            case.headline(format!(
                "{first} takes its time to end after SIGTERM; it will be killed when its grace of {grace}s is over"
            ));
            case.advice(
                "let the process handle SIGTERM; a shell as pid 1 does not pass it on (use exec, or an init process)",
                Risk::Restart,
            );
        }
    }
    case.advice(super::forced_delete_leaves(facts), Risk::DataLoss);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Severity, Verdict};

    use crate::testing::{Scene, pod};

    fn ending(patch: Value) -> Value {
        let mut it = pod(
            json!({"metadata": {"deletionTimestamp": "2026-03-01T12:55:00Z", "deletionGracePeriodSeconds": 3600}}),
        );
        crate::testing::merge(&mut it, patch);
        it
    }

    #[test]
    fn a_long_grace_that_is_being_used_is_told_and_is_no_alarm() {
        let outcome = Scene::new().object(ending(json!({}))).diagnose();
        let finding = outcome.is_calm().finding("TRM-IGNORES-TERM");
        assert_eq!(
            (finding.verdict, finding.severity),
            (Verdict::Likely, Severity::Info)
        );
    }

    #[test]
    fn a_hook_may_be_what_runs() {
        let hooked = ending(
            json!({"spec": {"containers": [{"name": "app", "lifecycle": {"preStop": {"exec": {"command": ["drain"]}}}}]}}),
        );
        Scene::new()
            .object(hooked)
            .diagnose()
            .is_calm()
            .lacks("TRM-IGNORES-TERM");
    }

    #[test]
    fn past_the_grace_it_is_something_else() {
        let past = ending(json!({"metadata": {"deletionTimestamp": "2026-03-01T11:55:00Z"}}));
        Scene::new().object(past).diagnose().lacks("TRM-IGNORES-TERM");
    }
}
