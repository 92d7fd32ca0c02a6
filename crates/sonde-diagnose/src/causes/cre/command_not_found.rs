//! CRE-COMMAND-NOT-FOUND: the command that the container should run is not in its image.

use sonde_grammar::Fact;
use sonde_grammar::fact::StartFailure;
use sonde_grammar::log::AppSign;
use sonde_model::{Code, Risk};

use super::said::{command_field, look_into_image, mount_over, runtimes_line, said, tell_start};
use crate::cause::page;
use crate::causes::ext::cannot_run;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-COMMAND-NOT-FOUND"),
    title: "command not in the image",
    explains: &[Symptom::ContainerNotCreated, Symptom::Terminated],
    reads: &[],
    state,
    page: page!("CRE-COMMAND-NOT-FOUND"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if facts.episode.symptom == Symptom::Terminated {
        return in_log(facts, case);
    }
    let found = said(facts, |fact| match fact {
        Fact::Start(StartFailure::CommandNotFound { command, in_path }) => Some((command.as_str(), *in_path)),
        _ => None,
    });
    let Some(((command, in_path), message)) = found else {
        return;
    };
    case.proven_by(message.seen());
    let shown = if command.is_empty() {
        "its command"
    } else {
        command
    };
    let what = match (hint(command), in_path) {
        _ if command.is_empty() => {
            "the command is an empty word, and the image has no program of that name".to_owned()
        }
        (Some(hint), _) => format!("there is no file {shown} in the image: {hint}"),
        (None, true) => format!("the image has no command {shown} in its PATH"),
        (None, false) => format!("the image has no file {shown}"),
    };
    tell_start(facts, case, command_field(facts, command), message, &what);
    if let Some((mount, field)) = mount_over(facts, command) {
        let seen = facts.field(&format!("{field}.mountPath"), &mount.mount_path);
        case.step(
            format!(
                "the volume {} is mounted over {}: it hides what the image has there",
                mount.name, mount.mount_path
            ),
            [seen],
        );
        case.advice(
            format!(
                "mount the volume {} elsewhere, or only the files that are meant (subPath)",
                mount.name
            ),
            Risk::Restart,
        );
    }
    look_into_image(facts, case, command);
    match command {
        _ if command.contains(char::is_whitespace) => {
            case.advice(as_list(command), Risk::Restart)
        }
        _ => case.advice("correct the command, or put it into the image; a command given here replaces the image's ENTRYPOINT, args replace its CMD", Risk::Restart),
    };
}

/// The line as the list that was meant: its words as a shell reads them.
fn as_list(line: &str) -> String {
    // What only a shell does (variables, pipes) it must do.
    let words = shell_words(line).filter(|_| !line.contains(['|', '&', ';', '<', '>', '$', '`', '*', '\\']));
    let list = |words: &[String]| {
        let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
        format!("[{}]", words.join(", "))
    };
    match words.or_else(|| shell_words(line).filter(|words| is_shell(words))) {
        Some(words) if is_shell(&words) => {
            format!("write the command as a list, one word each: {}", list(&words))
        }
        Some(words) => format!(
            "write the command as a list, one word each: {}; or let a shell read it: [\"sh\", \"-c\", ...]",
            list(&words)
        ),
        None => format!(
            "let a shell read the line: {}",
            list(&["sh".into(), "-c".into(), line.trim().into()])
        ),
    }
}

