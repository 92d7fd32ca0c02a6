//! Configuring, creating and starting containers and sandboxes.

/// The kind of object that a pod refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefKind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

/// A ConfigMap or Secret that is missing, or lacks a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigRef {
    /// Which kind.
    pub kind: RefKind,
    /// Its name, where the text has it.
    pub name: Option<String>,
    /// The missing key; `None` when the whole object is missing.
    pub key: Option<String>,
    /// The text is about a key (named or not), so the object itself exists.
    pub key_missing: bool,
}

/// A container could not be configured or created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateFailure {
    /// A ConfigMap or Secret is missing or lacks a key.
    Config(ConfigRef),
    /// `runAsNonRoot` and the image (or runAsUser) is root.
    RunsAsRoot {
        /// The container, where the text names it.
        container: Option<String>,
    },
    /// `runAsNonRoot` and the image's user is a name.
    NonNumericUser {
        /// The user.
        user: String,
    },
    /// The command is empty: neither image nor pod names one.
    NoCommand,
    /// subPath.
    SubPath {
        /// The words.
        detail: String,
    },
    /// A subPathExpr names a variable that the container does not define.
    SubPathVariable {
        /// The variable.
        name: String,
    },
    /// A name is still reserved by an earlier attempt.
    NameReserved,
    /// The runtime refuses the memory limit before it tries (CRI-O).
    MemoryLimitTooLow {
        /// Limit in bytes.
        limit_bytes: Option<i64>,
        /// The least it accepts, in bytes.
        minimum_bytes: Option<i64>,
    },
    /// A user of the image's passwd that does not exist.
    UnknownUser {
        /// The user.
        user: String,
    },
    /// seccomp profile missing or invalid.
    Seccomp {
        /// The words.
        detail: String,
    },
    /// AppArmor profile missing or not enabled.
    AppArmor {
        /// The words.
        detail: String,
    },
    /// A capability the runtime does not know or may not give.
    Capability {
        /// The words.
        detail: String,
    },
    /// A device that is not on the node.
    Device {
        /// The path or name.
        device: String,
    },
    /// A volume of the container that the pod does not have ready.
    VolumeNotFound {
        /// The volume.
        volume: String,
    },
    /// Service environment is not known yet; passing.
    ServicesNotSynced,
    /// The kubelet's cache of ConfigMaps or Secrets is not filled yet; passing.
    CacheNotSynced,
    /// The runtime did not answer in time.
    RuntimeTimeout,
    /// The runtime's socket does not answer.
    RuntimeDown,
    /// No room on the node.
    DiskFull,
    /// Something no grammar knows.
    Other {
        /// The words.
        detail: String,
    },
}

/// A container was created and its process could not be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartFailure {
    /// The command is not in the image.
    CommandNotFound {
        /// The command.
        command: String,
        /// It was searched for in `$PATH`.
        in_path: bool,
    },
    /// The command may not be executed.
    NotExecutable {
        /// The command.
        command: String,
    },
    /// The command is a directory.
    IsDirectory {
        /// The command.
        command: String,
    },
    /// Wrong format or architecture.
    ExecFormat {
        /// The command.
        command: String,
    },
    /// The working directory does not exist or may not be entered.
    WorkingDir {
        /// The directory.
        dir: String,
    },
    /// A mount of the container cannot be made (target not allowed, file over directory).
    Mount {
        /// The mount's target inside the container, where the text names it.
        target: Option<String>,
        /// The mount's source on the host, where the text names it.
        source: Option<String>,
        /// The target lies in /proc or /sys.
        forbidden_target: bool,
        /// A file is mounted over a directory or the reverse.
        type_mismatch: bool,
        /// The file system is read-only.
        read_only: bool,
        /// The words.
        detail: String,
    },
    /// The runtime's init was killed for memory before the command ran.
    InitOomKilled,
    /// The memory limit could not be set or the cgroup refuses.
    MemoryLimit {
        /// The words.
        detail: String,
    },
    /// Old runtimes' signs of an init that died early: broken pipe, connection reset, `container init caused ""`.
    InitDied {
        /// The words.
        detail: String,
    },
    /// An unknown user or group.
    UnknownUser {
        /// The user.
        user: String,
    },
    /// seccomp, AppArmor or SELinux label refused.
    Security {
        /// The words.
        detail: String,
    },
    /// A capability cannot be given.
    Capability {
        /// The words.
        detail: String,
    },
    /// A device is missing, or a device plugin's hook failed.
    Device {
        /// The words.
        detail: String,
    },
    /// An OCI hook failed.
    OciHook {
        /// The words.
        detail: String,
    },
    /// cgroup trouble other than memory.
    Cgroup {
        /// The words.
        detail: String,
    },
    /// Something no grammar knows.
    Other {
        /// The words.
        detail: String,
    },
}

/// The pod's sandbox could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SandboxFailure {
    /// `Pod sandbox changed, it will be killed and re-created.` On its own proves nothing.
    Changed,
    /// No CNI configuration or plugin: the node's network is not ready.
    NetworkNotReady {
        /// The words.
        detail: String,
    },
    /// The CNI plugin's binary is not there.
    CniPluginMissing {
        /// The plugin.
        plugin: String,
    },
    /// No free address.
    NoAddresses {
        /// The range or pool, where the text names it.
        range: Option<String>,
    },
    /// The CNI plugin failed for another reason.
    CniFailed {
        /// The plugin, where the text names it.
        plugin: Option<String>,
        /// Its words.
        detail: String,
    },
    /// The pause image could not be had.
    PauseImage {
        /// The image.
        image: String,
    },
    /// The sandbox process was killed, or the cgroup refused the memory limit.
    MemoryLimit {
        /// The words.
        detail: String,
    },
    /// CRI-O refuses the limit.
    MemoryLimitTooLow {
        /// Limit in bytes.
        limit_bytes: Option<i64>,
        /// The least it accepts.
        minimum_bytes: Option<i64>,
    },
    /// Old runtimes' signs of an init that died early.
    InitDied {
        /// The words.
        detail: String,
    },
    /// The runtime does not know the RuntimeClass' handler.
    RuntimeHandler {
        /// The handler.
        handler: String,
    },
    /// A name is still reserved by an earlier attempt.
    NameReserved,
    /// The runtime did not answer in time.
    RuntimeTimeout,
    /// The runtime's socket does not answer.
    RuntimeDown,
    /// No room on the node.
    DiskFull,
    /// Devices of a ResourceClaim could not be prepared (dynamic resource allocation).
    DynamicResources {
        /// The words.
        detail: String,
    },
    /// The sandbox or its network could not be torn down, so the pod cannot end.
    Teardown {
        /// The CNI plugin, where the text names it.
        plugin: Option<String>,
        /// The words.
        detail: String,
    },
    /// The pod's cgroup could not be made.
    PodCgroup {
        /// The words.
        detail: String,
    },
    /// Something no grammar knows.
    Other {
        /// The words.
        detail: String,
    },
}

impl SandboxFailure {
    /// The sandbox could not be made; not that it was remade, or that its end failed.
    pub fn is_of_creation(&self) -> bool {
        !matches!(self, SandboxFailure::Changed | SandboxFailure::Teardown { .. })
    }
}
