use super::says;
use crate::fact::{Fact, PullFact, PullFailure, SandboxFailure};

/// The same from both wordings of the event, without a reason, and wrapped by gRPC.
#[track_caller]
fn sandbox(words: &str, failure: SandboxFailure) {
    let expect = [Fact::Sandbox(failure)];
    for head in ["Failed create pod sandbox: ", "Failed to create pod sandbox: "] {
        says("FailedCreatePodSandBox", &format!("{head}{words}"), &expect);
        says("", &format!("{head}{words}"), &expect);
        says(
            "FailedCreatePodSandBox",
            &format!("{head}rpc error: code = Unknown desc = {words}"),
            &expect,
        );
        let damaged = format!("(combined from similar events): {head}{words}")
            .replace('"', "\\\"")
            .replace(' ', " \n\t");
        says("FailedCreatePodSandBox", &damaged, &expect);
    }
}

#[test]
fn network() {
    let cni = |plugin: Option<&str>, detail: &str| SandboxFailure::CniFailed {
        plugin: plugin.map(str::to_owned),
        detail: detail.to_owned(),
    };
    let no_addresses = |range: Option<&str>| SandboxFailure::NoAddresses {
        range: range.map(str::to_owned),
    };
    let rows: Vec<(&str, SandboxFailure)> = vec![
        (
            "failed to setup network for sandbox \"4ad\": plugin type=\"calico\" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized",
            cni(
                Some("calico"),
                "error getting ClusterInformation: connection is unauthorized: Unauthorized",
            ),
        ),
        (
            "failed to setup network for sandbox \"4ad\": plugin type=\"flannel\" failed (add): loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory",
            cni(
                Some("flannel"),
                "loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory",
            ),
        ),
        (
            "failed to setup network for sandbox \"4ad\": open /run/flannel/subnet.env: no such file or directory",
            cni(None, "open /run/flannel/subnet.env: no such file or directory"),
        ),
        (
            "failed to set up sandbox container \"4ad\" network for pod \"web-1\": networkPlugin cni failed to set up pod \"web-1_shop\" network: open /run/flannel/subnet.env: no such file or directory",
            cni(None, "open /run/flannel/subnet.env: no such file or directory"),
        ),
        (
            "error adding pod shop_web-1 to CNI network \"cbr0\": plugin type=\"bridge\" failed (add): failed to set bridge addr",
            cni(Some("bridge"), "failed to set bridge addr"),
        ),
        (
            "failed to setup network for sandbox \"4ad\": failed to allocate for range 0: no IP addresses available in range set: 10.1.0.1-10.1.0.254",
            no_addresses(Some("10.1.0.1-10.1.0.254")),
        ),
        (
            "failed to setup network for sandbox \"4ad\": plugin type=\"bridge\" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.1.0.1-10.1.0.254",
            no_addresses(Some("10.1.0.1-10.1.0.254")),
        ),
        (
            "failed to set up sandbox container \"4ad\" network for pod \"web-1\": networkPlugin cni failed to set up pod \"web-1_shop\" network: add cmd: failed to assign an IP address to container",
            no_addresses(None),
        ),
        (
            "failed to setup network for sandbox \"4ad\": plugin type=\"calico\" failed (add): failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No more free addresses",
            no_addresses(None),
        ),
        (
            "failed to setup network for sandbox \"4ad\": plugin type=\"cilium-cni\" failed (add): unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure range is full",
            no_addresses(None),
        ),
        (
            "failed to setup network for sandbox \"4ad\": failed to find plugin \"loopback\" in path [/opt/cni/bin]",
            SandboxFailure::CniPluginMissing {
                plugin: "loopback".to_owned(),
            },
        ),
        (
            "failed to setup network for sandbox \"4ad\": cni plugin not initialized",
            SandboxFailure::NetworkNotReady {
                detail: "failed to setup network for sandbox \"4ad\": cni plugin not initialized".to_owned(),
            },
        ),
    ];
    for (words, failure) in rows {
        sandbox(words, failure);
    }
    let detail = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized";
    says(
        "NetworkNotReady",
        &format!("network is not ready: {detail}"),
        &[Fact::Sandbox(SandboxFailure::NetworkNotReady {
            detail: detail.to_owned(),
        })],
    );
}

#[test]
fn memory() {
    let memory = |detail: &str| SandboxFailure::MemoryLimit {
        detail: detail.to_owned(),
    };
    sandbox(
        "failed to start sandbox container task \"4ad\": failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown",
        memory("container init was OOM-killed (memory limit too low?)"),
    );
    sandbox(
        "failed to start sandbox \"4ad\": failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: unable to apply cgroup configuration: mkdir /sys/fs/cgroup/memory/kubepods/pod9f/4ad: cannot allocate memory: unknown",
        memory(
            "unable to apply cgroup configuration: mkdir /sys/fs/cgroup/memory/kubepods/pod9f/4ad: cannot allocate memory",
        ),
    );
    sandbox(
        "container create failed: set memory limit 1 too low; should be at least 12582912 bytes",
        SandboxFailure::MemoryLimitTooLow {
            limit_bytes: Some(1),
            minimum_bytes: Some(12_582_912),
        },
    );
    let died = "failed to start sandbox container for pod \"web-1\": OCI runtime create failed: container_linux.go:348: starting container process caused \"process_linux.go:301: running exec setns process for init caused \\\"signal: killed\\\"\": unknown";
    says(
        "FailedCreatePodSandBox",
        &format!("Failed create pod sandbox: rpc error: code = Unknown desc = {died}"),
        &[Fact::Sandbox(SandboxFailure::InitDied {
            detail: died
                .replace("\\\"", "\"")
                .trim_end_matches(": unknown")
                .to_owned(),
        })],
    );
}