/// `sh -c LINE`.
fn is_shell(words: &[String]) -> bool {
    matches!(words, [shell, option, _] if option.starts_with('-') && option.ends_with('c')
        && matches!(shell.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash" | "zsh")))
}

/// The words of a line, quotes respected; `None` where one does not end.
fn shell_words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let (mut word, mut open) = (String::new(), false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                open = true;
                loop {
                    match chars.next()? {
                        end if end == c => break,
                        inner => word.push(inner),
                    }
                }
            }
            c if c.is_whitespace() => {
                if open {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            c => {
                open = true;
                word.push(c);
            }
        }
    }
    if open {
        words.push(word);
    }
    Some(words)
}

/// The runtime found the file, and the kernel what the file needs to run: its interpreter, or the loader of its libraries.
fn in_log(facts: &Facts<'_>, case: &mut Case) {
    let sign = |sign: &AppSign| match sign {
        AppSign::BadInterpreter { path, .. } => Some((path.clone(), cannot_run(sign)?)),
        _ => None,
    };
    let Some(((path, what), line)) = runtimes_line(facts, sign) else {
        return;
    };
    case.proven_by(line.clone());
    let command = path.unwrap_or_default();
    if let Some((text, seen)) = command_field(facts, &command) {
        case.step(text, [seen]);
    }
    case.step(what.clone(), [line]);
    case.headline(format!("{} cannot run: {what}", facts.container_phrase()));
    look_into_image(facts, case, &command);
    case.advice(
        "a script: put the interpreter of its first line into the image, and save it with Unix line ends; a program: link it statically, or build it for the image's C library (musl or glibc)",
        Risk::Restart,
    );
}

/// Usual slips, seen from the name alone.
fn hint(command: &str) -> Option<&'static str> {
    let name = command.rsplit('/').next().unwrap_or(command);
    if command.contains(char::is_whitespace) {
        return Some("the whole line is taken as one name");
    }
    if command.contains('$') {
        return Some(
            "variables are replaced only in the form $(NAME), and only those of the container's env",
        );
    }
    if matches!(name, "sh" | "bash" | "ash" | "zsh") {
        return Some("the image has no such shell, as images without a distribution have none");
    }
    command
        .starts_with('-')
        .then_some("this is an option, not a command: args without a command replace the image's CMD")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::{Check, check_start, waiting};
    use crate::testing::{Scene, crashed, pod};

    #[test]
    fn a_line_becomes_the_list_that_was_meant() {
        for (line, expected) in [
            ("sh -c 'echo hi'", r#"one word each: ["sh", "-c", "echo hi"]"#),
            (
                "/bin/bash -ec 'a | b; echo \"$X\"'",
                r#"one word each: ["/bin/bash", "-ec", "a | b; echo \"$X\""]"#,
            ),
            (
                "nginx -g 'daemon off;'",
                r#"["sh", "-c", "nginx -g 'daemon off;'"]"#,
            ),
            (
                "serve --port 80",
                r#"one word each: ["serve", "--port", "80"]; or let"#,
            ),
            ("serve --name 'it is", r#"["sh", "-c", "serve --name 'it is"]"#),
            ("serve --port $PORT", r#"["sh", "-c", "serve --port $PORT"]"#),
        ] {
            let text = super::as_list(line);
            assert!(text.contains(expected), "{line}: {text}");
        }
    }

    #[test]
    fn a_command_that_is_not_there() {
        check_start(&Check {
            code: "CRE-COMMAND-NOT-FOUND",
            proofs: &[
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"serve\": executable file not found in $PATH: unknown",
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: \"serve\": executable file not found in $PATH: unknown",
                "OCI runtime create failed: container_linux.go:345: starting container process caused \"exec: \\\"serve\\\": executable file not found in $PATH\": unknown",
                "executable file `serve` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found",
            ],
            says: &["serve"],
            pod: json!({"spec": {"containers": [{"name": "app", "image": "r.example/a:1", "command": ["serve"]}]}}),
        });
    }

    fn finding(container: serde_json::Value, words: &str) -> sonde_model::Finding {
        let words = format!(
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: {words}: unknown"
        );
        let patch = json!({"spec": {"containers": [container]}});
        let outcome = Scene::new()
            .object(waiting(&patch, "RunContainerError", &words))
            .diagnose();
        outcome
            .finds_only("CRE-COMMAND-NOT-FOUND", Verdict::Proven)
            .clone()
    }

    #[test]
    fn a_missing_interpreter_leaves_a_line_in_the_log() {
        let crashed = pod(json!({"status": {"containerStatuses": [crashed(255, "Error")]}}));
        let line = "exec /app/no-interpreter: no such file or directory";
        let outcome = Scene::new()
            .object(crashed)
            .log("shop/app-1", "app", true, line)
            .diagnose();
        let finding = outcome.finds_only("CRE-COMMAND-NOT-FOUND", Verdict::Proven);
        assert!(
            finding.headline.contains("/app/no-interpreter is there"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn usual_slips_are_named() {
        let line = finding(
            json!({"name": "app", "image": "a", "command": ["python app.py"]}),
            "exec: \"python app.py\": executable file not found in $PATH",
        );
        assert!(line.headline.contains("one name"), "{}", line.headline);
        assert!(
            line.evidence
                .iter()
                .any(|it| it.source.ends_with("spec.containers[0].command[0]"))
        );
        let shell = finding(
            json!({"name": "app", "image": "a", "command": ["/bin/sh", "-c", "x"]}),
            "exec: \"/bin/sh\": stat /bin/sh: no such file or directory",
        );
        assert!(shell.headline.contains("no such shell"), "{}", shell.headline);
        let hidden = finding(
            json!({"name": "app", "image": "a", "command": ["/app/run"], "volumeMounts": [{"name": "data", "mountPath": "/app"}]}),
            "exec: \"/app/run\": stat /app/run: no such file or directory",
        );
        assert!(
            hidden
                .chain
                .iter()
                .any(|step| step.text.contains("volume data is mounted over /app"))
        );
    }
}
