//! Probes: `Unhealthy` and `ProbeWarning`, in the words of the kubelet, of Go's network code and of the runtimes.

use super::words::{after, any, between, detail, lookup_host, name_after, number, url_host};
use crate::fact::{Fact, ProbeFact, ProbeKind, ProbeOutcome};

/// Words that begin a probe's message.
pub(super) const KINDS: &[(&str, ProbeKind)] = &[
    ("Readiness probe ", ProbeKind::Readiness),
    ("Liveness probe ", ProbeKind::Liveness),
    ("Startup probe ", ProbeKind::Startup),
];

/// Reads a text whose reason says that it is about a probe; the reason does not say which, so the text must.
pub(super) fn by_text(text: &str, out: &mut Vec<Fact>) {
    let Some((kind, errored, rest)) = head(text) else {
        return;
    };
    out.push(Fact::Probe(ProbeFact {
        probe: kind,
        errored,
        outcome: outcome(rest.trim(), errored),
    }));
}

/// `Liveness probe failed: `, and the kubelet log's `"Probe errored" ... probeType="Liveness" ... err="..."` once joined.
fn head(text: &str) -> Option<(ProbeKind, bool, &str)> {
    KINDS.iter().find_map(|(lead, kind)| {
        let rest = text.strip_prefix(lead)?;
        let (verb, rest) = rest.split_once(':').unwrap_or((rest, ""));
        // 1.29 on: `errored and resulted in unknown state`; `Errored` in one release.
        let errored = verb.starts_with("errored") || verb.starts_with("Errored");
        let known = errored
            || ["failed", "Failed", "warning"]
                .iter()
                .any(|word| verb.starts_with(word));
        known.then_some((*kind, errored, rest))
    })
}

/// The runtime could not run the probe's command at all.
const COMMAND_MISSING: &[&str] = &[
    "executable file not found",
    "executable file `",
    "unable to start container process: exec",
    "starting container process caused",
    "no such file or directory: unknown",
    "OCI runtime exec failed",
];

/// A race between the container's end and its probe.
const NOT_RUNNING: &[&str] = &[
    "container is in CONTAINER_EXITED state",
    "container is in CONTAINER_UNKNOWN state",
    "container not running",
    "container is not running",
    "is not running",
    "cannot exec in a stopped",
    "container not created or running",
    "no running task found",
    "container not found",
    "No such container",
    "process is already dead",
    "container is not created or running",
];

const GRPC: &[&str] = &[
    "service unhealthy (responded with",
    "does not implement the grpc health protocol",
    "failed to connect service",
    "health rpc did not complete",
    "health rpc probe failed",
    "rpc error",
];

fn outcome(text: &str, errored: bool) -> ProbeOutcome {
    if let Some(code) = after(text, "HTTP probe failed with statuscode: ").and_then(number) {
        return ProbeOutcome::Status {
            code: u16::try_from(code).unwrap_or(0),
        };
    }
    if errored && any(text, NOT_RUNNING) {
        return ProbeOutcome::NotRunning;
    }
    if text.contains("Probe terminated redirects") {
        return ProbeOutcome::Redirected;
    }
    let is_exec_timeout = text.starts_with("command ") && text.contains("timed out")
        || text.contains("exec probe timed out")
        || text.contains("failed to exec in container") && any(text, &["timeout", "deadline exceeded"]);
    if is_exec_timeout {
        return ProbeOutcome::CommandTimeout;
    }
    if errored
        && any(
            text,
            &[
                "executable file",
                "exec failed",
                "unable to start container process",
                "starting container process",
            ],
        )
        || is_missing_command(text)
    {
        return ProbeOutcome::CommandMissing {
            detail: command_words(text),
        };
    }
    if any(
        text,
        &[
            "server gave HTTP response to HTTPS client",
            "does not look like a TLS handshake",
            "malformed HTTP response",
        ],
    ) {
        return ProbeOutcome::WrongScheme {
            detail: network_words(text),
        };
    }
    // Only a command's run can err this way: the runtime did not answer.
    if errored && text.starts_with("context deadline exceeded") {
        return ProbeOutcome::CommandTimeout;
    }
    if is_network(text) {
        return network(text);
    }
    if any(text, GRPC) {
        return ProbeOutcome::Grpc { detail: detail(text) };
    }
    if errored {
        if any(text, &["deadline exceeded", "timed out"]) {
            return ProbeOutcome::CommandTimeout;
        }
        return ProbeOutcome::Other { detail: detail(text) };
    }
    // What is left of "failed" is the output of a command; it may be empty.
    ProbeOutcome::CommandFailed { output: detail(text) }
}

