//! The patterns of telling lines, as one table.

mod needles;
mod readers;

use crate::log::scan::{after, clip_to, word};

use super::AppSign;
use super::extract::{host, listening_port, path, target, variable};
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

/// Longer details say nothing more.
const DETAIL_BYTES_MAX: usize = 512;

/// A line as the table sees it.
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    lower: String,
}

impl<'a> Line<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let text = text.trim();
        Line {
            text,
            lower: text.to_ascii_lowercase(),
        }
    }

    fn has(&self, needle: &str) -> bool {
        self.lower.contains(needle)
    }

    pub(crate) fn has_any(&self, needles: &[&str]) -> bool {
        needles.iter().any(|needle| self.has(needle))
    }

    pub(crate) fn begins_with_any(&self, begins: &[&str]) -> bool {
        begins.iter().any(|begin| self.lower.starts_with(begin))
    }

    fn detail(&self) -> String {
        clip_to(self.text, DETAIL_BYTES_MAX).to_owned()
    }

    /// The line says of itself that it is no error: its first level word is a calm one.
    pub(crate) fn is_calm(&self) -> bool {
        matches!(self.level(), Some(Level::Info | Level::Warning))
    }

    /// The line calls itself less than a warning, in the place and form of a level.
    pub(crate) fn is_info(&self) -> bool {
        let in_form = |word: &str| {
            let bare = word
                .trim_start_matches("level=")
                .trim_matches(['[', ']', '"', ',', ':']);
            bare.len() < word.len() || bare.bytes().all(|b| b.is_ascii_uppercase())
        };
        let klog = self.text.starts_with("I0") || self.text.starts_with("I1");
        let klog = klog
            && self
                .text
                .as_bytes()
                .iter()
                .skip(1)
                .take(4)
                .all(u8::is_ascii_digit);
        klog || self.level() == Some(Level::Info)
            && self
                .text
                .split(|c: char| c.is_whitespace() || c == '|')
                .take(8)
                .any(|word| {
                    let bare = word.to_ascii_lowercase();
                    let bare = bare
                        .trim_start_matches("level=")
                        .trim_matches(['[', ']', '"', ',', ':']);
                    level_of(bare) == Some(Level::Info) && in_form(word)
                })
    }

    /// The line calls itself an error or worse.
    pub(crate) fn level_is_loud(&self) -> bool {
        matches!(self.level(), Some(Level::Error | Level::Fatal))
    }

    /// The line has the form of a program's death, whatever stands behind it.
    pub(crate) fn is_deadly(&self) -> bool {
        const FORMS: [&str; 9] = [
            "panic:",
            "fatal error:",
            "fatal:",
            "thread '",
            "exception in thread",
            "unhandled exception",
            "uncaught ",
            "terminate called after",
            "unhandledpromiserejection",
        ];
        let threads = !self.lower.starts_with("thread '") || self.has("panicked at");
        self.level() == Some(Level::Fatal)
            || self.begins_with_any(&FORMS) && threads
            || self.has_any(&["[emerg]", "***fatal", "*** fatal"])
    }

    /// The line has the form of an error: by its level, as an exception, or as the words of the system behind what was
    /// tried (`open /data/x: permission denied`).
    pub(crate) fn is_loud(&self) -> bool {
        const SAID: [&str; 4] = ["error: ", " error: ", "err! ", "exception: "];
        self.level_is_loud()
            || self.has_any(&SAID)
            || readers::exception(self).is_some()
            || self.ends_as_error()
    }

    /// The last part behind a colon is what the sign was read from.
    fn ends_as_error(&self) -> bool {
        let Some((_, last)) = self.text.rsplit_once(": ") else {
            return false;
        };
        matches!(sign(&Line::new(last)), Some((Weight::Cause | Weight::Death, _)))
    }

    /// The line says of itself that the program dies of it, with more words than that it does.
    pub(crate) fn is_fatal(&self) -> bool {
        /// Words of a farewell: the reason stands in an earlier line.
        const FAREWELLS: [&str; 14] = [
            "exiting",
            "shutting down",
            "aborting",
            "terminating",
            "giving up",
            "startup failed",
            "start-up failed",
            "failed to start",
            "unable to start",
            "could not start",
            "cannot continue",
            "initialization failed",
            "run failed",
            "see above",
        ];
        const REASON_WORDS: usize = 5;
        self.level() == Some(Level::Fatal)
            && self
                .text
                .split_whitespace()
                .filter(|word| word.chars().any(char::is_alphabetic))
                .count()
                >= REASON_WORDS
            && !FAREWELLS.iter().any(|words| self.has(words))
    }

    /// The first word among the first ones that names a level.
    fn level(&self) -> Option<Level> {
        if let [kind, b'0' | b'1', a, b, c, b' ', ..] = self.text.as_bytes()
            && [a, b, c].iter().all(|digit| digit.is_ascii_digit())
        {
            // klog: the level's letter, month and day.
            match kind {
                b'I' => return Some(Level::Info),
                b'W' => return Some(Level::Warning),
                b'E' => return Some(Level::Error),
                b'F' => return Some(Level::Fatal),
                _ => {}
            }
        }
        self.lower
            .split(|c: char| c.is_whitespace() || c == ':' || c == '|')
            .take(8)
            .filter_map(|word| {
                let word = word
                    .trim_start_matches("level=")
                    .trim_matches(['[', ']', '"', ',']);
                level_of(word)
            })
            .next()
    }

    /// The line says that the program goes on in spite of what it met.
    pub(crate) fn is_survived(&self) -> bool {
        const SURVIVED: [&str; 12] = [
            "continuing",
            "using default",
            "use default",
            "falling back",
            "using fallback",
            "non-fatal",
            "nonfatal",
            "ignoring",
            "ignored",
            "skipping",
            "not critical",
            "(optional)",
        ];
        SURVIVED.iter().any(|words| self.has(words)) || self.says_retry() || self.is_of_one_request()
    }

    /// Servers that tell of one request or statement which failed, and serve the next: nginx' `[error]` with its client,
    /// PostgreSQL's `ERROR` (what ends a session or the server is `FATAL` or `PANIC`).
    fn is_of_one_request(&self) -> bool {
        (self.has(", client: ") && self.has(", request: "))
            || self.has("] error:  ")
            || self.has("handshake error from ")
    }

    /// The line says that the program tries again.
    pub(crate) fn says_retry(&self) -> bool {
        ["retrying", "will retry", "trying again", "reconnecting"]
            .iter()
            .any(|words| self.has(words))
    }

    /// The line says that the program does not try again.
    pub(crate) fn says_it_gives_up(&self) -> bool {
        const GIVES_UP: [&str; 8] = [
            "giving up",
            "gave up",
            "attempts",
            "retries",
            "exhausted",
            "unable to ",
            "could not ",
            "cannot ",
        ];
        !self.says_retry() && !self.is_calm() && GIVES_UP.iter().any(|words| self.has(words))
    }

    /// Of a line that speaks of an end: somebody asked for it.
    pub(crate) fn says_who_asked(&self) -> bool {
        ["signal", "request", "sigterm", "sigint", "interrupt"]
            .iter()
            .any(|words| self.has(words))
    }

    /// A frame of a stack trace.
    pub(crate) fn is_frame(raw: &str) -> bool {
        let text = raw.trim_start();
        let indented = raw.len() > text.len();
        text.starts_with("at ")
            || text.starts_with("... ") && text.ends_with("more")
            || text.starts_with("File \"")
            || text.starts_with("goroutine ")
            || indented && (text.starts_with('/') || text.starts_with("from "))
            || text.starts_with("stack backtrace:")
            || text.starts_with("Traceback (most recent")
    }
}

