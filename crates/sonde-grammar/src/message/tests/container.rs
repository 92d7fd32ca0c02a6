use super::says;
use crate::fact::{ConfigRef, CreateFailure, Fact, HookFact, HookKind, RefKind, StartFailure};

fn missing(kind: RefKind, name: Option<&str>, key: Option<&str>, key_missing: bool) -> CreateFailure {
    CreateFailure::Config(ConfigRef {
        kind,
        name: name.map(str::to_owned),
        key: key.map(str::to_owned),
        key_missing,
    })
}

/// The same from the event, the waiting message, without a reason, and damaged.
#[track_caller]
fn creates(text: &str, failure: CreateFailure) {
    let expect = [Fact::Create(failure)];
    says("Failed", &format!("Error: {text}"), &expect);
    says("CreateContainerConfigError", text, &expect);
    says(
        "CreateContainerError",
        &format!("rpc error: code = Unknown desc = {text}"),
        &expect,
    );
    says(
        "Failed",
        &format!("(combined from similar events): Error:\n    {text}").replace('"', "\\\""),
        &expect,
    );
}

#[track_caller]
fn starts(text: &str, failure: StartFailure) {
    let expect = [Fact::Start(failure)];
    says("Failed", &format!("Error: {text}"), &expect);
    says("RunContainerError", text, &expect);
    says("StartError", text, &expect);
    says("CreateContainerError", text, &expect);
    says("", text, &expect);
    says(
        "Error",
        &format!("rpc error: code = Unknown desc = {text}"),
        &expect,
    );
    says("Failed", &text.replace('"', "\\\"").replace(' ', "  \n"), &expect);
}

fn containerd(words: &str) -> String {
    format!(
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: {words}: unknown"
    )
}

#[test]
fn configuration() {
    use RefKind::{ConfigMap, Secret};
    let rows: &[(&str, CreateFailure)] = &[
        (
            "configmap \"app\" not found",
            missing(ConfigMap, Some("app"), None, false),
        ),
        (
            "configmaps \"app\" not found",
            missing(ConfigMap, Some("app"), None, false),
        ),
        (
            "secret \"db\" not found",
            missing(Secret, Some("db"), None, false),
        ),
        (
            "secrets \"db\" not found",
            missing(Secret, Some("db"), None, false),
        ),
        (
            "couldn't find key url in ConfigMap shop/app",
            missing(ConfigMap, Some("app"), Some("url"), true),
        ),
        (
            "couldn't find key pass in Secret shop/db",
            missing(Secret, Some("db"), Some("pass"), true),
        ),
        (
            "configmap references non-existent config key: url",
            missing(ConfigMap, None, Some("url"), true),
        ),
        (
            "references non-existent config key: url",
            missing(ConfigMap, None, Some("url"), true),
        ),
        (
            "references non-existent secret key: pass",
            missing(Secret, None, Some("pass"), true),
        ),
        (
            "references non-existent secret key",
            missing(Secret, None, None, true),
        ),
        (
            "container has runAsNonRoot and image will run as root",
            CreateFailure::RunsAsRoot { container: None },
        ),
        (
            "container has runAsNonRoot and image will run as root (pod: \"web-1_shop(9f)\", container: web)",
            CreateFailure::RunsAsRoot {
                container: Some("web".to_owned()),
            },
        ),
        (
            "container's runAsUser breaks non-root policy (pod: \"web-1_shop(9f)\", container: web)",
            CreateFailure::RunsAsRoot {
                container: Some("web".to_owned()),
            },
        ),
        (
            "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root",
            CreateFailure::NonNumericUser {
                user: "nginx".to_owned(),
            },
        ),
        (
            "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root (pod: \"web-1_shop(9f)\", container: web)",
            CreateFailure::NonNumericUser {
                user: "nginx".to_owned(),
            },
        ),
        (
            "failed to prepare subPath for volumeMount \"conf\" of container \"web\"",
            CreateFailure::SubPath {
                detail: "failed to prepare subPath for volumeMount \"conf\" of container \"web\"".to_owned(),
            },
        ),
        (
            "missing value for POD_NAME",
            CreateFailure::SubPathVariable {
                name: "POD_NAME".to_owned(),
            },
        ),
        (
            "missing value for \"POD_NAME\"",
            CreateFailure::SubPathVariable {
                name: "POD_NAME".to_owned(),
            },
        ),
        (
            "failed to create subPath directory for volumeMount \"conf\" of container \"web\"",
            CreateFailure::SubPath {
                detail: "failed to create subPath directory for volumeMount \"conf\" of container \"web\""
                    .to_owned(),
            },
        ),
        (
            "cannot find volume \"conf\" to mount into container \"web\"",
            CreateFailure::VolumeNotFound {
                volume: "conf".to_owned(),
            },
        ),
        (
            "services have not yet been read at least once, cannot construct envvars",
            CreateFailure::ServicesNotSynced,
        ),
        (
            "failed to sync configmap cache: timed out waiting for the condition",
            CreateFailure::CacheNotSynced,
        ),
    ];
    for (text, failure) in rows {
        creates(text, failure.clone());
    }
}

