//! The patterns of telling lines, as one table.

mod arguments;
mod line;
mod locks;
mod needles;
mod readers;
mod refusals;
mod versions;

use crate::log::scan::{after, clip_to, word};

use super::extract::{host, listening_port, path, target, variable};
use super::{AppSign, known};
pub(super) use line::DETAIL_BYTES_MAX;
pub(crate) use line::Line;
use readers::*;

/// How much a sign explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// A cause.
    Cause,
    /// The program's death in its own words.
    Death,
    /// An error of unknown kind.
    Error,
    /// What surrounds it: listens, waits, got a signal.
    Context,
}

/// The sign of a line and its weight.
pub(crate) fn sign(line: &Line<'_>) -> Option<(Weight, AppSign)> {
    let mut rows = needles::rows_of(line.lower.as_bytes());
    while rows != 0 {
        let row = rows.trailing_zeros() as usize;
        rows &= rows - 1;
        let known = known::TABLE.len();
        let found = match row.checked_sub(known) {
            None => (known::TABLE[row].1)(line).map(|known| (Cause, AppSign::Known(known))),
            Some(row) => (TABLE[row].2)(line).map(|sign| (TABLE[row].0, sign)),
        };
        if found.is_some() {
            return found;
        }
    }
    // klog's letter needs no word beside it.
    line.is_fatal_by_letter().then(|| {
        (
            Error,
            AppSign::Error {
                message: line.detail(),
            },
        )
    })
}

use Weight::{Cause, Context, Death, Error};

type Make = fn(&Line<'_>) -> Option<AppSign>;

/// The needles of each row, in the order in which rows are tried.
fn rows() -> impl Iterator<Item = &'static [&'static str]> {
    let known = known::TABLE.iter().map(|(needles, _)| *needles);
    known.chain(TABLE.iter().map(|(_, needles, _)| *needles))
}