/// What a line says of its own weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Info,
    Warning,
    Error,
    Fatal,
}

fn level_of(word: &str) -> Option<Level> {
    const LEVELS: [(&str, Level); 14] = [
        ("info", Level::Info),
        ("debug", Level::Info),
        ("trace", Level::Info),
        ("warn", Level::Warning),
        ("warning", Level::Warning),
        ("notice", Level::Info),
        ("log", Level::Info),
        ("error", Level::Error),
        ("err", Level::Error),
        ("severe", Level::Error),
        ("fatal", Level::Fatal),
        ("critical", Level::Fatal),
        ("panic", Level::Fatal),
        ("emerg", Level::Fatal),
    ];
    LEVELS
        .iter()
        .find(|(level, _)| *level == word)
        .map(|(_, level)| *level)
}

type Make = fn(&Line<'_>) -> Option<AppSign>;

/// The sign of a line and its weight.
pub(crate) fn sign(line: &Line<'_>) -> Option<(Weight, AppSign)> {
    let mut rows = needles::rows_of(line.lower.as_bytes());
    while rows != 0 {
        let row = rows.trailing_zeros() as usize;
        rows &= rows - 1;
        let (weight, _, make) = &TABLE[row];
        if let Some(sign) = make(line) {
            return Some((*weight, sign));
        }
    }
    None
}

use Weight::{Cause, Context, Death, Error};

/// Needles are lower case and of two bytes or more. The first row that fits wins, so the more exact rows stand first.
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
        |l| Some(AppSign::LimitReached { detail: l.detail() }),
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
    (
        Cause,
        &[
            "loading shared librar",
            "cannot open shared object",
            "glibc_",
            "glibcxx_",
            "symbol not found",
        ],
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
            "cannot import name",
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
            "403 forbidden",
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
            "accessdenied:",
            "authorization failed",
            "invalid api key",
            // Kubernetes' own refusal (k8s.io/apimachinery, pkg/api/errors, NewForbidden) and that of clouds.
            "is forbidden: user",
            "is not authorized to perform",
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
            "lock file \"postmaster.pid\"",
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
    (
        Cause,
        &[
            "permission denied",
            "eacces",
            "operation not permitted",
            "eperm",
            "accessdeniedexception",
            "permissionerror",
        ],
        |l| {
            Some(AppSign::PermissionDenied {
                path: path(l.text).or_else(|| target(l.text)),
            })
        },
    ),
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