#[test]
fn creation() {
    let limit = |limit, minimum| CreateFailure::MemoryLimitTooLow {
        limit_bytes: limit,
        minimum_bytes: minimum,
    };
    let rows: &[(&str, CreateFailure)] = &[
        (
            "failed to reserve container name \"web_web-1_shop_9f_0\": name \"web_web-1_shop_9f_0\" is reserved for \"4ad\"",
            CreateFailure::NameReserved,
        ),
        (
            "error reserving ctr name k8s_web_web-1_shop_9f_0 for id 4ad: name is reserved",
            CreateFailure::NameReserved,
        ),
        (
            "Error response from daemon: Conflict. The container name \"/k8s_web_web-1_shop_9f_0\" is already in use by container \"4ad\". You have to remove (or rename) that container to be able to reuse that name.",
            CreateFailure::NameReserved,
        ),
        ("set memory limit 1 too low; should be at least 12582912 bytes", limit(Some(1), Some(12_582_912))),
        ("Error response from daemon: Minimum memory limit allowed is 4MB", limit(None, Some(4 << 20))),
        ("Error response from daemon: Minimum memory limit allowed is 6MB", limit(None, Some(6 << 20))),
        ("failed to generate container \"4ad\" spec: failed to generate spec: no command specified", CreateFailure::NoCommand),
        ("Error response from daemon: No command specified", CreateFailure::NoCommand),
        (
            "failed to create containerd container: mount callback failed on /tmp/containerd-mount1: no users found",
            CreateFailure::UnknownUser { user: String::new() },
        ),
        (
            "Error response from daemon: linux spec user: unable to find user app: no matching entries in passwd file",
            CreateFailure::UnknownUser { user: "app".to_owned() },
        ),
        ("context deadline exceeded", CreateFailure::RuntimeTimeout),
        ("operation timeout: context deadline exceeded", CreateFailure::RuntimeTimeout),
        (
            "connection error: desc = \"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused\"",
            CreateFailure::RuntimeDown,
        ),
        ("error reading from server: EOF", CreateFailure::RuntimeDown),
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            CreateFailure::RuntimeDown,
        ),
        (
            "failed to create containerd container: failed to create prepare snapshot dir: mkdir /var/lib/containerd/x: no space left on device",
            CreateFailure::DiskFull,
        ),
        (
            "failed to generate container \"4ad\" spec: failed to generate seccomp spec opts: seccomp is not supported",
            CreateFailure::Seccomp { detail: "failed to generate container \"4ad\" spec: failed to generate seccomp spec opts: seccomp is not supported".to_owned() },
        ),
        (
            "Cannot enforce AppArmor: profile \"k8s-x\" is not loaded",
            CreateFailure::AppArmor { detail: "Cannot enforce AppArmor: profile \"k8s-x\" is not loaded".to_owned() },
        ),
        (
            "Error response from daemon: invalid CapAdd: unknown capability: \"CAP_FOO\"",
            CreateFailure::Capability { detail: "Error response from daemon: invalid CapAdd: unknown capability: \"CAP_FOO\"".to_owned() },
        ),
        (
            "Error response from daemon: error gathering device information while adding custom device \"/dev/kvm\": no such file or directory",
            CreateFailure::Device { device: "/dev/kvm".to_owned() },
        ),
        ("the runtime of 2031 is in a mood", CreateFailure::Other { detail: "the runtime of 2031 is in a mood".to_owned() }),
    ];
    for (text, failure) in rows {
        creates(text, failure.clone());
    }
}

