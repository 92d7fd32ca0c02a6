//! An application's own last words: the lines that decide.

mod extract;
mod known;
mod pick;
mod records;
mod signs;
mod standing;
mod structured;

use std::borrow::Cow;

use jiff::Timestamp;

use super::prefix::strip;
use super::scan::clip;

pub use known::{Known, ProxyFlag};
pub use pick::application;

/// What a telling line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppSign {
    /// Nobody listens at the target.
    ConnectionRefused {
        /// `host:port`, `db`, where the line names it.
        target: Option<String>,
    },
    /// A name cannot be resolved.
    NameResolution {
        /// The name, where the line has it.
        host: Option<String>,
    },
    /// No connection or answer in time, or no route.
    ConnectTimeout {
        /// `host:port`, where the line names it.
        target: Option<String>,
    },
    /// The connection was reset or closed by the other side.
    ConnectionReset {
        /// `host:port`, where the line names it.
        target: Option<String>,
    },
    /// The port or socket is in use.
    AddressInUse {
        /// The address, where the line names it.
        address: Option<String>,
    },
    /// A file or folder does not exist.
    MissingFile {
        /// The path, where the line names it.
        path: Option<String>,
    },
    /// No right to a file, port or call.
    PermissionDenied {
        /// The path or address, where the line names it.
        path: Option<String>,
    },
    /// A shell does not find a command.
    NotFoundCommand {
        /// The command.
        command: String,
    },
    /// A binary of another architecture, or not a binary.
    ExecFormat,
    /// A script's interpreter does not exist; a stray carriage return counts.
    BadInterpreter {
        /// The script or program that cannot be run, where the line names it.
        path: Option<String>,
        /// What should run it, where the line names it.
        interpreter: Option<String>,
        /// The interpreter's name ends in a carriage return: the script has Windows line ends.
        carriage_return: bool,
    },
    /// A peer knows who asks and refuses what it asks for: no right, by its own policy.
    Forbidden {
        /// The peer, where the line names it.
        peer: Option<String>,
        /// The words.
        detail: String,
    },
    /// Something is locked by another process, or a process before left its lock.
    Locked {
        /// The words.
        detail: String,
    },
    /// Parts that are there do not fit each other: a library older than the program was built for, a module without the
    /// name that another one takes from it.
    VersionMismatch {
        /// The version, symbol or name that is not there.
        what: Option<String>,
        /// Where it was looked for.
        of: Option<String>,
        /// The words.
        detail: String,
    },
    /// A shared library is missing.
    MissingLibrary {
        /// The library, where the line names it.
        library: Option<String>,
    },
    /// A module or class of the program's language is missing.
    MissingModule {
        /// The module.
        module: String,
    },
    /// The configuration is wrong.
    ConfigError {
        /// The words.
        detail: String,
    },
    /// An environment variable or required setting is missing.
    MissingEnv {
        /// Its name, where the line has it.
        name: Option<String>,
    },
    /// A command line flag or argument is wrong.
    BadFlag {
        /// The words.
        detail: String,
    },
    /// A login was refused.
    AuthFailed {
        /// The words.
        detail: String,
    },
    /// The Java heap is full, or nearly and the collector works without success.
    JvmHeap,
    /// The Java metaspace is full.
    JvmMetaspace,
    /// Java could not make a thread.
    JvmThreads,
    /// Java direct memory is full.
    JvmDirect,
    /// Java could not get memory from the machine.
    JvmNative,
    /// The Node.js heap is full.
    NodeHeap,
    /// Python's MemoryError.
    PythonMemory,
    /// Go's runtime is out of memory.
    GoMemory,
    /// Memory ran out, by other words.
    OutOfMemory,
    /// A disk or volume is full.
    DiskFull {
        /// The path, where the line names it.
        path: Option<String>,
    },
    /// A file system is read-only.
    ReadOnly {
        /// The path, where the line names it.
        path: Option<String>,
    },
    /// Too many open files or processes.
    LimitReached {
        /// The words.
        detail: String,
    },
    /// A panic of Go, Rust or another runtime.
    Panic {
        /// Its message.
        message: String,
    },
    /// An exception of Java, Python, Node.js, .NET or Ruby that ended the program.
    Exception {
        /// Type and message.
        message: String,
    },
    /// A segmentation fault or illegal instruction.
    Segfault,
    /// An assertion of the program.
    Assertion {
        /// The words.
        detail: String,
    },
    /// TLS or a certificate.
    Tls {
        /// The words.
        detail: String,
    },
    /// A database refuses: missing table, failed migration, lock.
    Database {
        /// The words.
        detail: String,
    },
    /// The program says that it ends because of a signal.
    Signal {
        /// `SIGTERM`.
        name: String,
    },
    /// The program ends as planned.
    Finished,
    /// The program listens.
    ListeningOn {
        /// The port.
        port: u16,
    },
    /// The program waits for something.
    Waiting {
        /// For what.
        target: String,
    },
    /// A component known to the field tells of a trouble in words of its own.
    Known(Known),
    /// A line of an error or fatal level that no pattern knows.
    Error {
        /// The words.
        message: String,
    },
}

/// What a telling line is worth as the reason of an end, by its own form and by what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// An error or fatal by its own form, and nothing behind it shows that the program went on.
    Decisive,
    /// Among the last words, and not an error by its own form.
    Last,
    /// An error by its own form, and the little that follows shows neither that the program went on nor that it ended.
    Continued,
    /// Fatal by its own form, and the program said more behind it.
    Fatal,
    /// The program went on: later lines show progress, or are ordinary talk.
    Passed,
}

/// A line that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TellingLine {
    /// Index in the input.
    pub line: usize,
    /// The line without shipper prefixes.
    pub text: String,
    /// When, where a shipper or the line's JSON says it.
    pub time: Option<Timestamp>,
    /// What it says.
    pub sign: AppSign,
    /// The line calls itself a warning or less, or says that the program goes on in spite of it.
    pub calm: bool,
    /// What it is worth as the reason of an end.
    pub standing: Standing,
    /// The only peer that lines nearby speak of, where this one does not name what was not reached.
    pub near: Option<String>,
}

/// Removes what shippers put before a line: CRI, docker's json-file, `kubectl logs --prefix --timestamps`, stern,
/// journal, fluent and Loki JSON, terminal colors. Gives the time and the bare line.
///
/// An application's own JSON (`msg`) becomes its message and error.
pub fn unwrap_line(line: &str) -> (Option<Timestamp>, Cow<'_, str>) {
    let line = clip(line);
    if let Some((time, text)) = structured::own(line) {
        return (time, Cow::Owned(text));
    }
    let bare = strip(line, None);
    let mut time = bare.time;
    match structured::flatten(&bare.text) {
        Some((inner_time, text)) => {
            time = time.or(inner_time);
            (time, Cow::Owned(text))
        }
        None => (time, bare.text),
    }
}

/// The line calls itself an error or worse, by its level.
pub(crate) fn is_loud_text(line: &str) -> bool {
    let (_, text) = unwrap_line(line);
    signs::Line::new(&text).is_loud_in_form()
}

/// A request that a server answered.
pub(crate) fn is_access_text(line: &str) -> bool {
    let (_, text) = unwrap_line(line);
    signs::Line::new(&text).is_access()
}

/// The line records what others did, or explains something to a reader: what it quotes did not happen here.
pub(crate) fn is_quoting(line: &str) -> bool {
    let (time, text) = unwrap_line(line);
    let line = signs::Line::new(&text);
    line.is_record() || time.is_none() && line.is_guide()
}

#[cfg(test)]
mod tests;
