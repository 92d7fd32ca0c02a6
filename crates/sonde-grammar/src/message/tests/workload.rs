use super::says;
use crate::fact::{ClaimFact, Fact, KillReason, PullFact, PullFailure, WorkloadFact};

#[track_caller]
fn claim(reason: &str, text: &str, fact: ClaimFact) {
    says(reason, text, &[Fact::Claim(fact.clone())]);
    says("", text, &[Fact::Claim(fact)]);
}

#[track_caller]
fn workload(reason: &str, text: &str, fact: WorkloadFact) {
    says(reason, text, &[Fact::Workload(fact.clone())]);
    says("", text, &[Fact::Workload(fact)]);
}

#[test]
fn claims() {
    claim(
        "ProvisioningFailed",
        "storageclass.storage.k8s.io \"fast\" not found",
        ClaimFact::ClassMissing {
            class: "fast".to_owned(),
        },
    );
    claim(
        "FailedBinding",
        "no persistent volumes available for this claim and no storage class is set",
        ClaimFact::NoClass,
    );
    claim(
        "WaitForFirstConsumer",
        "waiting for first consumer to be created before binding",
        ClaimFact::WaitForFirstConsumer,
    );
    claim(
        "WaitForPodScheduled",
        "waiting for pod web-0 to be scheduled",
        ClaimFact::WaitForPodScheduled {
            pod: Some("web-0".to_owned()),
        },
    );
    for text in [
        "waiting for a volume to be created, either by external provisioner \"csi.example\" or manually created by system administrator",
        "Waiting for a volume to be created either by the external provisioner 'csi.example' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
    ] {
        claim(
            "ExternalProvisioning",
            text,
            ClaimFact::WaitingForProvisioner {
                provisioner: Some("csi.example".to_owned()),
            },
        );
    }
    for head in ["failed", "Failed"] {
        claim(
            "ProvisioningFailed",
            &format!(
                "{head} to provision volume with StorageClass \"fast\": rpc error: code = ResourceExhausted desc = no capacity"
            ),
            ClaimFact::ProvisioningFailed {
                detail: "no capacity".to_owned(),
            },
        );
    }
    claim(
        "ProvisioningFailed",
        "failed to provision volume with StorageClass \"fast\": secret \"csi\" not found",
        ClaimFact::ProvisioningFailed {
            detail: "secret \"csi\" not found".to_owned(),
        },
    );
    claim(
        "ClaimLost",
        "Bound claim has lost its PersistentVolume. Data on the volume is lost!",
        ClaimFact::Lost,
    );
    claim(
        "ClaimLost",
        "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!",
        ClaimFact::Lost,
    );
    for text in [
        "Cannot bind to requested volume \"pv-1\": requested PV is too small",
        "volume \"pv-1\" already bound to a different claim.",
        "Two claims are bound to the same volume, this one is bound incorrectly",
    ] {
        claim(
            "VolumeMismatch",
            text,
            ClaimFact::Mismatch {
                detail: text.to_owned(),
            },
        );
    }
    says(
        "VolumeResizeFailed",
        "resize volume \"pv-1\" failed",
        &[Fact::Claim(ClaimFact::ResizeFailed {
            detail: "resize volume \"pv-1\" failed".to_owned(),
        })],
    );
    let words = "error getting deleter volume plugin for volume \"pv-1\": no volume plugin matched";
    says(
        "VolumeFailedDelete",
        words,
        &[Fact::Claim(ClaimFact::DeleteFailed {
            detail: words.to_owned(),
        })],
    );
    says(
        "ProvisioningSucceeded",
        "Successfully provisioned volume pv-1",
        &[],
    );
    says(
        "Provisioning",
        "External provisioner is provisioning volume for claim \"shop/data\"",
        &[],
    );
}

