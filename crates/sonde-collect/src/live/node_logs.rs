//! Logs of nodes through the kubelet's log endpoint; [`Machine`] reads them where this machine is the node.
//!
//! The kubelet answers `/logs/?query=kubelet` from the journal where `NodeLogQuery` is on (Kubernetes 1.27 and later,
//! off by default in most clusters), and serves the files of `/var/log` where `enableSystemLogHandler` is on. Which of
//! the two it does is told by the answer: a folder's listing is HTML.

mod machine;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use sonde_diagnose::Want;
use sonde_grammar::log::NodeLog;
use sonde_model::Moment as _;

use super::client::{Client, Get};
use super::errors::RequestError;
use super::list::escape;
use crate::limits::{LISTED_FILES_MAX, NODE_LOG_LINES, TEXT_BYTES_MAX};
pub(crate) use machine::Machine;

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

impl NodeLogWanted {
    /// The want that it answers.
    pub(crate) fn want(&self) -> Want {
        let node = self.node.as_str().into();
        match self.log {
            NodeLog::Kernel => Want::KernelLog { node, around: None },
            NodeLog::Agent => Want::AgentDeaths { node },
            _ => Want::KubeletLog { node, around: None },
        }
    }

    /// From when to when it is read.
    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let (first, last) = self.around?;
        Some((first.earlier(BEFORE), last.later(AFTER)))
    }
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
        if let Some((from, until)) = wanted.span() {
            path.push_str(&format!(
                "&sinceTime={}&untilTime={}",
                escape(&from.to_string()),
                escape(&until.to_string())
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
        .take(LISTED_FILES_MAX)
        .collect()
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
}
