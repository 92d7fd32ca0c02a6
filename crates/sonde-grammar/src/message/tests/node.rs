use super::says;
use crate::fact::{EvictionFact, Fact, NodeFact, OomConstraint, OomKill, RejectFact};

#[track_caller]
fn evicts(text: &str, fact: EvictionFact) {
    let expect = [Fact::Eviction(fact)];
    says("Evicted", text, &expect);
    says("", text, &expect);
    says("TerminationByKubelet", text, &expect);
    says(
        "Evicted",
        &text.replace(' ', "\n   ").replace('"', "\\\""),
        &expect,
    );
}

#[test]
fn pressure() {
    let over =
        |name: &str, usage: &str, request: &str| (name.to_owned(), usage.to_owned(), request.to_owned());
    let pressure = |resource: &str, threshold: Option<&str>, available: Option<&str>, over_request| {
        EvictionFact::NodePressure {
            resource: resource.to_owned(),
            threshold: threshold.map(str::to_owned),
            available: available.map(str::to_owned),
            over_request,
        }
    };
    evicts(
        "The node was low on resource: memory. ",
        pressure("memory", None, None, vec![]),
    );
    evicts(
        "The node was low on resource: memory. Container web was using 5Gi, which exceeds its request of 1Gi. ",
        pressure("memory", None, None, vec![over("web", "5Gi", "1Gi")]),
    );
    evicts(
        "The node was low on resource: ephemeral-storage. Threshold quantity: 1610612736, available: 1234567Ki. Container web was using 5Gi, request is 0, has larger consumption of ephemeral-storage. Container side was using 16Ki, request is 0, has larger consumption of ephemeral-storage. ",
        pressure(
            "ephemeral-storage",
            Some("1610612736"),
            Some("1234567Ki"),
            vec![over("web", "5Gi", "0"), over("side", "16Ki", "0")],
        ),
    );
    evicts(
        "The node was low on resource: pids. Threshold quantity: 100, available: 50. ",
        pressure("pids", Some("100"), Some("50"), vec![]),
    );
    let condition = |name: &str| EvictionFact::NodeCondition {
        conditions: vec![name.to_owned()],
    };
    evicts(
        "Pod The node had condition: [DiskPressure]. ",
        condition("DiskPressure"),
    );
    evicts(
        "Pod was rejected: The node had condition: [DiskPressure]. ",
        condition("DiskPressure"),
    );
    evicts(
        "The node was low on resource: [MemoryPressure]. ",
        condition("MemoryPressure"),
    );
    evicts(
        "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ",
        EvictionFact::PodEphemeralLimit {
            limit: "1Gi".to_owned(),
        },
    );
    evicts(
        "Container web exceeded its local ephemeral storage limit \"1Gi\". ",
        EvictionFact::ContainerEphemeralLimit {
            container: "web".to_owned(),
            limit: "1Gi".to_owned(),
        },
    );
    evicts(
        "Usage of EmptyDir volume \"scratch\" exceeds the limit \"100Mi\". ",
        EvictionFact::EmptyDirLimit {
            volume: "scratch".to_owned(),
            limit: "100Mi".to_owned(),
        },
    );
}

#[test]
fn other_evictions() {
    let one = |reason: &str, text: &str, fact: EvictionFact| says(reason, text, &[Fact::Eviction(fact)]);
    one(
        "Terminated",
        "Pod was terminated in response to imminent node shutdown.",
        EvictionFact::NodeShutdown,
    );
    one(
        "",
        "Pod was terminated in response to imminent node shutdown.",
        EvictionFact::NodeShutdown,
    );
    one(
        "Shutdown",
        "Node is shutting, evicting pods",
        EvictionFact::NodeShutdown,
    );
    one(
        "Preempting",
        "Preempted in order to admit critical pod",
        EvictionFact::PreemptedForCritical,
    );
    one(
        "TaintManagerEviction",
        "Marking for deletion Pod shop/web-1",
        EvictionFact::Taint,
    );
    one("", "Marking for deletion Pod shop/web-1", EvictionFact::Taint);
    one(
        "DeletionByTaintManager",
        "Taint manager: deleting due to NoExecute taint",
        EvictionFact::Taint,
    );
    one(
        "DeletionByPodGC",
        "PodGC: node no longer exists",
        EvictionFact::NodeGone,
    );
    one(
        "EvictionByEvictionAPI",
        "Eviction API: evicting",
        EvictionFact::Api {
            detail: "Eviction API: evicting".to_owned(),
        },
    );
    one(
        "Evicted",
        "Evicted pod",
        EvictionFact::Api {
            detail: "Evicted pod".to_owned(),
        },
    );
    let by = |by: Option<&str>, node: Option<&str>| EvictionFact::Preempted {
        by: by.map(str::to_owned),
        node: node.map(str::to_owned),
    };
    for reason in ["Preempted", ""] {
        one(
            reason,
            "Preempted by shop/gold-1 on node node-7",
            by(Some("shop/gold-1"), Some("node-7")),
        );
        one(
            reason,
            "Preempted by a pod on node node-7",
            by(None, Some("node-7")),
        );
        one(
            reason,
            "Preempted by pod 9f1c on node node-7",
            by(Some("9f1c"), Some("node-7")),
        );
    }
    one(
        "PreemptionByScheduler",
        "default-scheduler: preempting to accommodate a higher priority pod",
        by(None, None),
    );
    says(
        "TaintManagerEviction",
        "Cancelling deletion of Pod shop/web-1",
        &[],
    );
}

