//! EXT-SIGNAL: the process ended by a signal that is neither a kill, a request to end, an abort nor a fault.

use sonde_model::{Code, Risk, Severity};

use super::words::why;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-SIGNAL"),
    title: "ended by a signal",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("EXT-SIGNAL"),
};

/// Linux' signals (`signal(7)`, x86 and arm64) that end a process and have no cause of their own here: number, name,
/// who usually sends it.
const SIGNALS: &[(i64, &str, &str)] = &[
    (
        1,
        "SIGHUP",
        "its terminal or parent went away, or somebody asked it to reload and it does not handle that",
    ),
    (
        2,
        "SIGINT",
        "somebody pressed Ctrl-C, or the image's STOPSIGNAL is SIGINT",
    ),
    (
        3,
        "SIGQUIT",
        "the image's STOPSIGNAL is SIGQUIT (nginx), or somebody asked for a dump",
    ),
    (
        4,
        "SIGILL",
        "the program uses an instruction that the node's processor does not have",
    ),
    (
        5,
        "SIGTRAP",
        "the program met a trap of its runtime or of a debugger",
    ),
    (
        7,
        "SIGBUS",
        "a mapped file was truncated, or /dev/shm or a volume is full",
    ),
    (8, "SIGFPE", "the program divided by zero"),
    (
        10,
        "SIGUSR1",
        "somebody sent a signal that the program does not handle",
    ),
    (
        12,
        "SIGUSR2",
        "somebody sent a signal that the program does not handle",
    ),
    (
        13,
        "SIGPIPE",
        "the other side closed a pipe or connection that the program wrote to",
    ),
    (14, "SIGALRM", "a timer of the program ran out"),
    (
        24,
        "SIGXCPU",
        "the program reached its CPU time limit (ulimit -t)",
    ),
    (
        25,
        "SIGXFSZ",
        "the program reached its file size limit (ulimit -f)",
    ),
    (
        31,
        "SIGSYS",
        "seccomp forbids a system call that the program makes",
    ),
];