#[test]
fn runtimes() {
    let handler = |name: &str| SandboxFailure::RuntimeHandler {
        handler: name.to_owned(),
    };
    let rows: Vec<(&str, SandboxFailure)> = vec![
        (
            "failed to get sandbox runtime: no runtime for \"gvisor\" is configured",
            handler("gvisor"),
        ),
        (
            "unable to get OCI runtime for sandbox \"4ad\": no runtime for \"gvisor\" is configured",
            handler("gvisor"),
        ),
        (
            "failed to find runtime handler gvisor from runtime list map[runc:0xc0]",
            handler("gvisor"),
        ),
        (
            "failed to reserve sandbox name \"web-1_shop_9f_0\": name \"web-1_shop_9f_0\" is reserved for \"4ad\"",
            SandboxFailure::NameReserved,
        ),
        (
            "pod sandbox with name \"k8s_web-1_shop_9f_0\" already exists",
            SandboxFailure::NameReserved,
        ),
        (
            "error reserving pod sandbox name: name is reserved",
            SandboxFailure::NameReserved,
        ),
        ("context deadline exceeded", SandboxFailure::RuntimeTimeout),
        ("error reading from server: EOF", SandboxFailure::RuntimeDown),
        (
            "connection error: desc = \"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory\"",
            SandboxFailure::RuntimeDown,
        ),
        (
            "failed to create sandbox: mkdir /var/lib/containerd/x: no space left on device",
            SandboxFailure::DiskFull,
        ),
        (
            "the moon",
            SandboxFailure::Other {
                detail: "the moon".to_owned(),
            },
        ),
    ];
    for (words, failure) in rows {
        sandbox(words, failure);
    }
}

#[test]
fn pause_image() {
    let words = "failed to get sandbox image \"pause.example/pause:3.9\": failed to pull image \"pause.example/pause:3.9\": failed to pull and unpack image \"pause.example/pause:3.9\": failed to resolve reference \"pause.example/pause:3.9\": failed to do request: Head \"https://pause.example/v2/pause/manifests/3.9\": dial tcp: lookup pause.example: no such host";
    says(
        "FailedCreatePodSandBox",
        &format!("Failed to create pod sandbox: rpc error: code = Unknown desc = {words}"),
        &[
            Fact::Sandbox(SandboxFailure::PauseImage {
                image: "pause.example/pause:3.9".to_owned(),
            }),
            Fact::Pull(PullFact::Failed {
                image: Some("pause.example/pause:3.9".to_owned()),
                registry: Some("pause.example".to_owned()),
                failure: PullFailure::Dns {
                    host: "pause.example".to_owned(),
                },
            }),
        ],
    );
    says(
        "FailedCreatePodSandBox",
        "Failed create pod sandbox: rpc error: code = Unknown desc = failed pulling image \"pause.example/pause:3.1\": Error response from daemon: Get https://pause.example/v2/: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
        &[
            Fact::Sandbox(SandboxFailure::PauseImage {
                image: "pause.example/pause:3.1".to_owned(),
            }),
            Fact::Pull(PullFact::Failed {
                image: Some("pause.example/pause:3.1".to_owned()),
                registry: Some("pause.example".to_owned()),
                failure: PullFailure::ConnectTimeout,
            }),
        ],
    );
}

#[test]
fn others() {
    let changed = [Fact::Sandbox(SandboxFailure::Changed)];
    says(
        "SandboxChanged",
        "Pod sandbox changed, it will be killed and re-created.",
        &changed,
    );
    says("SandboxChanged", "", &changed);
    says(
        "",
        "Pod sandbox changed, it will be killed and re-created.",
        &changed,
    );
    let cgroup = "failed to create container for [kubepods burstable pod9f] : mkdir /sys/fs/cgroup/cpu/kubepods: no space left on device";
    says(
        "FailedCreatePodContainer",
        &format!("unable to ensure pod container exists: {cgroup}"),
        &[Fact::Sandbox(SandboxFailure::PodCgroup {
            detail: cgroup.to_owned(),
        })],
    );
    says(
        "FailedPrepareDynamicResources",
        "Failed to prepare dynamic resources: prepare dynamic resources: claim gpu: driver gpu.example is not registered",
        &[Fact::Sandbox(SandboxFailure::DynamicResources {
            detail: "prepare dynamic resources: claim gpu: driver gpu.example is not registered".to_owned(),
        })],
    );
    says(
        "FailedSync",
        "error determining status: rpc error: code = Unknown desc = context deadline exceeded",
        &[Fact::Sandbox(SandboxFailure::RuntimeTimeout)],
    );
    says(
        "FailedPodSandBoxStatus",
        "Unable to get pod sandbox status: rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing\"",
        &[Fact::Sandbox(SandboxFailure::RuntimeDown)],
    );
    says(
        "FailedKillPod",
        "error killing pod: failed to \"KillPodSandbox\" for \"9f\" with KillPodSandboxError: \"rpc error: code = Unknown desc = failed to destroy network for sandbox \\\"4ad\\\": plugin type=\\\"calico\\\" failed (delete): connection is unauthorized\"",
        &[Fact::Sandbox(SandboxFailure::Teardown {
            plugin: Some("calico".to_owned()),
            detail: "connection is unauthorized".to_owned(),
        })],
    );
}