fn is_missing_command(text: &str) -> bool {
    any(
        text,
        &["OCI runtime exec failed", "executable file not found in $PATH"],
    ) && any(text, COMMAND_MISSING)
        && any(
            text,
            &[
                "not found",
                "no such file",
                "permission denied",
                "ermission denied",
                "unable to start",
                "starting container",
            ],
        )
}

/// The words from `exec: ` on, which are the same in all wrappers.
fn command_words(text: &str) -> String {
    const LEADS: &[&str] = &[
        "exec: \"",
        "executable file `",
        "unable to start container process: ",
    ];
    let at = LEADS.iter().find_map(|lead| text.find(lead));
    let words = detail(&text[at.unwrap_or(0)..]);
    // Once more: docker's outer quote closes before `: unknown`.
    words.strip_suffix(": unknown").map(detail).unwrap_or(words)
}

/// Whether Go's network code wrote it: a command's output may contain the same words, and begins differently.
fn is_network(text: &str) -> bool {
    let leads = [
        "Get ",
        "dial ",
        "HEAD ",
        "Head ",
        "timeout: failed to connect",
        "error: ",
    ];
    leads.iter().any(|lead| text.starts_with(lead))
        && any(
            text,
            &[
                "dial", "http", "timeout", "EOF", "reset", "x509", "tls", "context",
            ],
        )
        || text.starts_with("net/http: ")
        || text.starts_with("context deadline exceeded")
        || text.starts_with("tls: ")
}

fn network(text: &str) -> ProbeOutcome {
    let address = || address(text);
    if let Some(host) = lookup_host(text) {
        return ProbeOutcome::Dns {
            host: host.to_owned(),
        };
    }
    if text.contains("connection refused") {
        return ProbeOutcome::Refused { address: address() };
    }
    if any(
        text,
        &[
            "i/o timeout",
            "no route to host",
            "is unreachable",
            "connection timed out",
            "while waiting for connection",
            "host is down",
        ],
    ) && (text.contains("dial") || text.contains("waiting for connection"))
    {
        return ProbeOutcome::ConnectTimeout { address: address() };
    }
    if any(text, &["x509: ", "tls: ", "TLS handshake"]) {
        return ProbeOutcome::Tls {
            detail: network_words(text),
        };
    }
    if any(text, GRPC) && !text.contains("dial") {
        return ProbeOutcome::Grpc { detail: detail(text) };
    }
    if any(
        text,
        &[
            "deadline exceeded",
            "awaiting headers",
            "i/o timeout",
            "reading body",
            "Client.Timeout",
            "request canceled",
        ],
    ) {
        return ProbeOutcome::AnswerTimeout { target: target(text) };
    }
    if any(
        text,
        &[
            "connection reset",
            "EOF",
            "broken pipe",
            "server closed idle connection",
        ],
    ) {
        return ProbeOutcome::Reset { target: target(text) };
    }
    ProbeOutcome::Other { detail: detail(text) }
}

/// `10.0.0.1:8080` of `dial tcp 10.0.0.1:8080: connect: ...`, else the URL's host.
fn address(text: &str) -> String {
    const DIALS: &[&str] = &["dial tcp ", "dial tcp4 ", "dial tcp6 ", "dial udp "];
    // An IPv6 address has brackets, so it is no name like others.
    let dialed = DIALS
        .iter()
        .find_map(|dial| after(text, dial)?.split([' ', ',', '"']).next());
    let dialed = dialed
        .map(|address| address.trim_end_matches(':'))
        .filter(|address| address.contains(':'));
    dialed.or_else(|| url_host(text)).unwrap_or_default().to_owned()
}

/// The URL in quotes (Go 1.14 on) or bare.
fn target(text: &str) -> Option<String> {
    if let Some(url) = name_after(text, "Get ").filter(|url| url.contains("://")) {
        return Some(url.to_owned());
    }
    between(text, "service \"", "\"")
        .or_else(|| name_after(text, "dial tcp "))
        .map(str::to_owned)
}

fn network_words(text: &str) -> String {
    let url_end = text.find("\": ").map(|at| at + 3);
    detail(&text[url_end.unwrap_or(0)..])
}