const SIGINT: i64 = 2;

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(((code, ended), signal)) = facts.exit().zip(facts.signal()) else {
        return;
    };
    let Some((_, name, meaning)) = SIGNALS.iter().find(|(number, ..)| *number == signal) else {
        return;
    };
    if let Some((_, message)) = facts.killing() {
        case.refuted_by(
            message.seen(),
            "the kubelet ended it with the image's stop signal",
        );
        return;
    }
    // A program may exit with 128 and more of its own will, and shells pass on their children's ends.
    let by_signal = facts.by_signal();
    if by_signal {
        case.generally_proven_by(ended.clone());
    } else {
        case.supported_by(ended.clone());
    }
    if signal == SIGINT && facts.is_bare_and_final() {
        case.severity(Severity::Warning);
    }
    let who = facts.container_phrase();
    if let Some((clause, _, line)) = why(facts) {
        case.step(format!("before its end: {clause}"), [line]);
    }
    let how = if by_signal {
        format!("{name} ends the process (exit code {code} is 128 + {signal})")
    } else {
        format!(
            "its process ended with exit code {code}: 128 + {signal}, which is what {name} gives, unless the program exits so by itself"
        )
    };
    case.step(how, [ended]);
    let what = if by_signal { "is ended by" } else { "ends as by" };
    let sent = facts.witness().signal(signal);
    match sent.filter(|sent| sent.by_somebody() || sent.by_runtime()) {
        Some(sent) => {
            let from = sent.from();
            case.step(format!("{from} sent {name}"), [sent.seen.clone()]);
            case.headline(format!(
                "{who} {what} {name} (exit code {code}), which {from} sent"
            ));
            case.advice(format!("find out why {from} sends {name}"), Risk::None);
        }
        // The code alone: nobody may have sent anything.
        None if !by_signal => {
            case.headline(format!(
                "{who} ended with exit code {code}, as if by {name}; the program or its shell may return that code itself"
            ));
            case.advice(
                format!(
                    "see whether the program ends so by itself; if not, find who sends {name}: {meaning}"
                ),
                Risk::None,
            );
        }
        None => {
            case.headline(format!("{who} {what} {name} (exit code {code}): {meaning}"));
            case.advice(format!("find who sends {name}: {meaning}"), Risk::None);
        }
    }
    case.look("what it says before its end", facts.logs_command());
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Severity, Verdict};

    use crate::testing::{Scene, crashed, pod, status};

    fn ended(code: i64) -> Value {
        pod(json!({"status": {"containerStatuses": [crashed(code, "Error")]}}))
    }

    #[test]
    fn found_by_number() {
        for (code, name) in [
            (129, "SIGHUP"),
            (130, "SIGINT"),
            (131, "SIGQUIT"),
            (132, "SIGILL"),
            (135, "SIGBUS"),
            (136, "SIGFPE"),
            (141, "SIGPIPE"),
            (159, "SIGSYS"),
        ] {
            let outcome = Scene::new().object(ended(code)).diagnose();
            let finding = outcome.finds_only("EXT-SIGNAL", Verdict::Likely);
            assert!(finding.headline.contains(name), "{}", finding.headline);
        }
    }

    #[test]
    fn proven_where_the_runtime_names_the_signal() {
        let mut it = ended(130);
        it["status"]["containerStatuses"][0]["lastState"]["terminated"]["signal"] = 2.into();
        Scene::new()
            .object(it)
            .diagnose()
            .finds_only("EXT-SIGNAL", Verdict::Proven);
    }

    #[test]
    fn a_bare_pod_that_was_ended_is_only_worth_a_warning() {
        for (code, cause) in [(130, "EXT-SIGNAL"), (143, "EXT-TERMINATED")] {
            let end = json!({"exitCode": code, "reason": "Error", "startedAt": "2026-03-01T11:50:00Z", "finishedAt": "2026-03-01T11:58:00Z"});
            let mut it = pod(
                json!({"spec": {"restartPolicy": "Never"}, "status": {"phase": "Failed",
                "containerStatuses": [status(json!({"ready": false, "state": {"running": null, "terminated": end}}))]}}),
            );
            let owned = Scene::new().object(it.clone()).diagnose();
            assert_eq!(
                owned.finding(cause).severity,
                Severity::Error,
                "{}",
                owned.summary()
            );
            it["metadata"]["ownerReferences"] = json!([]);
            let bare = Scene::new().object(it).diagnose();
            assert_eq!(
                bare.finding(cause).severity,
                Severity::Warning,
                "{}",
                bare.summary()
            );
        }
    }

    #[test]
    fn leaves_others_to_their_own_causes() {
        for code in [0, 1, 134, 137, 139, 143, 255] {
            Scene::new().object(ended(code)).diagnose().lacks("EXT-SIGNAL");
        }
    }

    #[test]
    fn refuted_when_the_kubelet_stopped_it() {
        let outcome = Scene::new()
            .object(ended(131))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                "Container app definition changed, will be restarted",
                "2026-03-01T11:57:58Z",
            )
            .diagnose();
        outcome.lacks("EXT-SIGNAL").rules_out("EXT-SIGNAL");
    }

    #[test]
    fn over_when_it_has_run_well_since() {
        let recovered = pod(json!({"status": {"containerStatuses": [status(json!({
            "restartCount": 1, "state": {"running": {"startedAt": "2026-03-01T11:20:00Z"}},
            "lastState": {"terminated": {"exitCode": 130, "reason": "Error",
                "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T11:19:58Z"}}
        }))]}}));
        assert!(
            Scene::new()
                .object(recovered)
                .diagnose()
                .is_calm()
                .finding("EXT-SIGNAL")
                .ended
                .is_some()
        );
    }
}
