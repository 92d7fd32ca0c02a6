//! Starting: the words of runc and crun, through docker, containerd and CRI-O.

use super::super::words::{
    after, any, between, detail, innermost, name, name_after, name_after_any, path_before,
};
use super::create::unknown_user;
use crate::fact::StartFailure;

/// Texts that only an OCI runtime, or the runtime above it, writes.
pub(in crate::message) const RUNTIME: &[&str] = &[
    "OCI runtime",
    "oci runtime error",
    "runc create failed",
    "runc run failed",
    "crun: ",
    "crun create",
    "starting container process",
    "unable to start container process",
    "container_linux.go",
    "process_linux.go",
    "failed to create containerd task",
    "failed to create shim",
    "failed to create task for container",
    "failed to start container",
    "failed to start containerd task",
    "cannot start a container that has stopped",
    "container init was OOM-killed",
    "container create failed: ",
    "Container creation error: ",
    "hcsshim::",
    "hcs::System",
    "hcs::CreateComputeSystem",
    "nvidia-container-cli",
];

/// Whether the text is surely a runtime's.
pub(super) fn is_runtime(text: &str) -> bool {
    any(text, RUNTIME)
}

/// Whether the text is a runtime's report of a failed start, whatever it says.
pub(super) fn is_failure(text: &str) -> bool {
    const REPORTS: &[&str] = &[
        "OCI runtime create failed",
        "oci runtime error",
        "runc create failed",
        "failed to create containerd task",
        "failed to create shim task",
        "container create failed: ",
    ];
    any(text, REPORTS)
}

/// The innermost words, for what no grammar knows.
pub(super) fn words(text: &str) -> String {
    const WRAPPERS: &[&str] = &[
        "unable to start container process: ",
        "error during container init: ",
        "starting container process caused: ",
        "starting container process caused \"",
        "starting container process caused ",
        "OCI runtime create failed: ",
        "runc create failed: ",
        "container create failed: ",
        "Error response from daemon: ",
        "failed to create task for container: ",
    ];
    innermost(text, WRAPPERS)
}

type Row = (&'static [&'static str], fn(&str) -> StartFailure);

/// Decided before the command is looked at: the process died, or never came so far.
const BEFORE_COMMAND: &[Row] = &[
    (
        &[
            "container init was OOM-killed",
            "possibly OOM-killed",
            "the memory limit could be too low",
            "memory limit too low?",
        ],
        |_| StartFailure::InitOomKilled,
    ),
    (
        &[
            "unable to set memory limit",
            "memory.limit_in_bytes",
            "memory.memsw.limit_in_bytes",
            "memory.max:",
            "memory.max\":",
            "memory.max`",
        ],
        |text| StartFailure::MemoryLimit { detail: words(text) },
    ),
];

/// After mounts and the command.
const AFTER_COMMAND: &[Row] = &[
    (
        &[
            "nvidia-container-cli",
            "CDI device",
            "gathering device information",
            "could not select device driver",
            "libnvidia",
            "nvidia-container-runtime",
        ],
        |text| StartFailure::Device { detail: words(text) },
    ),
    (
        &[
            "error running hook",
            "prestart hook",
            "createRuntime hook",
            "error executing hook",
            "startContainer hook",
            "OCI hook",
        ],
        |text| StartFailure::OciHook { detail: words(text) },
    ),
    (
        &[
            "seccomp",
            "apparmor",
            "AppArmor",
            "selinux",
            "SELinux",
            "/proc/self/attr/",
            "keycreate",
            "/attr/exec",
            "no_new_privs",
            "no new privileges",
        ],
        |text| StartFailure::Security { detail: words(text) },
    ),
    (
        &[
            "apply caps",
            "unknown capability",
            "invalid capability",
            "applying caps",
            "capset",
        ],
        |text| StartFailure::Capability { detail: words(text) },
    ),
    (&["mknod", "custom device", "creating device node"], |text| {
        StartFailure::Device { detail: words(text) }
    }),
];

const CGROUP: &[&str] = &[
    "cgroup",
    "cpu.cfs_quota_us",
    "cpu.max",
    "cpuset",
    "pids.max",
    "hugetlb",
    "systemd unit",
];

/// Signs of an init that died before it could say why. Old runtimes say nothing else when the kernel kills it for memory.
const DIED: &[&str] = &[
    "read init-p: connection reset by peer",
    "write init-p: broken pipe",
    "container init caused \"\"",
    "caused \"signal: killed\"",
    "caused: signal: killed",
    "signal: killed",
    "final child's pid from pipe",
    "final child's PID from pipe",
    "did not terminate sucessfully",
    "did not terminate successfully",
    "container that has stopped",
    "container process is already dead",
    "waiting for init preliminary setup",
    "read from the init process",
    "sync socket",
    "EOF\": unknown",
];

/// An init that died early, in whatever wrapper.
pub(in crate::message) fn early_death(text: &str) -> bool {
    any(text, DIED)
}

