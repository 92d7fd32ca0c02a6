//! EXT-COMPLETED: the main process ends with exit code 0 in a pod that is to run for ever, so it is started again.

use jiff::SignedDuration;
use sonde_grammar::Fact;
use sonde_grammar::fact::ProbeKind;
use sonde_model::{Code, Risk};

use super::words::was_told;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-COMPLETED"),
    title: "ends with exit code 0 and is started again",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("EXT-COMPLETED"),
};

/// A process that stays for less than this only starts something, or has nothing to do. A guess.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(5);
/// Programs that end at once when nobody is at their terminal.
const SHELLS: &[&str] = &[
    "sh",
    "bash",
    "ash",
    "dash",
    "zsh",
    "/bin/sh",
    "/bin/bash",
    "/bin/ash",
];

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((0, ended)) = facts.exit() else { return };
    if facts
        .episode
        .run
        .as_ref()
        .is_some_and(|run| run.end.reason == "OOMKilled")
    {
        return;
    }
    if let Some((_, message)) = facts.killing() {
        case.refuted_by(
            message.seen(),
            "the kubelet ended it; exit code 0 is how it takes SIGTERM",
        );
        return;
    }
    let who = facts.container_phrase();
    let probed = facts.all_messages().find(|message| {
        facts.touches_run(message)
            && message
                .facts
                .iter()
                .any(|fact| matches!(fact, Fact::Probe(it) if it.probe != ProbeKind::Readiness))
    });
    let told = was_told(facts);
    if let Some(told) = &told {
        case.hinted_by(told.clone());
    }
    match (&told, probed) {
        (None, None) => case.generally_proven_by(ended.clone()),
        // Somebody may have asked it to end.
        _ => {
            if let Some(want) = facts.want_kubelet_log() {
                case.wants(want, "whether the kubelet asked it to end, and why");
            }
            case.hinted_by(ended.clone())
        }
    };
    let command = facts.container().map(|(container, path)| {
        let words: Vec<&str> = container
            .command
            .iter()
            .chain(&container.args)
            .map(String::as_str)
            .collect();
        (words, format!("{path}.command"))
    });
    if let Some((words, path)) = &command {
        let line = words.join(" ");
        let backgrounds = line.trim_end().ends_with('&')
            || line.contains("& ") && !line.contains("&& ")
            || line.contains("nohup ");
        let only_shell = matches!(words.as_slice(), [one] if SHELLS.contains(one));
        if backgrounds {
            case.step(
                "its command starts something in the background and does not wait for it",
                [facts.field(path, &line)],
            );
        } else if only_shell {
            case.step(
                "its command is a shell, which ends at once without a terminal",
                [facts.field(path, &line)],
            );
        } else if !words.is_empty() {
            case.step("its command runs to its end", [facts.field(path, &line)]);
        } else {
            case.step("the image's own command runs to its end", [facts.unset(path)]);
        }
    }
    let quick = facts.lived().filter(|lived| *lived < AT_ONCE);
    let how_long = match facts.lived() {
        Some(lived) if quick.is_some() => {
            format!("its process ends after {} s with exit code 0", lived.as_secs())
        }
        Some(lived) => format!("its process ends after {} with exit code 0", span_text(lived)),
        None => "its process ends with exit code 0".into(),
    };
    case.step(how_long, [ended]);
    if let Some(last) = facts.last_line() {
        case.step("the last thing it says", [last]);
    }
    case.step(
        "the kubelet starts it again, later each time",
        started_again(facts),
    );
    case.headline(match quick {
        Some(_) => format!("{who} ends at once with exit code 0: nothing stays in the foreground, so it is started again and again"),
        None => format!("{who} finishes its work with exit code 0 and is started again and again"),
    });
    case.advice(
        "if it is a server, keep it in the foreground: `exec` it as the last command, without `&`, with its foreground option (nginx -g 'daemon off;', httpd -DFOREGROUND)",
        Risk::Restart,
    );
    case.advice(
        "if its work has an end, run it as a Job or CronJob, where exit code 0 is success",
        Risk::Restart,
    );
}

/// What shows that it is to run again: the policy where the source shows it, else that it was restarted.
fn started_again(facts: &Facts<'_>) -> Option<crate::Seen> {
    let policy = &facts.pod().spec.restart_policy;
    if !policy.is_empty() {
        return Some(facts.field("spec.restartPolicy", policy));
    }
    if !facts.is_partial() {
        return Some(facts.unset("spec.restartPolicy"));
    }
    let (status, path) = facts.status()?;
    (status.restart_count > 0).then(|| facts.field(&format!("{path}.restartCount"), status.restart_count))
}

/// `1m 20s`, `3h 5m`.
pub(super) fn span_text(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    fn ended(code: i64, reason: &str, command: &[&str]) -> Value {
        pod(json!({
            "spec": {"containers": [{"name": "app", "command": command}]},
            "status": {"containerStatuses": [crashed(code, reason)]}
        }))
    }

    #[test]
    fn found_when_a_server_goes_to_the_background() {
        let outcome = Scene::new()
            .object(ended(0, "Completed", &["sh", "-c", "httpd -p 8080 &"]))
            .diagnose();
        let finding = outcome.finds_only("EXT-COMPLETED", Verdict::Proven);
        assert!(
            finding.chain.iter().any(|step| step.text.contains("background")),
            "{:?}",
            finding.chain
        );
    }

    #[test]
    fn refuted_when_the_liveness_probe_ended_it() {
        let mut it = ended(0, "Completed", &["server"]);
        crate::testing::merge(
            &mut it,
            json!({"spec": {"containers": [{"name": "app", "livenessProbe": {"tcpSocket": {"port": 1}}}]}}),
        );
        let outcome = Scene::new()
            .object(it)
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                "Container app failed liveness probe, will be restarted",
                "2026-03-01T11:57:58Z",
            )
            .diagnose();
        outcome.lacks("EXT-COMPLETED").rules_out("EXT-COMPLETED");
    }

    #[test]
    fn not_claimed_when_the_log_says_that_it_was_told_to_end() {
        let outcome = Scene::new()
            .object(ended(0, "Completed", &["server"]))
            .log(
                "shop/app-1",
                "app",
                true,
                "listening on :8080\nreceived SIGTERM, shutting down\n",
            )
            .diagnose();
        outcome.does_not_claim("EXT-COMPLETED");
    }

    #[test]
    fn calm_on_a_finished_job_and_on_one_clean_end_long_ago() {
        let job = pod(json!({
            "metadata": {"ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u", "controller": true}]},
            "spec": {"restartPolicy": "Never"},
            "status": {"phase": "Succeeded", "containerStatuses": [status(json!({"ready": false, "state": {"running": null,
                "terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": "2026-03-01T11:58:00Z"}}}))]}
        }));
        Scene::new().object(job).diagnose().is_calm();
        let once = pod(json!({"status": {"containerStatuses": [status(json!({
            "restartCount": 1, "state": {"running": {"startedAt": "2026-03-01T10:30:00Z"}},
            "lastState": {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": "2026-03-01T10:29:58Z"}}
        }))]}}));
        Scene::new().object(once).diagnose().is_calm();
    }
}
