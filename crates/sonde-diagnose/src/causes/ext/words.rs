//! An application's telling line as a plain clause.

use sonde_grammar::log::{self, AppSign, Standing};

use super::known;
use crate::{Facts, Seen};

/// Longer quotes make a headline unreadable.
const QUOTE_CHARS_MAX: usize = 160;

/// A line that plays itself down tells why the program ended only where it is among so many last ones.
const LAST_LINES: usize = 3;

/// Why the application ended, in its own words: a clause, its sign and its line. What it got over is no reason.
pub(super) fn why(facts: &Facts<'_>) -> Option<(String, AppSign, Seen)> {
    said(facts, |standing| standing != Standing::Passed).map(|(why, _)| why)
}

/// The telling line of a standing that is taken, and its standing; a line that plays itself down decides nothing.
pub(super) fn said(
    facts: &Facts<'_>,
    takes: impl Fn(Standing) -> bool,
) -> Option<((String, AppSign, Seen), Standing)> {
    let lines = facts.log().map(<[String]>::len);
    facts.own_words().into_iter().find_map(|(line, seen)| {
        if line.calm && lines.is_some_and(|lines| line.line + LAST_LINES < lines) {
            return None;
        }
        if !takes(line.standing) {
            return None;
        }
        let standing = match line.standing {
            Standing::Decisive if line.calm || is_vague_address(&line.text) => Standing::Last,
            other => other,
        };
        let clause = clause(&line.sign, &line.text)?;
        Some(((clause, line.sign, seen), standing))
    })
}

/// The program says that it was told to end; that it ends says not who wants it.
pub(super) fn was_told(facts: &Facts<'_>) -> Option<Seen> {
    const ASKED: [&str; 3] = ["signal", "request", "interrupt"];
    facts.own_words().into_iter().find_map(|(line, seen)| {
        let AppSign::Signal { name } = &line.sign else {
            return None;
        };
        let lower = line.text.to_ascii_lowercase();
        (!name.is_empty() || ASKED.iter().any(|word| lower.contains(word))).then_some(seen)
    })
}

/// The words behind klog's head, `E1121 09:12:44.118812       1 file.go:73] `.
fn without_head(text: &str) -> &str {
    const HEAD_BYTES_MAX: usize = 100;
    let klog = text
        .as_bytes()
        .get(1..5)
        .is_some_and(|it| it.iter().all(u8::is_ascii_digit))
        && text.starts_with(['I', 'W', 'E', 'F']);
    match text.find("] ").filter(|at| klog && *at < HEAD_BYTES_MAX) {
        Some(at) => &text[at + 2..],
        None => text,
    }
}

/// `$(NAME)` in a text: Kubernetes leaves a reference as it is where NAME is not defined (core/v1, Container.args). A
/// shell's command substitution looks alike and has other words than a name in it.
pub(super) fn reference_in(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("$(") {
        let (name, after) = behind.split_once(')')?;
        let is_name = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        // `$$(NAME)` is meant as it stands.
        if is_name && !before.ends_with('$') {
            return Some(name);
        }
        rest = after;
    }
    None
}

/// A text in quotes, cut where it is long; of a message of several lines the one that tells most.
pub(super) fn quote(text: &str) -> String {
    let text = without_head(text.trim());
    let lines: Vec<&str> = text.lines().collect();
    let telling = log::application(&lines).into_iter().next();
    let text = match &telling {
        Some(telling) if lines.len() > 1 && text.chars().count() > QUOTE_CHARS_MAX => {
            without_head(telling.text.trim())
        }
        _ => text,
    };
    let mut quoted: String = text.chars().take(QUOTE_CHARS_MAX).collect();
    if text.chars().count() > QUOTE_CHARS_MAX {
        quoted.push('…');
    }
    format!("\"{quoted}\"")
}

/// The name was asked for and no answer came, not even that it does not exist.
pub(super) fn dns_is_silent(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    ["i/o timeout", "timed out", "deadline exceeded"]
        .iter()
        .any(|words| lower.contains(words))
}

/// The refused permission is about a port to listen on, not about a file.
pub(super) fn binds_port(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    (lower.contains("bind") || lower.contains("listen"))
        && !lower.contains("unix:")
        && !lower.contains(".sock")
}

