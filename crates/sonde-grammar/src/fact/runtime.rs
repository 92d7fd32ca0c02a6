//! What runtimes and the kubelet say about a container's end.

/// Something a runtime or the kubelet did to, or saw of, a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimeFact {
    /// The container's cgroup reported a kill for memory (containerd's `TaskOOM`).
    OomEvent,
    /// The container's process ended.
    Exited {
        /// Its exit code, where the text has it.
        exit_code: Option<i32>,
    },
    /// Somebody asked the runtime to stop the container.
    StopAsked {
        /// Seconds until it is killed, where the text has them.
        grace_seconds: Option<u64>,
    },
    /// The runtime sent a signal.
    Signalled {
        /// `terminated`, `killed`, as the text has it.
        signal: String,
    },
    /// The runtime started.
    RuntimeStarted,
}
