//! Log lines to facts: the kernel's, the kubelet's and runtimes', and an application's own last words.

pub mod agent;
mod application;
mod kernel;
mod node;
mod prefix;
mod scan;
pub(crate) mod time;

pub use application::{AppSign, Known, ProxyFlag, Standing, TellingLine, application, unwrap_line};
pub use kernel::{KernelLine, kernel, kernel_in_year};
pub use node::{NodeLine, NodeLog, PodKey, node};

pub(crate) use agent::is_agent_text;
pub(crate) use application::{is_access_text, is_loud_text, is_quoting};
pub(crate) use kernel::is_kernel_text;
pub(crate) use node::{is_grave, is_harmless, is_node_text, is_of_container, pod_with_uid};
pub(crate) use prefix::without_color;
pub(crate) use scan::{clip, unescape};

use std::borrow::Cow;

use jiff::Timestamp;

/// A line without what shippers put before it, and what they say.
pub(crate) fn bare_line(line: &str) -> prefix::Bare<'_> {
    prefix::strip(line, None)
}

/// The text without a shipper's prefix.
pub(crate) fn strip_shipper(line: &str) -> Cow<'_, str> {
    prefix::strip(line, None).text
}

/// What stands where a container's log should be, because it could not be had: the kubelet's and kubectl's words, alone.
pub fn is_no_log(text: &str) -> bool {
    const SAYS: &[&str] = &[
        // The kubelet answers 200 with these (`pkg/kubelet/kuberuntime/kuberuntime_container.go`, `logs`).
        "unable to retrieve container logs for ",
        "failed to try resolving symlinks in path ",
        "failed to create fsnotify watcher",
        "failed to open log file ",
        "failed to get container status ",
        "rpc error: code = NotFound desc = an error occurred when try to find container",
        // The API server's and kubectl's refusals.
        "Error from server ",
        "error: previous terminated container ",
        "previous terminated container ",
        "error: a container name must be specified",
    ];
    const LINES_MAX: usize = 4;
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).peekable();
    lines.peek().is_some()
        && lines
            .clone()
            .all(|line| SAYS.iter().any(|says| line.trim_start().starts_with(says)))
        && lines.take(LINES_MAX + 1).count() <= LINES_MAX
}

/// The first and the last time that the lines of a log tell, understood lines or not. `year` serves times that have none.
pub fn span(lines: &[&str], year: Option<i16>) -> Option<(Timestamp, Timestamp)> {
    let time = |line: &&str| node::time_of(line, year);
    let first = lines.iter().find_map(time)?;
    let last = lines.iter().rev().find_map(time)?;
    Some((first.min(last), first.max(last)))
}

#[cfg(test)]
mod tests;