/// The other side knows who asks, or does not want to: no login was tried and refused.
pub(super) fn is_forbidden(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    [
        "403 forbidden",
        "accessdenied:",
        "is forbidden: user",
        "is not authorized to perform",
    ]
    .iter()
    .any(|words| lower.contains(words))
}

/// "Permission denied" by whoever was asked over the network: no file of the container is meant.
pub(super) fn is_denied_by_other_side(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let by_address = [
        "http://",
        "https://",
        "googleapi",
        "rpc error",
        "grpc",
        "permissiondenied",
        "(publickey",
    ]
    .iter()
    .any(|words| lower.contains(words));
    let by_status = ["401", "403"].iter().any(|code| {
        lower
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| word == *code)
    });
    // What a database keeps from a user.
    let by_grant = [
        "table", "schema", "relation", "database", "sequence", "function", "resource", "project",
    ]
    .iter()
    .any(|thing| {
        lower.contains(&format!("permission denied for {thing} "))
            || lower.contains(&format!("permission denied on {thing} "))
    });
    by_address || by_status || by_grant
}

/// A library that is there and lacks a version that something needs: the library, the version, and what needs it.
pub(super) fn lacks_version(line: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = line.split_once(": version `")?;
    let (version, rest) = rest.split_once("' not found")?;
    let library = before.rsplit([' ', ':']).next().filter(|it| !it.is_empty())?;
    let by = rest
        .split_once("(required by ")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or("the program", |(by, _)| by);
    Some((library, version, by))
}

/// A module that is there and lacks a name: the name and the module.
pub(super) fn lacks_name(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once("cannot import name ")?;
    let (name, rest) = rest.strip_prefix('\'')?.split_once('\'')?;
    let (_, rest) = rest.split_once("from ")?;
    let module = rest
        .trim_start()
        .strip_prefix(['\'', '"'])?
        .split(['\'', '"'])
        .next()?;
    // Partially initialized modules are said so with the word itself.
    (!name.is_empty() && !module.is_empty()).then_some((name, module))
}

/// Tools that look a name up and say "bad address" when there is none; servers say it of an address to listen on.
const CLIENTS: &[&str] = &[
    "wget",
    "ping",
    "ping6",
    "nc",
    "telnet",
    "traceroute",
    "ftpget",
    "ftpput",
    "nslookup",
    "ssh",
    "ntpd",
    "arping",
];

/// "bad address" of a program that is no known client: the word may be a wrong setting as well as a name without an address.
pub(super) fn is_vague_address(line: &str) -> bool {
    let Some((before, _)) = line.split_once(": bad address '") else {
        return line.contains("bad address '");
    };
    let program = before.rsplit([' ', '/', ':']).next().unwrap_or(before);
    !CLIENTS.contains(&program)
}

/// Who asked the API server in vain: `system:serviceaccount:NAMESPACE:NAME`, and what for.
pub(super) fn refused_by_api(line: &str) -> Option<(&str, &str, &str)> {
    let (_, rest) = line.split_once("is forbidden: User ")?;
    let mut quoted = rest.split(['"', '\\']).filter(|word| !word.is_empty());
    let user = quoted.next()?;
    let (_, what) = rest.split_once(" cannot ")?;
    let verb = what.split(' ').next()?;
    let (_, resource) = what.split_once("resource ")?;
    let resource = resource.split(['"', '\\']).find(|word| !word.is_empty())?;
    Some((user, verb, resource))
}

fn makes_folder(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    lower.contains("mkdir") || lower.contains("create directory")
}

/// A shell searches a bare name in its path, and runs what has a slash; then the kernel says "no such file" of the
/// interpreter or loader as well (execve(2), ENOENT).
pub(super) fn not_found(command: &str) -> String {
    if command.contains('/') {
        format!(
            "{command} cannot be run: it, or the interpreter or loader that it names, is not in the image"
        )
    } else {
        format!("the command {command} is not in the image")
    }
}

