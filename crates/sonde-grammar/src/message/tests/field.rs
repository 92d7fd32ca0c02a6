//! Wordings met in the field: drivers, plugins, clouds, registries. Each was read wrongly or not at all once, or stands
//! close to a wording that means something else.

use super::says;
use crate::fact::{
    AdmissionRefusal, ConfigRef, CreateFailure, Fact, PullFact, PullFailure, RefKind, SandboxFailure,
    StartFailure, VolumeFact, VolumeFailure,
};

fn volume(name: &str, failure: VolumeFailure) -> Fact {
    Fact::Volume(VolumeFact {
        volumes: vec![name.to_owned()],
        failure,
    })
}

fn pull(failure: PullFailure) -> Fact {
    Fact::Pull(PullFact::Failed {
        image: Some("r.example/a:1".to_owned()),
        registry: Some("r.example".to_owned()),
        failure,
    })
}

fn missing(kind: RefKind, name: &str) -> VolumeFailure {
    VolumeFailure::Missing(ConfigRef {
        kind,
        name: Some(name.to_owned()),
        key: None,
        key_missing: false,
    })
}

fn held_by(node: Option<&str>) -> VolumeFailure {
    VolumeFailure::MultiAttach {
        pods: vec![],
        node: node.map(str::to_owned),
    }
}

#[test]
fn mounts() {
    let rows: Vec<(&str, Vec<VolumeFailure>)> = vec![
        (
            "[configmap \"a\" not found, secret \"b\" not found]",
            vec![missing(RefKind::ConfigMap, "a"), missing(RefKind::Secret, "b")],
        ),
        (
            "[failed to fetch token: pods \"web\" not found, object \"kube-system\"/\"kube-root-ca.crt\" not registered]",
            vec![VolumeFailure::NotRegistered {
                name: "kube-root-ca.crt".to_owned(),
            }],
        ),
        (
            "rpc error: code = NotFound desc = volume vol-9 not found",
            vec![VolumeFailure::Other {
                detail: "volume vol-9 not found".to_owned(),
            }],
        ),
        (
            "stat /mnt/disks/ssd1: no such file or directory",
            vec![VolumeFailure::HostPathType {
                path: "/mnt/disks/ssd1".to_owned(),
                detail: "does not exist".to_owned(),
            }],
        ),
        (
            "kubernetes.io/csi: mounter.SetUpAt failed to check for STAGE_UNSTAGE_VOLUME capability: rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing dial unix /var/lib/kubelet/plugins/csi.example/csi.sock: connect: connection refused\"",
            vec![VolumeFailure::DriverDown {
                driver: "csi.example".to_owned(),
            }],
        ),
        (
            "mount failed: exit status 32 Mounting command: systemd-run Mounting arguments: --scope -- mount -t nfs 10.0.0.9:/export /var/lib/x Output: Running scope as unit: run-r1.scope mount: wrong fs type, bad option, bad superblock on 10.0.0.9:/export, missing codepage or helper program, or other error (for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.<type> helper program)",
            vec![VolumeFailure::HelperMissing {
                helper: "nfs".to_owned(),
            }],
        ),
        (
            "Could not mount \"fs-1:/\" at \"/x\": mount failed: exit status 1 Output: Failed to resolve \"fs-1.efs.example\" - check that your file system ID is correct.",
            vec![VolumeFailure::ServerUnreachable {
                server: Some("fs-1.efs.example".to_owned()),
                detail: "Failed to resolve \"fs-1.efs.example\" - check that your file system ID is correct."
                    .to_owned(),
            }],
        ),
        (
            "rpc error: code = Internal desc = Volume data still mounted on node x1002",
            vec![held_by(Some("x1002"))],
        ),
        (
            "rbd: map failed executable file not found in $PATH, rbd output:",
            vec![VolumeFailure::HelperMissing {
                helper: "rbd".to_owned(),
            }],
        ),
    ];
    for (error, failures) in rows {
        let expect: Vec<Fact> = failures
            .into_iter()
            .map(|failure| volume("data", failure))
            .collect();
        says(
            "FailedMount",
            &format!("MountVolume.SetUp failed for volume \"data\" : {error}"),
            &expect,
        );
        // Lost space, and the kubelet's log with its ids.
        says(
            "FailedMount",
            &format!("MountVolume.SetUp failed for volume \"data\": {error}"),
            &expect,
        );
        says(
            "",
            &format!(
                "MountVolume.SetUp failed for volume \"data\" (UniqueName: \"kubernetes.io/csi/csi.example^vol-9\") pod \"web-0\" (UID: \"9f\") : {error}"
            ),
            &expect,
        );
    }
}