#[test]
fn commands() {
    let missing = |command: &str, in_path| StartFailure::CommandNotFound {
        command: command.to_owned(),
        in_path,
    };
    let app = || "/app".to_owned();
    let rows: Vec<(String, StartFailure)> = vec![
        // docker and runc before 1.0, rc9x, containerd 1.2, 1.5, 1.6 on, 2.x
        (
            "OCI runtime create failed: container_linux.go:348: starting container process caused \"exec: \\\"server\\\": executable file not found in $PATH\": unknown".to_owned(),
            missing("server", true),
        ),
        (
            "failed to start container \"4ad\": Error response from daemon: oci runtime error: container_linux.go:247: starting container process caused \"exec: \\\"server\\\": executable file not found in $PATH\"".to_owned(),
            missing("server", true),
        ),
        (
            "OCI runtime create failed: container_linux.go:380: starting container process caused: exec: \"server\": executable file not found in $PATH: unknown".to_owned(),
            missing("server", true),
        ),
        (
            "failed to create containerd task: OCI runtime create failed: container_linux.go:367: starting container process caused: exec: \"server\": executable file not found in $PATH: unknown".to_owned(),
            missing("server", true),
        ),
        (
            "failed to create containerd task: failed to create shim: OCI runtime create failed: container_linux.go:380: starting container process caused: exec: \"server\": executable file not found in $PATH: unknown".to_owned(),
            missing("server", true),
        ),
        (containerd("exec: \"server\": executable file not found in $PATH"), missing("server", true)),
        (containerd("error during container init: exec: \"server\": executable file not found in $PATH"), missing("server", true)),
        (containerd("exec: \"server --port 80\": executable file not found in $PATH"), missing("server --port 80", true)),
        (containerd("exec: \"/app\": stat /app: no such file or directory"), missing("/app", false)),
        (containerd("exec: \"/app\": permission denied"), StartFailure::NotExecutable { command: app() }),
        (containerd("error during container init: exec: \"/app\": permission denied"), StartFailure::NotExecutable { command: app() }),
        (containerd("exec: \"/app\": is a directory"), StartFailure::IsDirectory { command: app() }),
        (containerd("exec /app: exec format error"), StartFailure::ExecFormat { command: app() }),
        (containerd("exec: \"/app\": exec format error"), StartFailure::ExecFormat { command: app() }),
        (containerd("exec /app: no such file or directory"), missing("/app", false)),
        // CRI-O runs runc and crun at create.
        (
            "container create failed: time=\"2026-11-20T10:00:00Z\" level=error msg=\"runc create failed: unable to start container process: exec: \\\"server\\\": executable file not found in $PATH\"".to_owned(),
            missing("server", true),
        ),
        ("container create failed: executable file `server` not found in $PATH: No such file or directory".to_owned(), missing("server", true)),
        ("container create failed: executable file `/app` not found: No such file or directory".to_owned(), missing("/app", false)),
        ("container create failed: open executable: Permission denied".to_owned(), StartFailure::NotExecutable { command: String::new() }),
        ("container create failed: open executable `/app`: Permission denied".to_owned(), StartFailure::NotExecutable { command: app() }),
        ("OCI runtime create failed: crun: exec `/app`: Exec format error".to_owned(), StartFailure::ExecFormat { command: app() }),
        (
            "failed to create containerd task: hcsshim::CreateComputeSystem 4ad: The system cannot find the file specified.: unknown".to_owned(),
            StartFailure::CommandNotFound { command: String::new(), in_path: false },
        ),
    ];
    for (text, failure) in rows {
        starts(&text, failure);
    }
}

