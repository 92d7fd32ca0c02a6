//! Logs of nodes: through the kubelet's log endpoint, or from this machine where it is the node and we are root.
//!
//! The kubelet answers `/logs/?query=kubelet` from the journal where `NodeLogQuery` is on (Kubernetes 1.27 and later,
//! off by default in most clusters), and serves the files of `/var/log` where `enableSystemLogHandler` is on. Which of
//! the two it does is told by the answer: a folder's listing is HTML.

use sonde_model::Moment as _;
use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use sonde_grammar::log::NodeLog;

use super::client::{Client, Get};
use super::errors::RequestError;
use super::list::escape;
use crate::limits::{NODE_LOG_LINES, TEXT_BYTES_MAX};

/// Time read before and after a moment.
const BEFORE: SignedDuration = SignedDuration::from_mins(10);
const AFTER: SignedDuration = SignedDuration::from_mins(5);

/// A node's log that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeLogWanted {
    pub(crate) node: String,
    pub(crate) log: NodeLog,
    /// The first and the last moment; `None` for the newest lines.
    pub(crate) around: Option<(Timestamp, Timestamp)>,
}

/// Files of `/var/log` that have it, best first.
fn files(log: NodeLog) -> &'static [&'static str] {
    match log {
        NodeLog::Kernel => &["kern.log", "kernel.log", "dmesg", "messages", "syslog"],
        NodeLog::Kubelet => &["kubelet.log", "messages", "syslog", "daemon.log"],
        NodeLog::Containerd => &["containerd.log", "messages", "syslog", "daemon.log"],
        NodeLog::Crio => &["crio.log", "messages", "syslog", "daemon.log"],
        NodeLog::Dockerd => &["docker.log", "messages", "syslog", "daemon.log"],
        NodeLog::Agent => &[],
    }
}

/// The unit whose journal has it; the kernel's lines are of no unit.
fn unit(log: NodeLog) -> Option<&'static str> {
    match log {
        NodeLog::Kernel | NodeLog::Agent => None,
        NodeLog::Kubelet => Some("kubelet"),
        NodeLog::Containerd => Some("containerd"),
        NodeLog::Crio => Some("crio"),
        NodeLog::Dockerd => Some("docker"),
    }
}