/// Why the process could not be started.
pub(super) fn failure(text: &str) -> Option<StartFailure> {
    by(BEFORE_COMMAND, text)
        .or_else(|| cgroup_memory(text))
        .or_else(|| working_dir(text))
        .or_else(|| mount(text))
        .or_else(|| command(text))
        .or_else(|| unknown_user(text).map(|user| StartFailure::UnknownUser { user }))
        .or_else(|| by(AFTER_COMMAND, text))
        .or_else(|| early_death(text).then(|| StartFailure::InitDied { detail: words(text) }))
        .or_else(|| any(text, CGROUP).then(|| StartFailure::Cgroup { detail: words(text) }))
}

fn by(rows: &[Row], text: &str) -> Option<StartFailure> {
    rows.iter()
        .find(|(markers, _)| any(text, markers))
        .map(|(_, make)| make(text))
}

/// `mkdir /sys/fs/cgroup/memory/...: cannot allocate memory`.
fn cgroup_memory(text: &str) -> Option<StartFailure> {
    let refused = text.contains("cannot allocate memory") && text.contains("cgroup");
    refused.then(|| StartFailure::MemoryLimit { detail: words(text) })
}

fn working_dir(text: &str) -> Option<StartFailure> {
    const MARKERS: &[&str] = &[
        "chdir to cwd (",
        "chdir to `",
        "mkdir cwd",
        "cannot chdir to ",
        "the working directory ",
        "chdir: ",
        "chdir `",
    ];
    // runc makes the directory first where it does not exist: `libcontainer/standard_init_linux.go`, `os.MkdirAll(cwd)`.
    let made = (!text.contains("/sys/fs/cgroup"))
        .then(|| name_after_any(text, &["container init: mkdir "]))
        .flatten();
    if let Some(dir) = made {
        return Some(StartFailure::WorkingDir {
            dir: dir.trim_end_matches(':').to_owned(),
        });
    }
    if !any(text, MARKERS) {
        return None;
    }
    let dir = name_after_any(
        text,
        &[
            "chdir to cwd (",
            "chdir to ",
            "cannot chdir to ",
            "the working directory ",
            "mkdir cwd ",
            "chdir ",
        ],
    );
    Some(StartFailure::WorkingDir {
        dir: dir
            .map(|dir| dir.trim_end_matches(':').to_owned())
            .unwrap_or_default(),
    })
}

fn mount(text: &str) -> Option<StartFailure> {
    const MARKERS: &[&str] = &[
        "error mounting \"",
        "error mounting ",
        "mounting \"",
        "cannot be mounted because it is",
        "create mount destination",
        "failed to fulfil mount request",
        "create mountpoint for",
        "make mountpoint",
        "mount `",
        "mount source path",
        "bind source path does not exist",
        "invalid mount config",
        "making mountpoint",
        "preparing rootfs",
        "rootfs_linux.go",
        "are you trying to mount a directory onto a file",
        "Are you trying to mount a directory onto a file",
        "failed to mkdir ",
        "failed to stat \"",
        "creating mount point",
        "is not a shared mount",
        "is not a shared or slave mount",
    ];
    if !any(text, MARKERS) || text.contains("exec: \"") {
        return None;
    }
    let source = name_after_any(
        text,
        &[
            "error mounting ",
            "mounting ",
            "mount source path ",
            "mount `",
            "bind source path does not exist: ",
            "failed to mkdir ",
            "failed to stat ",
            "spec: path ",
        ],
    )
    .filter(|source| source.starts_with('/'));
    // runc: `to rootfs at "/dst"`, `to rootfs "/var/..." at "/dst"`; crun: `mount `/src` to `dst``.
    let target = name_after_any(
        text,
        &[
            "to rootfs at ",
            "dst=",
            "create mountpoint for ",
            "make mountpoint ",
            "create mount destination for ",
            "` to ",
        ],
    );
    let target = target.or_else(|| after(text, "to rootfs ").and_then(|rest| name_after(rest, " at ")));
    let target = target.or_else(|| name_before_forbidden(text)).map(crun_path);
    let forbidden_target = text.contains("cannot be mounted because it is")
        || (text.contains("proc-safety") || text.contains("must not be mounted"));
    let type_mismatch = any(
        text,
        &[
            "not a directory",
            "Not a directory",
            "mount a directory onto a file",
            "is a directory",
            "Is a directory",
        ],
    );
    let read_only = any(text, &["read-only file system", "Read-only file system"]);
    let source = source
        .map(str::to_owned)
        .filter(|source| Some(source) != target.as_ref());
    Some(StartFailure::Mount {
        source: if forbidden_target {
            source.filter(|source| !source.starts_with("/proc"))
        } else {
            source
        },
        target,
        forbidden_target,
        type_mismatch,
        read_only,
        detail: words(text),
    })
}

/// crun prints targets relative to the root.
fn crun_path(target: &str) -> String {
    let target = target.trim_end_matches(':');
    if target.starts_with('/') {
        target.to_owned()
    } else {
        format!("/{target}")
    }
}

