//! Probes, hooks and the kubelet's kills.

/// Which probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeKind {
    /// Readiness.
    Readiness,
    /// Liveness.
    Liveness,
    /// Startup.
    Startup,
}

/// A probe did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeFact {
    /// Which probe.
    pub probe: ProbeKind,
    /// The kubelet says `errored` (it could not run the probe), not `failed`.
    pub errored: bool,
    /// What happened.
    pub outcome: ProbeOutcome,
}

/// What a probe met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// Nothing listens on the port.
    Refused {
        /// `10.0.0.1:8080`.
        address: String,
    },
    /// No connection in time, or no route.
    ConnectTimeout {
        /// `10.0.0.1:8080`.
        address: String,
    },
    /// Connected, and no answer in time.
    AnswerTimeout {
        /// The URL or address, where the text has it.
        target: Option<String>,
    },
    /// The connection was reset or closed.
    Reset {
        /// The URL or address, where the text has it.
        target: Option<String>,
    },
    /// An HTTP status outside 200..399.
    Status {
        /// The status.
        code: u16,
    },
    /// HTTPS was asked and HTTP answers, or the reverse.
    WrongScheme {
        /// The words.
        detail: String,
    },
    /// TLS failed otherwise.
    Tls {
        /// The words.
        detail: String,
    },
    /// The host name of the probe cannot be resolved.
    Dns {
        /// The host.
        host: String,
    },
    /// The command ended with an error; its output.
    CommandFailed {
        /// Output of the command.
        output: String,
    },
    /// The command did not end in time.
    CommandTimeout,
    /// The command is not in the image or may not be executed.
    CommandMissing {
        /// The words.
        detail: String,
    },
    /// The container had ended when the probe's command was to run; says nothing about the application.
    NotRunning,
    /// The gRPC health service answers "not serving" or is not there.
    Grpc {
        /// The words.
        detail: String,
    },
    /// Redirects to another host; the probe counts as passed with a warning.
    Redirected,
    /// Something no grammar knows.
    Other {
        /// The words.
        detail: String,
    },
}

/// Which hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookKind {
    /// postStart.
    PostStart,
    /// preStop.
    PreStop,
}

/// A hook's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookFact {
    /// Which hook.
    pub hook: HookKind,
    /// The container, where the text names it.
    pub container: Option<String>,
    /// The hook's command or URL, where the text has it.
    pub command: Option<String>,
    /// The exit code, where the text has it.
    pub exit_code: Option<i32>,
    /// The hook did not end in the grace period.
    pub overran: bool,
    /// The hook's command is not in the image.
    pub command_missing: bool,
    /// The hook's output or error, where the text has it (kubelet log; events up to 1.24).
    pub detail: Option<String>,
}

/// Why the kubelet kills a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KillReason {
    /// Liveness probe.
    Liveness,
    /// Startup probe.
    Startup,
    /// The container's definition changed.
    DefinitionChanged,
    /// The postStart hook failed.
    PostStartHook,
    /// The pod is to end (deletion, drain, scale down).
    Stopping,
    /// The process outlived the grace period.
    GraceExceeded,
    /// The runtime was told to kill the container and did not manage to.
    Unkillable {
        /// The words.
        detail: String,
    },
    /// Something else.
    Other(String),
}