#[test]
fn directories_users_mounts() {
    let dir = |dir: &str| StartFailure::WorkingDir { dir: dir.to_owned() };
    starts(
        &containerd(
            "error during container init: chdir to cwd (\"/srv\") set in config.json failed: no such file or directory",
        ),
        dir("/srv"),
    );
    starts(
        &containerd("chdir to cwd (\"/srv\") set in config.json failed: permission denied"),
        dir("/srv"),
    );
    starts(
        "OCI runtime create failed: container_linux.go:346: starting container process caused \"chdir to cwd (\\\"/srv\\\") set in config.json failed: permission denied\": unknown",
        dir("/srv"),
    );
    starts(
        "container create failed: chdir to `/srv`: No such file or directory",
        dir("/srv"),
    );
    starts(
        &containerd(
            "error during container init: unable to find user app: no matching entries in passwd file",
        ),
        StartFailure::UnknownUser {
            user: "app".to_owned(),
        },
    );
    starts(
        &containerd(
            "error during container init: unable to find group app: no matching entries in group file",
        ),
        StartFailure::UnknownUser {
            user: "app".to_owned(),
        },
    );

    let mount = |source: Option<&str>,
                 target: Option<&str>,
                 forbidden_target,
                 type_mismatch,
                 read_only,
                 detail: &str| StartFailure::Mount {
        source: source.map(str::to_owned),
        target: target.map(str::to_owned),
        forbidden_target,
        type_mismatch,
        read_only,
        detail: detail.to_owned(),
    };
    let subpath = "/var/lib/kubelet/pods/9f/volume-subpaths/conf/web/0";
    let words = format!(
        "error mounting \"{subpath}\" to rootfs at \"/etc/nginx/nginx.conf\": mount {subpath}:/etc/nginx/nginx.conf (via /proc/self/fd/6), flags: 0x5001: not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type"
    );
    starts(
        &format!(
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: {words}"
        ),
        mount(
            Some(subpath),
            Some("/etc/nginx/nginx.conf"),
            false,
            true,
            false,
            &words,
        ),
    );
    let old = format!(
        "rootfs_linux.go:58: mounting \"{subpath}\" to rootfs \"/var/lib/docker/overlay2/4ad/merged\" at \"/etc/nginx/nginx.conf\" caused \"not a directory\": unknown: Are you trying to mount a directory onto a file"
    );
    says(
        "RunContainerError",
        &format!(
            "OCI runtime create failed: container_linux.go:348: starting container process caused \"process_linux.go:402: container init caused \"{old}"
        ),
        &[Fact::Start(mount(
            Some(subpath),
            Some("/etc/nginx/nginx.conf"),
            false,
            true,
            false,
            &format!("process_linux.go:402: container init caused \"{old}"),
        ))],
    );
    for inside in ["is inside /proc", "is located inside \"/proc\""] {
        let words = format!(
            "error mounting \"/srv/x\" to rootfs at \"/proc/sys\": \"/proc/sys\" cannot be mounted because it {inside}"
        );
        starts(
            &containerd(&format!("error during container init: {words}")),
            mount(Some("/srv/x"), Some("/proc/sys"), true, false, false, &words),
        );
    }
    let words = "error mounting \"/srv/x\" to rootfs at \"/data\": create mountpoint for /data mount: make mountpoint \"/data\": mkdir /data: read-only file system";
    starts(
        &containerd(&format!("error during container init: {words}")),
        mount(Some("/srv/x"), Some("/data"), false, false, true, words),
    );
    says(
        "Failed",
        "Error: failed to generate container \"4ad\" spec: failed to generate spec: failed to mkdir \"/srv/x\": mkdir /srv/x: read-only file system",
        &[Fact::Start(mount(
            Some("/srv/x"),
            None,
            false,
            false,
            true,
            "failed to generate container \"4ad\" spec: failed to generate spec: failed to mkdir \"/srv/x\": mkdir /srv/x: read-only file system",
        ))],
    );
}