#[test]
fn attachments() {
    for (error, failure) in [
        (
            "disk 4e41 is attached to a different instance (9454752c)",
            held_by(Some("9454752c")),
        ),
        (
            "disk(/subscriptions/x/disks/d) already attached to node(/subscriptions/x/virtualMachines/aks-1), could not be attached to node(aks-2)",
            held_by(Some("aks-1")),
        ),
        (
            "googleapi: Error 400: RESOURCE_IN_USE_BY_ANOTHER_RESOURCE - The disk resource 'd' is already being used by 'projects/p/instances/node-3'",
            held_by(Some("node-3")),
        ),
        (
            "rpc error: code = Internal desc = Could not attach volume \"vol-1\" to node \"i-1\": VolumeInUse: vol-1 is already attached to an instance status code: 400",
            held_by(None),
        ),
        (
            "Volume \"0349\" is attaching, can't finish within the alloted time",
            VolumeFailure::AttachTimeout { driver: None },
        ),
        (
            "volume attachment is being deleted",
            VolumeFailure::AttachFailed {
                detail: "volume attachment is being deleted".to_owned(),
            },
        ),
    ] {
        says(
            "FailedAttachVolume",
            &format!("AttachVolume.Attach failed for volume \"pvc-1\" : {error}"),
            &[volume("pvc-1", failure)],
        );
    }
}

#[test]
fn pulls() {
    let unauthorized = PullFailure::Unauthorized {
        anonymous: None,
        maybe_missing: false,
        expired: false,
    };
    let other = |detail: &str| PullFailure::Other {
        detail: detail.to_owned(),
    };
    for (error, failure) in [
        // The mirror's answer is not the registry's.
        (
            "(Mirrors also failed: [m.example/a:1: reading manifest 1 in m.example/a: toomanyrequests: slow down]): r.example/a:1: reading manifest 1 in r.example/a: unauthorized: access to the requested resource is not authorized",
            unauthorized.clone(),
        ),
        (
            "Error response from daemon: error parsing HTTP 403 response body: invalid character '<' looking for beginning of value: \"<html>\"",
            unauthorized,
        ),
        // A file system's refusal is no registry's.
        (
            "failed to pull and unpack image \"r.example/a:1\": failed to extract layer sha256:ab: failed to open writer: open /var/lib/containerd/x: permission denied: unknown",
            other("sha256:ab: failed to open writer: open /var/lib/containerd/x: permission denied"),
        ),
        (
            "failed to pull and unpack image \"r.example/a:1\": failed to prepare extraction snapshot \"extract-1 sha256:x\": parent snapshot sha256:x does not exist: not found",
            PullFailure::Corrupt,
        ),
        (
            "failed to pull and unpack image \"r.example/a:1\": failed to resolve reference \"r.example/a:1\": unexpected status from HEAD request to https://r.example/v2/a/manifests/1: 400 Bad Request",
            other(
                "unexpected status from HEAD request to https://r.example/v2/a/manifests/1: 400 Bad Request",
            ),
        ),
        (
            "failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://r.example/v2/token: 403 Forbidden: denied: Permission \"downloadArtifacts\" denied on resource \"projects/p\" (or it may not exist)",
            PullFailure::Unauthorized {
                anonymous: Some(false),
                maybe_missing: true,
                expired: false,
            },
        ),
        (
            "Error response from daemon: pull access denied for r.example/a, repository does not exist or may require 'docker login': denied: Your authorization token has expired. Reauthenticate and try again.",
            PullFailure::Unauthorized {
                anonymous: Some(false),
                maybe_missing: true,
                expired: true,
            },
        ),
    ] {
        says(
            "Failed",
            &format!("Failed to pull image \"r.example/a:1\": {error}"),
            &[pull(failure)],
        );
    }
}

#[test]
fn starts() {
    let other = |detail: &str| {
        Fact::Start(StartFailure::Other {
            detail: detail.to_owned(),
        })
    };
    let head = "failed to create containerd task: failed to create shim task: OCI runtime create failed: ";
    // The node lacks the runtime, not the image its command.
    let words = "unable to retrieve OCI runtime error (open /run/containerd/x/log.json: no such file or directory): fork/exec /usr/bin/kata-runtime: no such file or directory";
    says(
        "RunContainerError",
        &format!("{head}{words}: unknown"),
        &[other(words)],
    );
    let words = "open /proc/sys/net/core/somaxconn: no such file or directory";
    says(
        "StartError",
        &format!(
            "{head}runc create failed: unable to start container process: error during container init: {words}: unknown"
        ),
        &[other(words)],
    );
    says(
        "Failed",
        "Error: failed to generate container \"4ad\" spec: failed to generate spec: lstat /dev/kvm: no such file or directory",
        &[Fact::Create(CreateFailure::Device {
            device: "/dev/kvm".to_owned(),
        })],
    );
    says(
        "Failed",
        "Error: failed to create containerd task: failed to create shim task: context deadline exceeded: unknown",
        &[Fact::Create(CreateFailure::RuntimeTimeout)],
    );
}