#[test]
fn jobs_and_rollouts() {
    workload(
        "ProgressDeadlineExceeded",
        "ReplicaSet \"web-7d9f\" has timed out progressing.",
        WorkloadFact::ProgressDeadline,
    );
    workload(
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
        WorkloadFact::BackoffLimit,
    );
    workload(
        "DeadlineExceeded",
        "Job was active longer than specified deadline",
        WorkloadFact::JobDeadline,
    );
    workload(
        "DeadlineExceeded",
        "Pod was active on the node longer than the specified deadline",
        WorkloadFact::JobDeadline,
    );
    let words = "Container main for pod shop/job-1 failed with exit code 42 matching FailJob rule at index 0";
    workload(
        "PodFailurePolicy",
        words,
        WorkloadFact::PodFailurePolicy {
            detail: words.to_owned(),
        },
    );
    for (reason, words) in [
        (
            "MissSchedule",
            "Missed scheduled time to start a job: Fri, 20 Nov 2026 10:00:00 UTC",
        ),
        (
            "FailedNeedsStart",
            "Cannot determine if job needs to be started: too many missed start time (> 100). Set or decrease .spec.startingDeadlineSeconds or check clock skew",
        ),
        (
            "TooManyMissedTimes",
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
        ),
        (
            "JobAlreadyActive",
            "Not starting job because prior execution is running and concurrency policy is Forbid",
        ),
    ] {
        workload(
            reason,
            words,
            WorkloadFact::MissedSchedule {
                detail: words.to_owned(),
            },
        );
    }
    for (reason, words) in [
        (
            "UnparseableSchedule",
            "unparseable schedule: \"* * *\" : expected exactly 5 fields",
        ),
        (
            "UnknownTimeZone",
            "invalid timeZone: \"Mars\": unknown time zone Mars",
        ),
    ] {
        workload(
            reason,
            words,
            WorkloadFact::InvalidSchedule {
                detail: words.to_owned(),
            },
        );
    }
    let scaled = |to| WorkloadFact::Scaled {
        to,
        replica_set: Some("web-7d9f".to_owned()),
    };
    workload(
        "ScalingReplicaSet",
        "Scaled up replica set web-7d9f to 3",
        scaled(3),
    );
    workload(
        "ScalingReplicaSet",
        "Scaled up replica set web-7d9f to 3 from 1",
        scaled(3),
    );
    workload(
        "ScalingReplicaSet",
        "Scaled down replica set web-7d9f from 3 to 0",
        scaled(0),
    );
}

#[test]
fn autoscalers() {
    let missing = |container: Option<&str>| WorkloadFact::MissingRequest {
        resource: "cpu".to_owned(),
        container: container.map(str::to_owned),
    };
    workload(
        "FailedGetResourceMetric",
        "missing request for cpu",
        missing(None),
    );
    workload(
        "FailedGetResourceMetric",
        "failed to get cpu utilization: missing request for cpu in container web of Pod web-1",
        missing(Some("web")),
    );
    workload(
        "FailedComputeMetricsReplicas",
        "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: failed to get cpu utilization: missing request for cpu in container web of Pod web-1",
        missing(Some("web")),
    );
    workload(
        "FailedGetResourceMetric",
        "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)",
        WorkloadFact::NoMetrics {
            metric: Some("cpu".to_owned()),
            detail: "unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)".to_owned(),
        },
    );
    workload(
        "FailedGetResourceMetric",
        "unable to get metrics for resource memory: no metrics returned from resource metrics API",
        WorkloadFact::NoMetrics {
            metric: Some("memory".to_owned()),
            detail:
                "unable to get metrics for resource memory: no metrics returned from resource metrics API"
                    .to_owned(),
        },
    );
    workload(
        "FailedGetExternalMetric",
        "unable to get external metric shop/queue/nil: no metrics returned from external metrics API",
        WorkloadFact::NoMetrics {
            metric: Some("shop/queue/nil".to_owned()),
            detail:
                "unable to get external metric shop/queue/nil: no metrics returned from external metrics API"
                    .to_owned(),
        },
    );
    let words =
        "the HPA controller was unable to get the target's current scale: deployments.apps \"web\" not found";
    workload(
        "FailedGetScale",
        words,
        WorkloadFact::ScaleTarget {
            detail: words.to_owned(),
        },
    );
    let words = "pods by selector app=web are controlled by multiple HPAs: [shop/a shop/b]";
    workload(
        "AmbiguousSelector",
        words,
        WorkloadFact::AmbiguousSelector {
            detail: words.to_owned(),
        },
    );
    workload(
        "TooManyReplicas",
        "the desired replica count is more than the maximum replica count",
        WorkloadFact::AtMaximum,
    );
    let words = "pod didn't trigger scale-up (it wouldn't fit if a new node is added): 1 node(s) had volume node affinity conflict, 2 Insufficient cpu";
    workload(
        "NotTriggerScaleUp",
        words,
        WorkloadFact::NoScaleUp {
            detail: words.to_owned(),
        },
    );
    let words = "pod triggered scale-up: [{pool-a 1->2 (max: 10)}]";
    workload(
        "TriggeredScaleUp",
        words,
        WorkloadFact::ScaleUp {
            detail: words.to_owned(),
        },
    );
}