/// Needles are lower case and of two bytes or more. The first row that fits wins, so the more exact rows stand first; the
/// words of known components stand before them all.
const TABLE: &[(Weight, &[&str], Make)] = &[
    (Cause, &["heap space", "gc overhead limit"], |l| {
        jvm(l, AppSign::JvmHeap)
    }),
    (
        Cause,
        &[
            "outofmemoryerror: metaspace",
            "outofmemoryerror: compressed class",
        ],
        |_| Some(AppSign::JvmMetaspace),
    ),
    (
        Cause,
        &[
            "unable to create new native thread",
            "unable to create native thread",
        ],
        |_| Some(AppSign::JvmThreads),
    ),
    (Cause, &["direct buffer memory"], |_| Some(AppSign::JvmDirect)),
    (
        Cause,
        &["insufficient memory for the java", "native memory allocation ("],
        |_| Some(AppSign::JvmNative),
    ),
    (
        Cause,
        &["javascript heap out of memory", "reached heap limit"],
        |_| Some(AppSign::NodeHeap),
    ),
    (
        Cause,
        &["runtime: out of memory", "runtime: cannot allocate memory"],
        |_| Some(AppSign::GoMemory),
    ),
    (Cause, &["memoryerror"], |l| {
        (!l.has("outofmemoryerror")).then_some(AppSign::PythonMemory)
    }),
    (
        Cause,
        &[
            "out of memory",
            "outofmemory",
            "cannot allocate memory",
            "bad_alloc",
            "allowed memory size",
            "memory allocation of",
        ],
        |_| Some(AppSign::OutOfMemory),
    ),
    (Cause, locks::NEEDLES, locks::locked),
    (
        Cause,
        &["no space left on device", "enospc", "disk quota exceeded"],
        |l| Some(AppSign::DiskFull { path: path(l.text) }),
    ),
    (Cause, &["read-only file system", "erofs"], |l| {
        Some(AppSign::ReadOnly { path: path(l.text) })
    }),
    (
        Cause,
        &[
            "too many open files",
            "emfile",
            "can't fork",
            "cannot fork",
            "fork: retry",
            "pthread_create failed",
            "resource temporarily unavailable",
        ],
        // A lock that another process holds is refused with the same error number.
        |l| (!l.has("lock file")).then(|| AppSign::LimitReached { detail: l.detail() }),
    ),
    // Bootstrap checks of Elasticsearch and its kin: the heading says only that one failed.
    (
        Cause,
        &[
            "is too low, increase to at least",
            "unsuitable for production use; at least one of",
        ],
        |l| Some(AppSign::ConfigError { detail: l.detail() }),
    ),
    (
        Cause,
        &[
            "bad interpreter",
            "\\r': ",
            "\\r\u{2019}: ",
            "\r': ",
            "^m: ",
            "$'\\r': command not found",
        ],
        interpreter,
    ),
    (
        Cause,
        &["exec format error", "cannot execute binary file"],
        |_| Some(AppSign::ExecFormat),
    ),
    (
        Cause,
        &["exec /", "exec user process caused", "exec container process"],
        dead_exec,
    ),
    (Cause, versions::NEEDLES, versions::mismatch),
    (
        Cause,
        &["loading shared librar", "cannot open shared object"],
        |l| {
            Some(AppSign::MissingLibrary {
                library: library(l.text),
            })
        },
    ),
    (
        Cause,
        &[
            "no module named",
            "cannot find module",
            "classnotfoundexception",
            "noclassdeffounderror",
            "could not find or load main class",
            "cannot load such file",
        ],
        |l| {
            Some(AppSign::MissingModule {
                module: module(l.text),
            })
        },
    ),
    (Cause, &["no main manifest attribute"], |l| {
        Some(AppSign::MissingModule { module: l.detail() })
    }),
    (
        Cause,
        &["command not found", ": not found", "executable file not found"],
        command,
    ),
    (
        Cause,
        &[
            "address already in use",
            "eaddrinuse",
            "already in use",
            "port is already allocated",
            "only one usage of each socket",
        ],
        |l| {
            let about_port =
                l.has("address") || l.has("port") || l.has("bind") || l.has("socket") || l.has("eaddrinuse");
            about_port.then(|| AppSign::AddressInUse {
                address: target(l.text),
            })
        },
    ),
    (Cause, arguments::NEEDLES, arguments::refused),
    // A DNS server that does not answer, in Go's words: `dial tcp: lookup db on 10.96.0.10:53: … i/o timeout`.
    (Cause, &["lookup "], |l| {
        let asks = l.has("dial ") || l.has(":53");
        let fails = [
            "i/o timeout",
            "timed out",
            "deadline exceeded",
            "server misbehaving",
        ]
        .iter()
        .any(|words| l.has(words));
        (asks && fails).then(|| AppSign::NameResolution { host: host(l.text) })
    }),
    (
        Cause,
        &[
            "no such host",
            // Not as a part of `FileNotFoundException` or `ModuleNotFoundError`.
            " enotfound",
            "'enotfound",
            "\"enotfound",
            "(enotfound",
            "=enotfound",
            ":enotfound",
            "eai_again",
            "name resolution",
            "name or service not known",
            "unknownhostexception",
            "nodename nor servname",
            "could not resolve host",
            "host not found in upstream",
            "unknown mysql server host",
            "bad address '",
            "can't resolve '",
            "failed to lookup address",
            "nameresolutionerror",
            "nxdomain",
            "getaddrinfo failed",
            "could not translate host name",
            "unknown host",
        ],
        |l| Some(AppSign::NameResolution { host: host(l.text) }),
    ),
    (
        Cause,
        &[
            "connection refused",
            "econnrefused",
            "connectexception",
            "actively refused",
        ],
        |l| {
            Some(AppSign::ConnectionRefused {
                target: target(l.text),
            })
        },
    ),
    (
        Cause,
        &[
            "can't connect to mysql server",
            "can't connect to local mysql",
            "could not connect to redis",
        ],
        |l| {
            Some(AppSign::ConnectionRefused {
                target: target(l.text),
            })
        },
    ),
    (
        Cause,
        &[
            "x509:",
            "certificate verify failed",
            "ssl certificate problem",
            "certificate_verify_failed",
            "sslhandshakeexception",
            "self signed certificate",
            "self-signed certificate",
            "certificate has expired",
            "handshake failure",
            "pkix path",
            "local issuer certificate",
            "ssl: wrong version",
            "ssl_error",
            "tls handshake",
        ],
        |l| Some(AppSign::Tls { detail: l.detail() }),
    ),
    (
        Cause,
        &[
            "i/o timeout",
            "timed out",
            "etimedout",
            "no route to host",
            "ehostunreach",
            "network is unreachable",
            "deadline exceeded",
            "timeoutexception",
            "timeouterror",
        ],
        |l| {
            Some(AppSign::ConnectTimeout {
                target: target(l.text),
            })
        },
    ),
    (Cause, refusals::FORBIDDEN, refusals::forbidden),
    (
        Cause,
        &[
            "password authentication failed",
            "authentication failed",
            "access denied for user",
            "noauth",
            "wrongpass",
            "invalid credentials",
            "401 unauthorized",
            "login failed",
            "sasl authentication",
            "authentication required",
            "authenticationexception",
            "no pg_hba.conf entry",
            "invalid username or password",
            "expiredtoken",
            "token has expired",
            "token is expired",
            "invalidclienttokenid",
            "signaturedoesnotmatch",
            "authorization failed",
            "invalid api key",
        ],
        |l| Some(AppSign::AuthFailed { detail: l.detail() }),
    ),
    (
        Cause,
        &[
            "\" does not exist",
            "' doesn't exist",
            "no such table",
            "unknown database",
            "dirty database version",
            "too many connections",
            "remaining connection slots",
            "flywayexception",
            "migrationexception",
            "migration failed",
            "failed migration",
            "deadlock detected",
            "database is locked",
            "not compatible with this version",
            "incompatible with server",
            "permission denied for ",
            "permission denied to create",
            "must be owner of",
        ],
        |l| Some(AppSign::Database { detail: l.detail() }),
    ),
    (
        Cause,
        &[
            "unbound variable",
            "parameter not set",
            "parameter null or not set",
            "could not resolve placeholder",
            "superuser password is not specified",
            "password option is not specified",
            "environment variable",
            "env var",
            "missing required env",
            "must be set",
            "is not set",
            "is required",
        ],
        missing_env,
    ),
    (Cause, &["keyerror: '"], |l| {
        variable(l.text)
            .filter(|v| v.contains('_'))
            .map(|v| AppSign::MissingEnv { name: Some(v) })
    }),
    (
        Cause,
        &[
            "no such file",
            "enoent",
            "nosuchfileexception",
            "unable to access jarfile",
            "filenotfound",
            "cannot stat",
        ],
        |l| Some(AppSign::MissingFile { path: path(l.text) }),
    ),
    (Cause, refusals::DENIED, refusals::denied),
    (
        Cause,
        &[
            "unknown flag",
            "flag provided but not defined",
            "unrecognized argument",
            "unrecognized option",
            "invalid option",
            "unknown option",
            "unknown shorthand flag",
            "unrecognized vm option",
            "unexpected argument",
            "illegal option",
            "bad option",
            "unknown command",
            "invalid maximum heap",
            "error: unrecognized",
            "requires an argument",
        ],
        |l| Some(AppSign::BadFlag { detail: l.detail() }),
    ),
    (
        Cause,
        &[
            "invalid configuration",
            "invalid config",
            "config error",
            "configuration error",
            "failed to load config",
            "error loading config",
            "could not load config",
            "failed to parse config",
            "error parsing",
            "failed to parse",
            "yaml:",
            "unmarshal",
            "unknown directive",
            "unknown field",
            "bad config",
            "configexception",
            "failed to bind properties",
            "toml parse",
            "parse error",
            "missing required",
            "configuration file",
            "invalid value for",
            "invalid number of arguments in",
            "unexpected end of file, expecting",
        ],
        |l| (!l.is_calm()).then(|| AppSign::ConfigError { detail: l.detail() }),
    ),
    (
        Cause,
        &[
            "connection reset",
            "econnreset",
            "broken pipe",
            "unexpected eof",
            "connection closed by",
        ],
        |l| {
            Some(AppSign::ConnectionReset {
                target: target(l.text),
            })
        },
    ),
    (
        Death,
        &[
            "segmentation fault",
            "sigsegv",
            "illegal instruction",
            "sigill",
            "bus error",
            "sigbus",
        ],
        |_| Some(AppSign::Segfault),
    ),
    (
        Death,
        &["panicked at", "panic: ", "fatal error: ", "kernel panic"],
        |l| {
            let message = after(l.text, "panic: ")
                .or_else(|| after(l.text, "fatal error: "))
                .unwrap_or(l.text);
            Some(AppSign::Panic {
                message: clip_to(message, DETAIL_BYTES_MAX).to_owned(),
            })
        },
    ),
    (
        Death,
        &["assertion", "assertionerror", "sigabrt", "assert failed"],
        |l| (!l.is_calm()).then(|| AppSign::Assertion { detail: l.detail() }),
    ),
    (
        Death,
        &[
            "caused by:",
            "exception in thread",
            "unhandled exception",
            "uncaught",
            "unhandledpromiserejection",
            "unhandled rejection",
            "exception: ",
            "error: ",
            "exception",
        ],
        exception,
    ),
    (
        Context,
        &[
            "sigterm",
            "sigint",
            "sigquit",
            "received signal",
            "caught signal",
            "signal: terminated",
            "signal 15",
        ],
        |l| Some(AppSign::Signal { name: signal(l) }),
    ),
    (
        Context,
        &[
            "shutting down",
            "graceful shutdown",
            "shutdown requested",
            "shutdown complete",
        ],
        |l| (!l.has("error")).then(|| AppSign::Signal { name: String::new() }),
    ),
    (
        Context,
        &[
            "listen",
            "started on port",
            "running on http",
            "running mode=",
            "started at",
            "accepting connections",
            "serving ",
        ],
        |l| {
            (!l.has("fail") && !l.has("error"))
                .then(|| listening_port(l.text))
                .flatten()
                .map(|port| AppSign::ListeningOn { port })
        },
    ),
    (
        Context,
        &[
            "waiting for ",
            "waiting on ",
            "is unavailable",
            "not ready yet",
            "still waiting",
        ],
        waiting,
    ),
    (
        Error,
        &[
            "fatal",
            "critical",
            "emerg]",
            "[crit]",
            "[alert]",
            "error",
            "panic",
            "failed",
            "failure",
            "cannot ",
            "can't ",
            "unable to ",
            "could not ",
        ],
        |l| {
            const CALM: [&str; 9] = [
                "0 errors",
                " 0 of ",
                ": none",
                "no error",
                "error=nil",
                "errors=0",
                "0 failed",
                "errors: 0",
                "error: none",
            ];
            (!l.is_calm() && !CALM.iter().any(|calm| l.has(calm)))
                .then(|| AppSign::Error { message: l.detail() })
        },
    ),
    (Context, &["done", "finished", "completed", "success"], |l| {
        (l.text.len() < 120).then_some(AppSign::Finished)
    }),
];