#[test]
fn sandboxes() {
    let sandbox = |words: &str, failure: SandboxFailure| {
        says(
            "FailedCreatePodSandBox",
            &format!("Failed to create pod sandbox: rpc error: code = Unknown desc = {words}"),
            &[Fact::Sandbox(failure)],
        );
    };
    let cni = |plugin: Option<&str>, detail: &str| SandboxFailure::CniFailed {
        plugin: plugin.map(str::to_owned),
        detail: detail.to_owned(),
    };
    // The cleaning up after a failure is not the failure.
    sandbox(
        "[failed to set up sandbox container \"572a\" network for pod \"w\": networkPlugin cni failed to set up pod \"w_s\" network: missing network name:, failed to clean up sandbox container \"572a\" network for pod \"w\": networkPlugin cni failed to teardown pod \"w_s\" network: missing network name]",
        cni(
            None,
            "missing network name:, failed to clean up sandbox container \"572a\" network for pod \"w\": networkPlugin cni failed to teardown pod \"w_s\" network: missing network name]",
        ),
    );
    // A plugin's daemon that is down is not the runtime.
    let dial = "add cmd: Error received from AddNetwork gRPC call: connection error: desc = \"transport: Error while dialing: dial tcp 127.0.0.1:50051: connect: connection refused\"";
    sandbox(
        &format!(
            "failed to setup network for sandbox \"4ad\": plugin type=\"aws-cni\" name=\"aws-cni\" failed (add): {dial}"
        ),
        cni(Some("aws-cni"), dial),
    );
    // A cgroup's limit is not the disk's.
    sandbox(
        "failed to start sandbox container for pod \"w\": Error response from daemon: OCI runtime create failed: container_linux.go:367: starting container process caused: process_linux.go:340: applying cgroup configuration for process caused: no space left on device: unknown",
        SandboxFailure::PodCgroup {
            detail: "OCI runtime create failed: container_linux.go:367: starting container process caused: process_linux.go:340: applying cgroup configuration for process caused: no space left on device".to_owned(),
        },
    );
    sandbox(
        "failed to create containerd task: failed to create shim task: Failed to check if grpc server is working: rpc error: code = Unavailable desc = transport is closing: unknown",
        SandboxFailure::Other {
            detail: "failed to create containerd task: failed to create shim task: Failed to check if grpc server is working: transport is closing".to_owned(),
        },
    );
    says("FailedSync", "Error syncing pod", &[]);
}

#[test]
fn refusals() {
    says(
        "FailedCreate",
        "Error creating: pods \"web-2jjg8\" is forbidden: image policy webhook backend denied one or more images: Images using latest tag are not allowed",
        &[Fact::Admission(AdmissionRefusal::WebhookDenied {
            webhook: "ImagePolicyWebhook".to_owned(),
            detail: "Images using latest tag are not allowed".to_owned(),
        })],
    );
}

/// Reasons are not owned: other controllers use the kubelet's for their own matters.
#[test]
fn other_controllers_words() {
    for (reason, text) in [
        (
            "Failed",
            "The certificate request has failed to complete and will be retried",
        ),
        ("Failed", "workflow shutdown with strategy: Stop"),
        ("FailedSync", "could not reconcile the ingress: no such backend"),
        ("SyncFailed", "application is out of sync"),
        ("ScaleDown", "node removed by cluster autoscaler"),
        ("Unhealthy", "the rollout is unhealthy"),
        ("Starting", ""),
        ("Evicted", "The node was low on"),
        // A controller of the cluster's own that died quotes the API server, and a build the runtime.
        ("Error", "panic: secret \"db\" not found"),
        (
            "Error",
            "pods is forbidden: User \"x\" cannot list resource \"pods\"",
        ),
        ("Error", "0/3 nodes are available: 3 Insufficient cpu."),
        ("Error", "failed to start container runtime check"),
        ("Completed", "Failed to pull image \"a\": not found"),
        ("OOMKilled", "OCI runtime create failed: x"),
    ] {
        says(reason, text, &[]);
    }
    // The node's memory, not the pod's limit.
    says(
        "FailedCreatePodSandBox",
        "Failed to create pod sandbox: fork/exec /usr/bin/runc: cannot allocate memory",
        &[Fact::Sandbox(SandboxFailure::Other {
            detail: "fork/exec /usr/bin/runc: cannot allocate memory".to_owned(),
        })],
    );
    let words = "mount: /x: wrong fs type, bad option, bad superblock on /dev/sdb, missing codepage or helper program, or other error (for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.<type> helper program)";
    says(
        "FailedMount",
        &format!(
            "MountVolume.MountDevice failed for volume \"data\" : mount failed: exit status 32 Mounting command: mount Mounting arguments: -t ext4 -o defaults /dev/sdb /x Output: {words}"
        ),
        &[volume(
            "data",
            VolumeFailure::FileSystem {
                detail: words.to_owned(),
            },
        )],
    );
}

/// Every event of two real clusters: each is understood, or its reason needs no understanding.
#[test]
fn captured_events_are_understood() {
    for events in [
        include_str!("../../../testdata/captured/1.32/events.json"),
        include_str!("../../../testdata/captured/1.36/events.json"),
    ] {
        let events: serde_json::Value = serde_json::from_str(events).unwrap();
        let items = events["items"].as_array().unwrap();
        assert!(items.len() > 50);
        for event in items {
            let reason = event["reason"].as_str().unwrap_or_default();
            let message = event["message"]
                .as_str()
                .or(event["note"].as_str())
                .unwrap_or_default();
            let understood = crate::message::is_known_harmless(reason)
                || !crate::message::facts(reason, message).is_empty();
            assert!(understood, "{reason}: {message}");
        }
    }
}
