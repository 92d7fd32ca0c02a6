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
            Standing::Decisive if line.calm => Standing::Last,
            other => other,
        };
        let mut clause = clause(&line.sign, &line.text)?;
        if let Some(near) = &line.near {
            clause.push_str(&format!(" (lines nearby speak of {near})"));
        }
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

/// The refused call is one to a peer: firewalls and policies of the node's kernel answer with EPERM or EACCES.
pub(super) fn connects(line: &str, peer: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    !peer.starts_with('/')
        && (lower.contains("connect") || lower.contains("dial ") || lower.contains("sendto"))
}

/// The line speaks of the C library's versions.
pub(super) fn is_libc(line: &str) -> bool {
    ["GLIBC_", "GLIBCXX_", "CXXABI_"]
        .iter()
        .any(|sign| line.contains(sign))
}

/// A word that the program takes for no address; it may be meant as a name as well.
pub(super) fn is_bad_address(line: &str) -> bool {
    line.contains("bad address ")
}

/// The module that lacks a name is only half loaded: it is being imported by what it imports itself.
pub(super) fn is_circular(line: &str) -> bool {
    line.contains("circular import") || line.contains("partially initialized module")
}

/// What does not fit: what is there lacks what was looked for.
fn mismatch(what: Option<&str>, of: Option<&str>, line: &str) -> String {
    match (what, of) {
        (Some(what), of) if is_libc(line) => format!(
            "{} has no version {what}: it is older than the one that the program was built with",
            of.map_or("a library of the C or C++ runtime".to_owned(), |of| format!(
                "the image's library {of}"
            ))
        ),
        (Some(what), Some(of)) => format!("{of} is there, and has no {what}: {}", quote(line)),
        (Some(what), None) => format!("no library that it loads has {what}: {}", quote(line)),
        (None, _) => format!("parts of the program do not fit each other: {}", quote(line)),
    }
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
        AppSign::PermissionDenied { path: Some(path) } if makes_folder(line) => {
            format!("it has no permission to make the folder {path}: {}", quote(line))
        }
        AppSign::MissingFile { path } => with(
            "the file {} does not exist",
            path,
            "a file that it needs does not exist",
        ),
        AppSign::PermissionDenied { path: Some(peer) } if connects(line, peer) => {
            format!("the kernel does not let it connect to {peer}: {}", quote(line))
        }
        AppSign::PermissionDenied { path: Some(path) } => format!("it has no permission for {path}"),
        AppSign::PermissionDenied { path: None } => format!("it is denied a permission: {}", quote(line)),
        AppSign::Forbidden { peer, .. } => match (refused_by_api(line), peer) {
            (Some((user, verb, resource)), _) => {
                format!("a request is forbidden: {user} may not {verb} {resource}")
            }
            (None, Some(peer)) => format!("{peer} refuses what it asks for: {}", quote(line)),
            (None, None) => format!("a request is forbidden: {}", quote(line)),
        },
        AppSign::VersionMismatch { what, of, .. } => mismatch(what.as_deref(), of.as_deref(), line),
        AppSign::Locked { .. } => format!("what it needs is locked by another process: {}", quote(line)),
        AppSign::NotFoundCommand { command } => not_found(command),
        AppSign::ExecFormat => "the program is built for another architecture".into(),
        AppSign::BadInterpreter { .. } => cannot_run(sign)?,
        AppSign::MissingLibrary { library } => with(
            "the library {} is missing",
            library,
            "a shared library is missing",
        ),
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
        AppSign::ConfigError { .. } if is_bad_address(line) => {
            format!("it refuses an address that it was given: {}", quote(line))
        }
        AppSign::ConfigError { .. } => format!("its configuration is wrong: {}", quote(line)),
        AppSign::BadFlag { .. } => format!("its command line is wrong: {}", quote(line)),
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