/// `"/proc/x" cannot be mounted because it is inside /proc`.
fn name_before_forbidden(text: &str) -> Option<&str> {
    super::super::words::name_before(text, " cannot be mounted because it is")
}

fn command(text: &str) -> Option<StartFailure> {
    // The node lacks the runtime itself; the command was never looked for.
    if text.contains("unable to retrieve OCI runtime error") {
        return None;
    }
    if let Some(found) = crun_command(text) {
        return Some(found);
    }
    let command = exec_name(text);
    let owned = |command: Option<&str>| command.unwrap_or_default().to_owned();
    if any(
        text,
        &[
            "executable file not found in $PATH",
            "executable file not found in %PATH%",
            "executable file not found",
        ],
    ) {
        let command = owned(command);
        // Go searches only names without a slash.
        let in_path = !command.contains('/');
        return Some(StartFailure::CommandNotFound { command, in_path });
    }
    if text.contains("exec format error") || text.contains("Exec format error") {
        return Some(StartFailure::ExecFormat {
            command: owned(command),
        });
    }
    if any(
        text,
        &[
            "The system cannot find the file specified",
            "The system cannot find the path specified",
        ],
    ) {
        let command = name_after_any(text, &["CreateProcess ", "exec: "]);
        return Some(StartFailure::CommandNotFound {
            command: owned(command),
            in_path: false,
        });
    }
    let command = command?;
    if any(text, &["no such file or directory", "No such file or directory"]) {
        return Some(StartFailure::CommandNotFound {
            command: command.to_owned(),
            in_path: false,
        });
    }
    if any(text, &["is a directory", "not a regular file"]) {
        return Some(StartFailure::IsDirectory {
            command: command.to_owned(),
        });
    }
    if any(
        text,
        &[
            "permission denied",
            "Permission denied",
            "operation not permitted",
        ],
    ) {
        return Some(StartFailure::NotExecutable {
            command: command.to_owned(),
        });
    }
    if text.contains("not a directory") {
        return Some(StartFailure::CommandNotFound {
            command: command.to_owned(),
            in_path: false,
        });
    }
    None
}

/// The command of `exec: "x": ...`, `exec /x: ...`, `fork/exec /x: ...`, or of a `stat x: ...` alone.
fn exec_name(text: &str) -> Option<&str> {
    let after_exec = || name_after_any(text, &["exec: ", "fork/exec ", "exec user process caused: exec "]);
    // runc 1.1 prints `exec /x: exec format error` and `exec /x: no such file or directory`.
    let bare = || {
        text.match_indices("exec /")
            .next()
            .and_then(|(at, _)| name(&text[at + 5..]))
    };
    let stat = || between(text, "caused: stat ", ":").or_else(|| between(text, "caused \"stat ", ":"));
    after_exec()
        .filter(|name| !matches!(*name, "failed" | "user"))
        .or_else(bare)
        .or_else(stat)
        .map(|name| name.trim_end_matches(':'))
}

/// crun's wording.
fn crun_command(text: &str) -> Option<StartFailure> {
    if let Some(rest) = after(text, "executable file `") {
        let (command, tail) = rest.split_once('`')?;
        let command = command.to_owned();
        return Some(if tail.contains("ermission denied") {
            StartFailure::NotExecutable { command }
        } else {
            StartFailure::CommandNotFound {
                in_path: tail.contains("$PATH") && !command.contains('/'),
                command,
            }
        });
    }
    if text.contains("open executable: ") && text.contains("ermission denied") {
        // Before crun named it.
        return Some(StartFailure::NotExecutable {
            command: String::new(),
        });
    }
    if let Some(command) = name_after(text, "open executable ") {
        let command = command.to_owned();
        return Some(if text.contains("ermission denied") {
            StartFailure::NotExecutable { command }
        } else {
            StartFailure::CommandNotFound {
                command,
                in_path: false,
            }
        });
    }
    if let Some(rest) = after(text, "exec `") {
        let (command, tail) = rest.split_once('`')?;
        let command = command.to_owned();
        return match () {
            () if tail.contains("ormat error") => Some(StartFailure::ExecFormat { command }),
            () if tail.contains("ermission denied") => Some(StartFailure::NotExecutable { command }),
            () if tail.contains("o such file") => Some(StartFailure::CommandNotFound {
                command,
                in_path: false,
            }),
            () => None,
        };
    }
    let directory =
        name_before_words(text, " is not a regular file").or_else(|| path_before(text, "is a directory"));
    let is_executable = text.contains("the path ") || text.contains("executable path");
    directory
        .filter(|_| is_executable)
        .map(|command| StartFailure::IsDirectory {
            command: detail(&command),
        })
}

fn name_before_words(text: &str, words: &str) -> Option<String> {
    super::super::words::name_before(text, words).map(|name| name.trim_matches('`').to_owned())
}