#[test]
fn budgets_and_namespaces() {
    for (text, budget) in [
        (
            "Cannot evict pod as it would violate the pod's disruption budget.",
            None,
        ),
        (
            "Cannot evict pod as it would violate the pod's disruption budget. The disruption budget web needs 3 healthy pods and has 3 currently",
            Some("web"),
        ),
    ] {
        says(
            "",
            text,
            &[Fact::Workload(WorkloadFact::BudgetBlocks {
                budget: budget.map(str::to_owned),
            })],
        );
    }
    let words = "Failed to calculate the number of expected pods: found no controllers for pod \"web-1\"";
    workload(
        "CalculateExpectedPodCountFailed",
        words,
        WorkloadFact::BudgetUnknown {
            detail: words.to_owned(),
        },
    );
    for (reason, words) in [
        (
            "SomeResourcesRemain",
            "Some resources are remaining: widgets.example has 1 resource instances",
        ),
        (
            "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: keep.example in 1 resource instances",
        ),
        (
            "DiscoveryFailed",
            "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: stale GroupVersion discovery: metrics.k8s.io/v1beta1",
        ),
    ] {
        workload(
            reason,
            words,
            WorkloadFact::NamespaceContent {
                detail: words.to_owned(),
            },
        );
    }
}

#[test]
fn synchronization_errors() {
    let back_off = |seconds| Fact::RestartBackOff {
        wait_seconds: Some(seconds),
    };
    says(
        "",
        r#"failed to \"StartContainer\" for \"web\" with CrashLoopBackOff: \"back-off 5m0s restarting failed container=web pod=web-1_shop(9f)\""#,
        &[back_off(300)],
    );
    let pull = Fact::Pull(PullFact::Failed {
        image: Some("r.example/a:1".to_owned()),
        registry: Some("r.example".to_owned()),
        failure: PullFailure::NotFound,
    });
    says(
        "FailedSync",
        r#"Error syncing pod, skipping: [failed to "StartContainer" for "web" with ErrImagePull: "failed to pull and unpack image \"r.example/a:1\": failed to resolve reference \"r.example/a:1\": r.example/a:1: not found", failed to "StartContainer" for "side" with CrashLoopBackOff: "back-off 10s restarting failed container=side pod=web-1_shop(9f)"], skipping"#,
        &[pull, back_off(10)],
    );
    says(
        "FailedKillPod",
        r#"error killing pod: failed to "KillContainer" for "web" with KillContainerError: "rpc error: code = DeadlineExceeded desc = context deadline exceeded""#,
        &[Fact::Killing {
            container: Some("web".to_owned()),
            reason: KillReason::Unkillable {
                detail: "context deadline exceeded".to_owned(),
            },
        }],
    );
}

#[test]
fn resource_claims() {
    let words = "PodResourceClaim g: resource claim template \"one-gpu\": resourceclaimtemplate.resource.k8s.io \"one-gpu\" not found";
    workload(
        "FailedResourceClaimCreation",
        words,
        WorkloadFact::ResourceClaimNotMade {
            detail: words.to_owned(),
        },
    );
}

#[test]
fn harmless() {
    for reason in [
        "Scheduled",
        "Created",
        "Started",
        "SuccessfulCreate",
        "Completed",
        "LeaderElection",
        "NodeReady",
        "Pulled",
        "KubeletReady",
    ] {
        assert!(crate::message::is_known_harmless(reason), "{reason}");
    }
    for reason in [
        "",
        "Failed",
        "BackOff",
        "FailedScheduling",
        "Unhealthy",
        "FailedMount",
        "SomethingNew",
    ] {
        assert!(!crate::message::is_known_harmless(reason), "{reason}");
    }
    // Reasons and texts of healthy clusters.
    for (reason, text) in [
        ("Scheduled", "Successfully assigned shop/web-1 to node-7"),
        ("Created", "Created container: web"),
        ("Created", "Container created"),
        ("Started", "Started container web"),
        ("Started", "Container started"),
        ("SuccessfulCreate", "Created pod: web-7d9f-abcde"),
        ("LeaderElection", "kube-scheduler-1 became leader"),
        (
            "RegisteredNode",
            "Node node-7 event: Registered Node node-7 in Controller",
        ),
        (
            "NodeHasSufficientMemory",
            "Node node-7 status is now: NodeHasSufficientMemory",
        ),
        ("", "Created pod: web-7d9f-abcde"),
        ("", "Started container web"),
        ("", "Created container web"),
        ("", "Successfully assigned shop/web-1 to node-7"),
        ("", "containers with unready status: [web]"),
        ("", "Deployment has minimum availability."),
        ("", "ReplicaSet \"web-7d9f\" has successfully progressed."),
        ("", "kubelet is posting ready status"),
        ("", "kubelet has sufficient memory available"),
        ("", "kubelet has no disk pressure"),
        ("", "listening on :8080"),
        ("", "connection refused"),
        ("", "2026-11-20T10:00:00Z ERROR cannot find configmap for user"),
    ] {
        says(reason, text, &[]);
    }
}