/// Why a script or program that exists cannot run: what should run it does not exist. The shell names both; the runtime
/// only the file that it was told to run.
pub(in crate::causes) fn cannot_run(sign: &AppSign) -> Option<String> {
    let AppSign::BadInterpreter {
        path,
        interpreter,
        carriage_return,
    } = sign
    else {
        return None;
    };
    let script = path
        .as_deref()
        .map_or("a script".to_owned(), |path| format!("the script {path}"));
    Some(match (interpreter, path) {
        (Some(name), _) if *carriage_return => {
            format!("{script} has Windows line ends, so its interpreter {name} is not found")
        }
        _ if *carriage_return => format!("{script} has Windows line ends, so its interpreter is not found"),
        (Some(name), _) => format!("{script} needs the interpreter {name}, which is not in the image"),
        (None, path) => format!(
            "{} is there, and what it needs to run, its interpreter or loader, is not in the image",
            path.as_deref().unwrap_or("its command")
        ),
    })
}

fn clause(sign: &AppSign, line: &str) -> Option<String> {
    let with = |what: &str, named: &Option<String>, unnamed: &str| match named {
        Some(name) => what.replace("{}", name),
        None => unnamed.to_owned(),
    };
    // Who it is stands in the line, in a form that nobody knows.
    let quoted = |unnamed: &str| format!("{unnamed}: {}", quote(line));
    Some(match sign {
        AppSign::ConnectionRefused { target } => with(
            "{} refuses the connection",
            target,
            &quoted("something that it needs refuses the connection"),
        ),
        AppSign::NameResolution { host } if dns_is_silent(line) => with(
            "no DNS server answers in time when it asks for the name {}",
            host,
            "no DNS server answers in time",
        ),
        AppSign::NameResolution { host: Some(host) } if is_vague_address(line) => {
            format!("it takes {host} for no address: a wrong setting, or a name that does not resolve")
        }
        AppSign::NameResolution { host } => {
            with("it cannot resolve the name {}", host, "it cannot resolve a name")
        }
        AppSign::ConnectTimeout { target } => with(
            "{} does not answer in time",
            target,
            &quoted("something that it needs does not answer in time"),
        ),
        AppSign::ConnectionReset { target } => with(
            "{} closes the connection",
            target,
            &quoted("the other side closes the connection"),
        ),
        AppSign::AddressInUse { address } => with(
            "the address {} is already in use",
            address,
            "the address that it wants to listen on is already in use",
        ),
        AppSign::MissingFile { path: Some(path) } if makes_folder(line) => {
            format!(
                "it cannot make the folder {path}, whose parent does not exist: {}",
                quote(line)
            )
        }
        AppSign::PermissionDenied { .. } if binds_port(line) => {
            format!("it may not listen on its port: {}", quote(line))
        }
        AppSign::PermissionDenied { .. } if is_denied_by_other_side(line) => {
            format!("whom it asks refuses it: {}", quote(line))
        }
        AppSign::PermissionDenied { path: Some(path) } if makes_folder(line) => {
            format!("it has no permission to make the folder {path}: {}", quote(line))
        }
        AppSign::MissingFile { path } => with(
            "the file {} does not exist",
            path,
            "a file that it needs does not exist",
        ),
        AppSign::PermissionDenied { path: Some(path) } => format!("it has no permission for {path}"),
        AppSign::PermissionDenied { path: None } => format!("it is denied a permission: {}", quote(line)),
        AppSign::NotFoundCommand { command } => not_found(command),
        AppSign::ExecFormat => "the program is built for another architecture".into(),
        AppSign::BadInterpreter { .. } => cannot_run(sign)?,
        AppSign::MissingLibrary { .. } if lacks_version(line).is_some() => {
            let (library, version, by) = lacks_version(line)?;
            format!(
                "the image's library {library} has no version {version}, which {by} needs: it is older than the one that was built against"
            )
        }
        AppSign::MissingLibrary { library } => with(
            "the library {} is missing",
            library,
            "a shared library is missing",
        ),
        AppSign::MissingModule { .. } if lacks_name(line).is_some() => {
            let (name, module) = lacks_name(line)?;
            format!("the module {module} has no {name}")
        }
        AppSign::MissingModule { module } => format!("the module {module} is missing"),
        AppSign::MissingEnv { name } => {
            with("the setting {} is missing", name, "a required setting is missing")
        }
        AppSign::JvmHeap => "the Java heap is full".into(),
        AppSign::JvmMetaspace => "the Java metaspace is full".into(),
        AppSign::JvmThreads => "Java cannot create another thread".into(),
        AppSign::JvmDirect => "Java's direct memory is used up".into(),
        AppSign::JvmNative => "Java gets no more memory from the system".into(),
        AppSign::NodeHeap => "the Node.js heap is full".into(),
        AppSign::PythonMemory | AppSign::GoMemory | AppSign::OutOfMemory => "it has no memory left".into(),
        AppSign::DiskFull { path } => with(
            "no space is left for {}",
            path,
            "no space is left on a disk or volume",
        ),
        AppSign::ReadOnly { path } => with(
            "{} is on a read-only file system",
            path,
            "a file system is read-only",
        ),
        AppSign::ConfigError { .. } => format!("its configuration is wrong: {}", quote(line)),
        AppSign::BadFlag { .. } => format!("its command line is wrong: {}", quote(line)),
        AppSign::AuthFailed { .. } if refused_by_api(line).is_some() => {
            let (user, verb, resource) = refused_by_api(line)?;
            format!("a request is forbidden: {user} may not {verb} {resource}")
        }
        AppSign::AuthFailed { .. } if is_forbidden(line) => {
            format!("a request is forbidden: {}", quote(line))
        }
        AppSign::AuthFailed { .. } => format!("a login is refused: {}", quote(line)),
        AppSign::LimitReached { .. } => format!("it has reached a limit: {}", quote(line)),
        AppSign::Tls { .. } => format!("a certificate or TLS is refused: {}", quote(line)),
        AppSign::Database { .. } => format!("the database refuses: {}", quote(line)),
        AppSign::Panic { message } => format!("the program panics: {}", quote(message)),
        AppSign::Exception { message } => format!("an exception ends it: {}", quote(message)),
        AppSign::Assertion { .. } => format!("an assertion of the program fails: {}", quote(line)),
        AppSign::Segfault => "it accesses memory that is not its own".into(),
        AppSign::Error { .. } => quote(line),
        AppSign::Known(known) => known::clause(known),
        AppSign::Signal { .. }
        | AppSign::Finished
        | AppSign::ListeningOn { .. }
        | AppSign::Waiting { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_by_the_other_side_is_no_files() {
        for line in [
            "[ERROR] auth: URL: PUT http://vault.vault:8200/v1/auth/kubernetes/login Code: 403. Errors: * permission denied",
            "googleapi: Error 403: Permission denied on resource project acme., forbidden",
            "rpc error: code = PermissionDenied desc = permission denied",
            "ERROR: permission denied for table orders",
            "git@github.com: Permission denied (publickey).",
        ] {
            assert!(is_denied_by_other_side(line), "{line}");
        }
        for line in [
            "open /data/db.lock: permission denied",
            "mkdir: can't create directory '/var/lib/403x': Permission denied",
            "PermissionError: [Errno 13] Permission denied: '/srv/out.txt'",
        ] {
            assert!(!is_denied_by_other_side(line), "{line}");
        }
    }

    #[test]
    fn what_is_there_and_does_not_fit() {
        assert_eq!(
            lacks_version(
                "/app/server: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by /app/server)"
            ),
            Some(("/lib/x86_64-linux-gnu/libc.so.6", "GLIBC_2.34", "/app/server"))
        );
        assert_eq!(
            lacks_version("libssl.so.1.1: cannot open shared object file"),
            None
        );
        assert_eq!(
            lacks_name("ImportError: cannot import name 'create_app' from 'shop' (/app/shop/__init__.py)"),
            Some(("create_app", "shop"))
        );
        assert_eq!(lacks_name("ModuleNotFoundError: No module named 'flask'"), None);
    }

    #[test]
    fn a_bad_address_is_a_name_for_clients_alone() {
        assert!(is_vague_address("httpd: bad address 'abc'"));
        assert!(!is_vague_address("wget: bad address 'db'"));
        assert!(!is_vague_address("dial tcp: lookup db: no such host"));
    }
}