/// Reads a node's log through the API server.
pub(crate) async fn read(client: &Client, wanted: &NodeLogWanted) -> Result<Bytes, RequestError> {
    let root = format!("/api/v1/nodes/{}/proxy/logs/", escape(&wanted.node));
    let mut listing = None;
    if let Some(unit) = unit(wanted.log) {
        let mut path = format!("{root}?query={unit}&tailLines={NODE_LOG_LINES}");
        if let Some((first, last)) = wanted.around {
            path.push_str(&format!(
                "&sinceTime={}&untilTime={}",
                escape(&(first.earlier(BEFORE)).to_string()),
                escape(&(last.later(AFTER)).to_string())
            ));
        }
        match client.get(&any(path)).await {
            Ok(answer) if is_listing(&answer.bytes) => listing = Some(answer.bytes),
            Ok(answer) if is_refusal(&answer.bytes) => {}
            Ok(answer) if !answer.bytes.trim_ascii().is_empty() => return Ok(answer.bytes),
            // No journal, or a query that this version does not know: files may still be there.
            Ok(_) => {}
            Err(error) if error.is_total() || error.code() == Some(403) => return Err(error),
            Err(_) => {}
        }
    }
    let listing = match listing {
        Some(listing) => listing,
        None => client.get(&any(root.clone())).await?.bytes,
    };
    let listing = String::from_utf8_lossy(&listing);
    let names = names(&listing);
    for file in files(wanted.log)
        .iter()
        .filter(|file| names.iter().any(|name| name == *file))
    {
        let get = Get {
            tail_bytes: Some(TEXT_BYTES_MAX),
            ..any(format!("{root}{file}"))
        };
        match client.get(&get).await {
            Ok(answer) if !answer.bytes.is_empty() => return Ok(answer.bytes),
            Ok(_) | Err(RequestError::Status { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(RequestError::Status {
        code: 404,
        message: "the kubelet serves no such log (NodeLogQuery is off, and /var/log has no file of it)"
            .to_owned(),
    })
}

fn any(path: String) -> Get {
    Get {
        accept: "*/*",
        ..Get::new(path)
    }
}

fn is_listing(bytes: &[u8]) -> bool {
    let head = bytes.trim_ascii_start();
    head.starts_with(b"<pre>")
        || head
            .get(..9)
            .is_some_and(|head| head.eq_ignore_ascii_case(b"<!doctype"))
}

/// Where the log is a file, the kubelet answers a query with options by a complaint (`nodelogquery`, 1.27 and later).
fn is_refusal(bytes: &[u8]) -> bool {
    bytes
        .trim_ascii_start()
        .starts_with(b"options present and query resolved to log files")
}

/// The names of a folder's listing, as Go's file server writes it.
fn names(listing: &str) -> Vec<&str> {
    listing
        .split("<a href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| !name.ends_with('/') && !name.contains("//"))
        .take(10_000)
        .collect()
}

/// Reads the log on this machine, if it is the node and we may.
pub(crate) fn local(wanted: &NodeLogWanted) -> Option<Bytes> {
    if wanted.log == NodeLog::Agent || !is_this_node(&wanted.node) || !is_root() {
        return None;
    }
    let lines = NODE_LOG_LINES.to_string();
    let commands: Vec<Vec<&str>> = match unit(wanted.log) {
        None => vec![
            vec!["dmesg", "--time-format=iso"],
            vec!["dmesg", "-T"],
            vec!["journalctl", "-k", "-n", &lines, "-o", "short-iso", "--no-pager"],
        ],
        Some(unit) => vec![vec![
            "journalctl",
            "-u",
            unit,
            "-n",
            &lines,
            "-o",
            "short-iso",
            "--no-pager",
        ]],
    };
    let said = commands.iter().find_map(|command| output(command));
    let file = || {
        let path = files(wanted.log).iter().map(|file| format!("/var/log/{file}"));
        path.into_iter().find_map(|path| fs::read(path).ok())
    };
    let mut bytes = said.or_else(file)?;
    if bytes.len() > TEXT_BYTES_MAX {
        bytes.drain(..bytes.len() - TEXT_BYTES_MAX);
    }
    Some(bytes.into())
}

fn output(command: &[&str]) -> Option<Vec<u8>> {
    let (program, arguments) = command.split_first()?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut bytes = Vec::new();
    let read = child
        .stdout
        .take()?
        .take(4 * TEXT_BYTES_MAX as u64)
        .read_to_end(&mut bytes);
    // The program has written all, or we want no more of it.
    let ended = child.try_wait().ok().flatten();
    if ended.is_none() {
        let _gone = child.kill();
    }
    let status = child.wait().ok()?;
    let good = read.is_ok() && (status.success() || ended.is_none()) && !bytes.trim_ascii().is_empty();
    (good && !bytes.starts_with(b"-- No entries --")).then_some(bytes)
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
        uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
    })
}

fn is_this_node(node: &str) -> bool {
    fs::read_to_string("/proc/sys/kernel/hostname").is_ok_and(|name| name.trim().eq_ignore_ascii_case(node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_not_a_log() {
        let listing = "<!doctype html>\n<meta name=\"viewport\">\n<pre>\n<a href=\"containers/\">containers/</a>\n<a href=\"kern.log\">kern.log</a>\n</pre>\n";
        assert!(is_listing(listing.as_bytes()));
        assert!(is_listing(b"<pre>\n"));
        assert_eq!(names(listing), ["kern.log"]);
        assert!(is_refusal(b"\noptions present and query resolved to log files for [kubelet]\ntry without specifying options\n"));
        assert!(!is_listing(b"May 01 10:00:00 n1 kubelet[1]: x"));
    }

    #[test]
    fn another_machines_logs_are_not_read_here() {
        let wanted = NodeLogWanted {
            node: "no-such-node".into(),
            log: NodeLog::Kernel,
            around: None,
        };
        assert_eq!(local(&wanted), None);
    }
}
