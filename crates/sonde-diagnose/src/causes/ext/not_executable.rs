//! EXT-NOT-EXECUTABLE: exit code 126: a shell found a command and could not execute it.

use sonde_grammar::log::AppSign;
use sonde_model::{Code, Risk};

use super::cannot_run;
use super::command_not_found::command_seen;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-NOT-EXECUTABLE"),
    title: "a command cannot be executed (exit code 126)",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("EXT-NOT-EXECUTABLE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((126, ended)) = facts.exit() else { return };
    let who = facts.container_phrase();
    let word = facts.own_word(|sign| match sign {
        AppSign::PermissionDenied { path: Some(path) } => Some(format!("{path} may not be executed")),
        AppSign::PermissionDenied { path: None } => Some("the command may not be executed".into()),
        AppSign::ExecFormat => Some("the command is built for another architecture, or is no program".into()),
        sign => cannot_run(sign),
    });
    match &word {
        Some((what, line)) => {
            case.proven_by(line.clone());
            case.step(what.clone(), [line.clone()]);
            case.headline(format!("{who} ends with exit code 126: {what}"));
        }
        None => {
            case.supported_by(ended.clone());
            case.headline(format!(
                "{who} ends with exit code 126: its shell could not execute a command"
            ));
            if let Some(want) = facts.want_log().filter(|_| facts.log().is_none()) {
                case.wants(want, "which command could not be executed");
            }
        }
    }
    if let Some(command) = command_seen(facts) {
        case.step("what the container runs", [command]);
    }
    case.step(
        "its process ends with exit code 126, a shell's \"not executable\"",
        [ended],
    );
    case.advice(
        "make it executable in the image (`chmod +x`, `COPY --chmod=755`), for the user that the container runs as, and for this architecture; a ConfigMap needs defaultMode 0755",
        Risk::Restart,
    );
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
    fn found_by_the_shells_words() {
        for (log, word) in [
            ("sh: /app/run: Permission denied\n", "/app/run"),
            (
                "/entrypoint.sh: line 2: /app/server: cannot execute binary file: Exec format error\n",
                "architecture",
            ),
        ] {
            let outcome = Scene::new()
                .object(ended(126))
                .log("shop/app-1", "app", true, log)
                .diagnose();
            let finding = outcome.finds_only("EXT-NOT-EXECUTABLE", Verdict::Proven);
            assert!(finding.headline.contains(word), "{}", finding.headline);
        }
    }

    #[test]
    fn only_likely_without_the_log() {
        Scene::new()
            .object(ended(126))
            .diagnose()
            .finds_only("EXT-NOT-EXECUTABLE", Verdict::Likely);
    }

    #[test]
    fn silent_on_other_codes_and_healthy_pods() {
        let log = "sh: /app/run: Permission denied\n";
        Scene::new()
            .object(ended(1))
            .log("shop/app-1", "app", true, log)
            .diagnose()
            .lacks("EXT-NOT-EXECUTABLE");
        Scene::new()
            .object(pod(json!({"status": {"containerStatuses": [status(json!({}))]}})))
            .diagnose()
            .is_calm();
    }
}
