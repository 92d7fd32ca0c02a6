//! EXT-COMMAND-NOT-FOUND: exit code 127: a shell did not find a command, or the loader a shared library.

use sonde_grammar::log::AppSign;
use sonde_model::{Code, Risk};

use super::advice::{LIBRARY, advice};
use super::cannot_run;
use super::words::not_found;
use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-COMMAND-NOT-FOUND"),
    title: "a command is not in the image (exit code 127)",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("EXT-COMMAND-NOT-FOUND"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((127, ended)) = facts.exit() else { return };
    let who = facts.container_phrase();
    // A shell goes on after a command that it did not find: the last one gave the exit code.
    let last = facts
        .own_words()
        .into_iter()
        .filter(|(line, _)| matches!(line.sign, AppSign::NotFoundCommand { .. }))
        .max_by_key(|(line, _)| line.line);
    let last = last.map(|(line, _)| line.sign);
    let word = facts.own_word(|sign| match sign {
        AppSign::NotFoundCommand { command } if last.as_ref() == Some(sign) => {
            Some((not_found(command), Some(command.clone())))
        }
        AppSign::MissingLibrary {
            library: Some(library),
        } => Some((format!("the shared library {library} is not in the image"), None)),
        AppSign::MissingLibrary { library: None } => {
            Some(("a shared library is not in the image".into(), None))
        }
        AppSign::VersionMismatch { what: Some(what), .. } => {
            Some((format!("no library that the program loads has {what}"), None))
        }
        AppSign::MissingFile { path: Some(path) } => {
            Some((format!("{path} is not in the image"), Some(path.clone())))
        }
        sign => cannot_run(sign).map(|what| (what, None)),
    });
    match &word {
        Some(((what, _), line)) => {
            case.proven_by(line.clone());
            case.step(what.clone(), [line.clone()]);
            case.headline(format!("{who} ends with exit code 127: {what}"));
        }
        None => {
            // Any program may end with 127 of its own will; shells do it for this reason alone.
            case.supported_by(ended.clone());
            case.headline(format!(
                "{who} ends with exit code 127: its shell did not find a command"
            ));
            if let Some(want) = facts.want_log().filter(|_| facts.log().is_none()) {
                case.wants(want, "which command the shell did not find");
            }
        }
    }
    if let Some(command) = command_seen(facts) {
        case.step("what the container runs", [command]);
    }
    case.step(
        "its process ends with exit code 127, a shell's \"not found\"",
        [ended],
    );
    let by_path = matches!(&last, Some(AppSign::NotFoundCommand { command }) if command.contains('/'));
    let by_loader = facts.own_word(|sign| match sign {
        AppSign::MissingLibrary { .. } => Some(LIBRARY.to_owned()),
        AppSign::VersionMismatch { detail, .. } => Some(advice(sign, detail)),
        _ => None,
    });
    if let Some((help, _)) = by_loader.filter(|(_, line)| word.as_ref().is_some_and(|(_, said)| said == line))
    {
        case.advice(help, Risk::Restart);
        case.look("what it says before its end", facts.logs_command());
        return;
    }
    case.advice(
        if by_path {
            "see that the file is in the image; if it is, see its first line: an interpreter that the image lacks (`bash`), or Windows line ends after it; of a program, that its loader is there (one built for glibc does not run on musl)"
        } else {
            "install the command in the image, or name it by its full path; look at the image's PATH"
        },
        Risk::Restart,
    );
    case.look("what it says before its end", facts.logs_command());
}

/// The container's command as its spec has it.
pub(super) fn command_seen(facts: &Facts<'_>) -> Option<Seen> {
    let (container, path) = facts.container()?;
    let words: Vec<&str> = container
        .command
        .iter()
        .chain(&container.args)
        .map(String::as_str)
        .collect();
    (!words.is_empty()).then(|| facts.field(&format!("{path}.command"), words.join(" ")))
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
    fn found_by_the_words_of_shells_and_loaders() {
        for (log, word) in [
            ("sh: java: not found\n", "java"),
            ("sh: starting: not found\nsh: java: not found\n", "java"),
            ("/entrypoint.sh: line 3: jq: command not found\n", "jq"),
            ("/bin/sh: 1: gunicorn: not found\n", "gunicorn"),
            ("sh: /tmp/run.sh: not found\n", "or the interpreter or loader"),
            (
                "/app/server: error while loading shared libraries: libpq.so.5: cannot open shared object file: No such file or directory\n",
                "libpq.so.5",
            ),
        ] {
            let outcome = Scene::new()
                .object(ended(127))
                .log("shop/app-1", "app", true, log)
                .diagnose();
            let finding = outcome.finds_only("EXT-COMMAND-NOT-FOUND", Verdict::Proven);
            assert!(finding.headline.contains(word), "{}", finding.headline);
        }
    }

    #[test]
    fn only_likely_without_the_log() {
        Scene::new()
            .object(ended(127))
            .diagnose()
            .finds_only("EXT-COMMAND-NOT-FOUND", Verdict::Likely);
    }

    #[test]
    fn silent_on_other_codes_and_healthy_pods() {
        let log = "sh: java: not found\n";
        Scene::new()
            .object(ended(1))
            .log("shop/app-1", "app", true, log)
            .diagnose()
            .lacks("EXT-COMMAND-NOT-FOUND");
        Scene::new()
            .object(pod(json!({"status": {"containerStatuses": [status(json!({}))]}})))
            .diagnose()
            .is_calm();
    }
}