#[test]
fn memory_and_early_death() {
    for text in [
        containerd("container init was OOM-killed (memory limit too low?)"),
        "failed to create containerd task: OCI runtime create failed: container_linux.go:380: starting container process caused: process_linux.go:545: container init caused: container init was OOM-killed (memory limit too low?): unknown".to_owned(),
        "container create failed: OOM: the memory limit could be too low".to_owned(),
        "container create failed: crun: the memory limit could be too low".to_owned(),
    ] {
        starts(&text, StartFailure::InitOomKilled);
    }
    for words in [
        "unable to apply cgroup configuration: unable to set memory limit to 1 (current usage: 2048, peak usage: 4096)",
        "mkdir /sys/fs/cgroup/memory/kubepods/burstable/pod9f/4ad: cannot allocate memory",
        "failed to write 1: write /sys/fs/cgroup/memory/kubepods/pod9f/memory.limit_in_bytes: device or resource busy",
    ] {
        starts(
            &containerd(words),
            StartFailure::MemoryLimit {
                detail: words.to_owned(),
            },
        );
    }
    for words in [
        "read init-p: connection reset by peer",
        "write init-p: broken pipe",
        "can't get final child's PID from pipe: EOF",
        "getting the final child's pid from pipe caused \"EOF\"",
        "waiting for init preliminary setup: EOF",
        "runc did not terminate sucessfully",
        "signal: killed",
    ] {
        starts(
            &containerd(words),
            StartFailure::InitDied {
                detail: words.to_owned(),
            },
        );
    }
    let old = "process_linux.go:297: container init caused \"\"";
    says(
        "RunContainerError",
        &format!(
            "OCI runtime create failed: container_linux.go:344: starting container process caused: {old}: unknown"
        ),
        &[Fact::Start(StartFailure::InitDied {
            detail: old.to_owned(),
        })],
    );
    says(
        "RunContainerError",
        "cannot start a container that has stopped",
        &[Fact::Start(StartFailure::InitDied {
            detail: "cannot start a container that has stopped".to_owned(),
        })],
    );
}

#[test]
fn security_devices_cgroups() {
    let word =
        |words: &str, make: fn(String) -> StartFailure| starts(&containerd(words), make(words.to_owned()));
    word(
        "error during container init: apply apparmor profile: apparmor failed to apply profile",
        |_| StartFailure::Security {
            detail: "apply apparmor profile: apparmor failed to apply profile".to_owned(),
        },
    );
    word("write /proc/self/attr/keycreate: permission denied", |detail| {
        StartFailure::Security { detail }
    });
    word("unable to apply caps: operation not permitted", |detail| {
        StartFailure::Capability { detail }
    });
    word(
        "error running hook #0: error running hook: exit status 1, stdout: , stderr: nvidia-container-cli: initialization error: driver not loaded",
        |detail| StartFailure::Device { detail },
    );
    word("error running prestart hook #0: exit status 1", |detail| {
        StartFailure::OciHook { detail }
    });
    word(
        "unable to apply cgroup configuration: failed to write 1000: write /sys/fs/cgroup/cpu.max: invalid argument",
        |detail| StartFailure::Cgroup { detail },
    );
    word("the sky fell", |detail| StartFailure::Other { detail });
}

#[test]
fn look_alikes() {
    // An exec into a running container is no start.
    for text in [
        "failed to exec in container: failed to start exec \"5\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"pg_isready\": executable file not found in $PATH: unknown",
        "OCI runtime exec failed: exec failed: container_linux.go:380: starting container process caused: exec: \"ls\": executable file not found in $PATH: unknown",
    ] {
        says("", text, &[]);
        says("Failed", text, &[]);
    }
    // The application's own last words are no word of a runtime.
    for text in [
        "panic: open /etc/app.conf: no such file or directory",
        "dial tcp 10.0.0.1:5432: connect: connection refused",
        "exec: \"convert\": executable file not found in $PATH",
        "Error: Cannot find module 'express'",
        "permission denied",
        "fatal: signal: killed",
        "context deadline exceeded",
        "404 not found",
        "java.net.UnknownHostException: db",
        "no space left on device",
    ] {
        says("Error", text, &[]);
        says("", text, &[]);
        says("Completed", text, &[]);
    }
    for text in [
        "Error: CreateContainerConfigError",
        "Error: CreateContainerError",
        "Error: RunContainerError",
        "",
    ] {
        says("Failed", text, &[]);
    }
}

#[test]
fn a_hook_in_a_start_message() {
    let expect = [Fact::Hook(HookFact {
        hook: HookKind::PostStart,
        container: Some("web".to_owned()),
        command: Some("sh -c exit 1".to_owned()),
        exit_code: Some(1),
        overran: false,
        command_missing: false,
        detail: Some("command 'sh -c exit 1' exited with 1: , message: \"no\"".to_owned()),
    })];
    says(
        "RunContainerError",
        "Exec lifecycle hook ([sh -c exit 1]) for Container \"web\" in Pod \"web-1_shop(9f)\" failed - error: command 'sh -c exit 1' exited with 1: , message: \"no\"",
        &expect,
    );
}
