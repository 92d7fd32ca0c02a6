//! How single signs are read from a line that has their words.

use super::*;

pub(super) fn jvm(line: &Line<'_>, sign: AppSign) -> Option<AppSign> {
    (line.has("outofmemoryerror") || line.has("java heap space")).then_some(sign)
}

pub(super) fn interpreter(line: &Line<'_>) -> Option<AppSign> {
    let carriage_return = ["\\r", "\r", "^M"].iter().any(|sign| line.text.contains(sign));
    if !carriage_return && !line.has("bad interpreter") {
        return None;
    }
    // `sh: /app/run.sh: /bin/bash^M: bad interpreter: ...`: before it stand the script and what its first line names.
    let (path, interpreter) = match line.text.split_once(": bad interpreter") {
        Some((before, _)) => {
            let mut parts = before
                .rsplit(": ")
                .map(|part| part.trim_matches(['"', '\'', ' ']));
            let interpreter = parts.next().map(without_return).map(str::to_owned);
            (parts.next().map(str::to_owned), interpreter)
        }
        // `env: 'bash\r': No such file or directory`.
        None => {
            let quoted = ["'", "\u{2018}"].iter().find_map(|quote| after(line.text, quote));
            let name = quoted
                .map(|rest| word(rest, &['\'', '\u{2019}']))
                .map(without_return);
            (None, name.filter(|name| !name.is_empty()).map(str::to_owned))
        }
    };
    Some(AppSign::BadInterpreter {
        path,
        interpreter,
        carriage_return,
    })
}

/// Without the carriage return that a script of Windows line ends leaves on the name.
fn without_return(name: &str) -> &str {
    name.trim_end_matches("\\r").trim_end_matches("^M").trim_end()
}

/// The runtime's own last line, after it has seen that the file exists: what is missing is its interpreter or loader.
pub(super) fn dead_exec(line: &Line<'_>) -> Option<AppSign> {
    let runtime = line.text.starts_with("exec /")
        || line.has("exec user process caused")
        || line.has("exec container process");
    if !runtime {
        return None;
    }
    if line.has("no such file") {
        return Some(AppSign::BadInterpreter {
            path: path(line.text),
            interpreter: None,
            carriage_return: false,
        });
    }
    line.has("permission denied").then(|| AppSign::PermissionDenied {
        path: path(line.text),
    })
}

pub(super) fn library(text: &str) -> Option<String> {
    for sign in ["shared libraries: ", "shared library "] {
        if let Some(rest) = after(text, sign) {
            return Some(word(rest, &[':', ',']).trim_matches('\'').to_owned());
        }
    }
    None
}

pub(super) fn module(text: &str) -> String {
    const BEFORE: [&str; 6] = [
        "module named ",
        "find module ",
        "ClassNotFoundException: ",
        "NoClassDefFoundError: ",
        "main class ",
        "such file -- ",
    ];
    BEFORE
        .iter()
        .find_map(|sign| after(text, sign))
        .map(|rest| word(rest.trim_start_matches(['\'', '"']), &['\'', '"', ',', ';']).to_owned())
        .unwrap_or_default()
}

/// `sh: foo: not found`, `line 3: foo: command not found`, `exec: "foo": executable file not found`.
pub(super) fn command(line: &Line<'_>) -> Option<AppSign> {
    let at = [
        ": command not found",
        ": not found",
        ": executable file not found",
    ]
    .iter()
    .find_map(|sign| line.lower.find(sign))?;
    let head = &line.text[..at];
    let is_shell = line.has("command not found")
        || line.has("executable file not found")
        || ["sh: ", "bash", "ash: ", ".sh: ", "exec: ", ": line "]
            .iter()
            .any(|sign| line.has(sign));
    if !is_shell || line.text.len() > 400 {
        return None;
    }
    let name = head.rsplit(": ").next()?.trim_matches(['"', '\'']);
    (!name.is_empty() && !name.contains(' ')).then(|| AppSign::NotFoundCommand {
        command: name.to_owned(),
    })
}