#[test]
fn refusals() {
    let out_of = |resource: &str| RejectFact::OutOf {
        resource: resource.to_owned(),
        requested: Some("4000".to_owned()),
        used: Some("1500".to_owned()),
        capacity: Some("4000".to_owned()),
    };
    for prefix in ["Pod ", "Pod was rejected: ", ""] {
        for (reason, resource) in [
            ("OutOfcpu", "cpu"),
            ("OutOfgpu.example/a", "gpu.example/a"),
            ("", "cpu"),
            ("FailedPlacement", "memory"),
        ] {
            let text = format!(
                "{prefix}Node didn't have enough resource: {resource}, requested: 4000, used: 1500, capacity: 4000"
            );
            says(reason, &text, &[Fact::Reject(out_of(resource))]);
        }
        for text in [
            "Predicate NodeAffinity failed",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
        ] {
            let expect = [Fact::Reject(RejectFact::Predicate {
                name: "NodeAffinity".to_owned(),
            })];
            says("NodeAffinity", &format!("{prefix}{text}"), &expect);
            says("", &format!("{prefix}{text}"), &expect);
        }
        let devices = "requested number of devices unavailable for gpu.example/a. Requested: 1, Available: 0, which is unexpected.";
        for verb in ["Update plugin resources", "Allocate"] {
            let words = format!("{verb} failed due to {devices}");
            let expect = [Fact::Reject(RejectFact::Devices {
                detail: words.clone(),
            })];
            says("UnexpectedAdmissionError", &format!("{prefix}{words}"), &expect);
        }
        says(
            "TopologyAffinityError",
            &format!("{prefix}Resources cannot be allocated with Topology locality"),
            &[Fact::Reject(RejectFact::Topology {
                detail: "Resources cannot be allocated with Topology locality".to_owned(),
            })],
        );
    }
    for (reason, text) in [
        ("NodeShutdown", "Pod was rejected as the node is shutting down."),
        ("", "Pod was rejected as the node is shutting down."),
        (
            "NodeShutdown",
            "Pod Node is in progress of shutting down, not admitting any new pods",
        ),
    ] {
        says(reason, text, &[Fact::Reject(RejectFact::NodeShutdown)]);
    }
    says(
        "NodePorts",
        "",
        &[Fact::Reject(RejectFact::Predicate {
            name: "NodePorts".to_owned(),
        })],
    );
    for (reason, text) in [
        ("AppArmor", "Cannot enforce AppArmor: profile \"x\" is not loaded"),
        (
            "SysctlForbidden",
            "forbidden sysctl: \"net.core.somaxconn\" not allowlisted",
        ),
    ] {
        let expect = [Fact::Reject(RejectFact::Predicate {
            name: reason.to_owned(),
        })];
        says(reason, text, &expect);
        says("", text, &expect);
    }
}

