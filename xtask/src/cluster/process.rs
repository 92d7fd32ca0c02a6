//! The machine's processes, as far as a cluster needs to find its own among them.

use std::path::Path;

/// A running process, seen from the machine.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) arguments: Vec<String>,
    /// Names the pid namespace; equal for processes of one host.
    pub(crate) pid_namespace: Option<std::path::PathBuf>,
}

impl Process {
    /// The program's file name without its folder.
    pub(crate) fn program(&self) -> &str {
        let first = self.arguments.first().map_or("", String::as_str);
        Path::new(first)
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("")
    }
}

/// All processes with a command line; kernel threads and processes that end meanwhile are left out.
pub(crate) fn all() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(read)
        .collect()
}

fn read(pid: i32) -> Option<Process> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let arguments: Vec<String> = bytes
        .split(|byte| *byte == 0)
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    if arguments.first().is_none_or(String::is_empty) {
        return None;
    }
    Some(Process {
        pid,
        arguments,
        pid_namespace: std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok(),
    })
}

/// Sends a signal; a process that is gone already is fine.
pub(crate) fn signal(pid: i32, signal: rustix::process::Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}