pub(super) fn missing_env(line: &Line<'_>) -> Option<AppSign> {
    if line.has("superuser password is not specified") {
        return Some(AppSign::MissingEnv {
            name: Some("POSTGRES_PASSWORD".into()),
        });
    }
    if line.has("unbound variable") || line.has("parameter not set") || line.has("parameter null or not set")
    {
        let end = line
            .lower
            .find(": unbound")
            .or_else(|| line.lower.find(": parameter"))?;
        let name = line.text[..end].rsplit(": ").next()?.trim();
        return Some(AppSign::MissingEnv {
            name: Some(name.to_owned()),
        });
    }
    if let Some(rest) = after(line.text, "resolve placeholder '") {
        return Some(AppSign::MissingEnv {
            name: Some(word(rest, &['\'', ':']).to_owned()),
        });
    }
    let missing = [
        "not set",
        "unset",
        "required",
        "missing",
        "must be set",
        "not found",
        "undefined",
        "not defined",
        "is empty",
        "not specified",
    ]
    .iter()
    .any(|sign| line.has(sign));
    let about_env = line.has("environment variable") || line.has("env var") || line.has(" env ");
    let name = variable(line.text);
    let named = name
        .as_ref()
        .is_some_and(|name| name.contains('_') && !name.contains('-'));
    (missing && !line.is_calm() && (about_env || named)).then_some(AppSign::MissingEnv { name })
}

/// A type that ends in Error or Exception at the start, after `Caused by: `, or after a level.
pub(super) fn exception(line: &Line<'_>) -> Option<AppSign> {
    if line.text.starts_with("at ") {
        return None;
    }
    let body = [
        "Caused by: ",
        "---> ",
        "Exception in thread \"main\" ",
        "Unhandled exception. ",
        "Uncaught ",
    ]
    .iter()
    .find_map(|sign| after(line.text, sign))
    .unwrap_or(line.text);
    let first = word(body, &[':', '(']);
    let typed = first.len() > 5
        && (first.ends_with("Error") || first.ends_with("Exception") || first.ends_with("Failure"))
        && first
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._$:".contains(&b));
    let announced =
        body.len() < line.text.len() || line.has("unhandled") || line.text.starts_with("Exception in thread");
    let plain = line.text.starts_with("Error: ");
    (!body.trim().is_empty() && (typed || announced || plain)).then(|| AppSign::Exception {
        message: clip_to(body, DETAIL_BYTES_MAX).to_owned(),
    })
}

pub(super) fn signal(line: &Line<'_>) -> String {
    for name in ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL", "SIGUSR1"] {
        if line.lower.contains(&name.to_ascii_lowercase()) {
            return name.to_owned();
        }
    }
    let terminated = line.has("terminated") || line.has("signal 15");
    if terminated {
        "SIGTERM".into()
    } else {
        String::new()
    }
}

pub(super) fn waiting(line: &Line<'_>) -> Option<AppSign> {
    /// What a healthy server waits for.
    const CALM: [&str; 8] = [
        "connections",
        "requests",
        "signal",
        "shutdown",
        "jobs",
        "incoming",
        "new ",
        "messages",
    ];
    let target_text = match after(&line.lower, "waiting for ").or_else(|| after(&line.lower, "waiting on ")) {
        Some(rest) => {
            // Lower case has the same length byte for byte, so the offset holds in the text.
            let rest = &line.text[line.text.len() - rest.len()..];
            if CALM
                .iter()
                .any(|calm| rest.to_ascii_lowercase().starts_with(calm))
            {
                return None;
            }
            rest.trim_end_matches(['.', ' ', '\u{2026}'])
        }
        None => target_or_first(line.text)?,
    };
    Some(AppSign::Waiting {
        target: clip_to(target_text, 120).to_owned(),
    })
}

/// `postgres is unavailable - sleeping`.
pub(super) fn target_or_first(text: &str) -> Option<&str> {
    let at = [" is unavailable", " not ready yet", " is not ready"]
        .iter()
        .find_map(|sign| text.find(sign))?;
    text[..at]
        .rsplit([' ', ':'])
        .next()
        .filter(|name| !name.is_empty())
}