#[test]
fn nodes() {
    let one = |reason: &str, text: &str, fact: NodeFact| says(reason, text, &[Fact::Node(fact)]);
    let resource = |name: &str| NodeFact::Pressure {
        resource: name.to_owned(),
    };
    one(
        "NodeStatusUnknown",
        "Kubelet stopped posting node status.",
        NodeFact::KubeletSilent,
    );
    one(
        "NodeStatusNeverUpdated",
        "Kubelet never posted node status.",
        NodeFact::KubeletSilent,
    );
    one(
        "",
        "Kubelet stopped posting node status.",
        NodeFact::KubeletSilent,
    );
    one(
        "NodeLost",
        "Node node-7 which was running pod web-1 is unresponsive",
        NodeFact::KubeletSilent,
    );
    one(
        "",
        "Node node-7 which was running pod web-1 is unresponsive",
        NodeFact::KubeletSilent,
    );
    one("NodeNotReady", "Node is not ready", NodeFact::NotReady);
    one("", "Node is not ready", NodeFact::NotReady);
    one(
        "NodeNotReady",
        "Node node-7 status is now: NodeNotReady",
        NodeFact::NotReady,
    );
    one(
        "KubeletHasDiskPressure",
        "kubelet has disk pressure",
        resource("disk"),
    );
    one("", "kubelet has disk pressure", resource("disk"));
    one(
        "NodeHasInsufficientMemory",
        "Node node-7 status is now: NodeHasInsufficientMemory",
        resource("memory"),
    );
    one(
        "EvictionThresholdMet",
        "Attempting to reclaim ephemeral-storage",
        NodeFact::Reclaiming {
            resource: "ephemeral-storage".to_owned(),
        },
    );
    one(
        "SystemOOM",
        "System OOM encountered",
        NodeFact::SystemOom {
            process: None,
            pid: None,
        },
    );
    one(
        "SystemOOM",
        "System OOM encountered, victim process: java, pid: 4711",
        NodeFact::SystemOom {
            process: Some("java".to_owned()),
            pid: Some(4711),
        },
    );
    one(
        "Rebooted",
        "Node node-7 has been rebooted, boot id: 9f",
        NodeFact::Rebooted,
    );
    one("Starting", "Starting kubelet.", NodeFact::KubeletStarted);
    one(
        "Shutdown",
        "Shutdown manager detected shutdown event",
        NodeFact::ShuttingDown,
    );
    one(
        "NodeShutdown",
        "Shutdown manager detected shutdown event",
        NodeFact::ShuttingDown,
    );
    one(
        "RemovingNode",
        "Node node-7 event: Removing Node node-7 from Controller",
        NodeFact::Deleted,
    );
    one(
        "DeletingNode",
        "Deleting node node-7 because it does not exist in the cloud provider",
        NodeFact::Deleted,
    );
    one(
        "MissingClusterDNS",
        "pod: \"web-1_shop(9f)\". kubelet does not have ClusterDNS IP configured and cannot create Pod using \"ClusterFirst\" policy. Falling back to \"Default\" policy.",
        NodeFact::MissingClusterDns,
    );
    one(
        "TaskHung",
        "task dockerd:1234 blocked for more than 120 seconds.",
        NodeFact::HungTask {
            process: "dockerd".to_owned(),
            pid: Some(1234),
        },
    );
    let gc = "Failed to garbage collect required amount of images. Attempted to free 123 bytes, but only found 0 bytes eligible to free.";
    one(
        "FreeDiskSpaceFailed",
        gc,
        NodeFact::FreeDiskFailed {
            detail: gc.to_owned(),
        },
    );
    one(
        "",
        gc,
        NodeFact::FreeDiskFailed {
            detail: gc.to_owned(),
        },
    );
    let runtime = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized";
    one(
        "KubeletNotReady",
        runtime,
        NodeFact::NetworkNotReady {
            detail: runtime.to_owned(),
        },
    );
    one(
        "KubeletNotReady",
        "CSINode is not yet initialized",
        NodeFact::KubeletNotReady {
            detail: "CSINode is not yet initialized".to_owned(),
        },
    );
    says(
        "KubeletNotReady",
        "[container runtime is down, PLEG is not healthy: pleg was last seen active 3m3.9s ago; threshold is 3m0s]",
        &[
            Fact::Node(NodeFact::PlegUnhealthy { detail: "PLEG is not healthy: pleg was last seen active 3m3.9s ago; threshold is 3m0s".to_owned() }),
            Fact::Node(NodeFact::RuntimeDown {
                detail: "[container runtime is down, PLEG is not healthy: pleg was last seen active 3m3.9s ago; threshold is 3m0s]".to_owned(),
            }),
        ],
    );
    says("Starting", "", &[]);
    says("NodeReady", "Node node-7 status is now: NodeReady", &[]);
    says("KubeletReady", "kubelet is posting ready status", &[]);
}

#[test]
fn node_problem_detector() {
    says(
        "OOMKilling",
        "Memory cgroup out of memory: Killed process 4711 (java) total-vm:4000000kB, anon-rss:524288kB, file-rss:0kB, shmem-rss:64kB",
        &[Fact::OomKill(OomKill {
            constraint: Some(OomConstraint::Cgroup),
            process: Some("java".to_owned()),
            pid: Some(4711),
            anon_rss_kib: Some(524_288),
            shmem_rss_kib: Some(64),
            ..OomKill::default()
        })],
    );
}

#[test]
fn what_is_read_as_a_rejection_is_one() {
    for (reason, expected) in [
        ("SupplementalGroupsPolicyNotSupported", true),
        ("PodFeatureUnsupported", true),
        ("SysctlForbidden", true),
        ("PodLevelResourcesNotSupported", true),
        ("OutOfcpu", true),
        ("OutOfexample.com/gpu", true),
        ("Evicted", false),
        ("Error", false),
        ("", false),
    ] {
        assert_eq!(crate::message::is_rejection(reason), expected, "{reason}");
    }
}
