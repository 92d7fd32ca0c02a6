use super::says;
use crate::fact::{Fact, NodeReason, PreFilter, Preemption, Unschedulable, WorkloadFact};

fn taint(key: &str, value: &str) -> NodeReason {
    NodeReason::Taint {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

fn insufficient(resource: &str) -> NodeReason {
    NodeReason::Insufficient(resource.to_owned())
}

/// Rejections per node, with every count.
#[track_caller]
fn rejects(total: Option<u32>, text: &str, reasons: &[(u32, NodeReason)]) {
    let expect = Unschedulable {
        nodes_total: total,
        reasons: reasons.to_vec(),
        ..Unschedulable::default()
    };
    says("FailedScheduling", text, &[Fact::Unschedulable(expect.clone())]);
    says("", text, &[Fact::Unschedulable(expect.clone())]);
    says("Unschedulable", text, &[Fact::Unschedulable(expect)]);
}

/// One reason on one of one node, between a heading and a dot.
#[track_caller]
fn reason(words: &str, reason: NodeReason) {
    rejects(
        Some(1),
        &format!("0/1 nodes are available: 1 {words}."),
        &[(1, reason.clone())],
    );
    // Before another reason, and behind one: commas in the words do not split it.
    rejects(
        Some(3),
        &format!("0/3 nodes are available: 1 Insufficient cpu, 2 {words}."),
        &[(1, insufficient("cpu")), (2, reason)],
    );
}

#[track_caller]
fn stops(text: &str, stop: PreFilter) {
    let found = |total| {
        Fact::Unschedulable(Unschedulable {
            nodes_total: total,
            pre_filter: vec![stop.clone()],
            ..Unschedulable::default()
        })
    };
    // 1.23 on, 1.20 to 1.22 (counted per node), 1.11 to 1.19 (alone).
    says(
        "FailedScheduling",
        &format!("0/4 nodes are available: {text}."),
        &[found(Some(4))],
    );
    says(
        "FailedScheduling",
        &format!("0/4 nodes are available: 4 {text}."),
        &[found(Some(4))],
    );
    says("FailedScheduling", text, &[found(None)]);
}

#[test]
fn every_reason_in_every_wording() {
    use NodeReason as R;
    let rows: &[(&str, NodeReason)] = &[
        ("Insufficient memory", insufficient("memory")),
        (
            "Insufficient ephemeral-storage",
            insufficient("ephemeral-storage"),
        ),
        ("Insufficient nvidia.com/gpu", insufficient("nvidia.com/gpu")),
        ("Insufficient hugepages-2Mi", insufficient("hugepages-2Mi")),
        ("Too many pods", R::TooManyPods),
        ("Insufficient pods", R::TooManyPods),
        ("node(s) were unschedulable", R::Unschedulable),
        ("node(s) had unknown conditions", R::UnknownConditions),
        // 1.10 to 1.12: conditions were predicates of their own.
        (
            "node(s) were not ready",
            taint("node.kubernetes.io/not-ready", ""),
        ),
        (
            "node(s) had memory pressure",
            taint("node.kubernetes.io/memory-pressure", ""),
        ),
        (
            "node(s) had disk pressure",
            taint("node.kubernetes.io/disk-pressure", ""),
        ),
        (
            "node(s) had pid pressure",
            taint("node.kubernetes.io/pid-pressure", ""),
        ),
        (
            "node(s) had unavailable network",
            taint("node.kubernetes.io/network-unavailable", ""),
        ),
        // ..1.19, 1.20..1.23, 1.24..1.35, 1.36
        ("node(s) had taints that the pod didn't tolerate", taint("", "")),
        (
            "node(s) had taint {dedicated: gpu}, that the pod didn't tolerate",
            taint("dedicated", "gpu"),
        ),
        (
            "node(s) had untolerated taint {dedicated: gpu}",
            taint("dedicated", "gpu"),
        ),
        (
            "node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }",
            taint("node-role.kubernetes.io/control-plane", ""),
        ),
        ("node(s) had untolerated taint(s)", taint("", "")),
        // ..1.19, 1.20, 1.21..
        ("node(s) didn't match node selector", R::NodeAffinity),
        ("node(s) didn't match Pod's node affinity", R::NodeAffinity),
        (
            "node(s) didn't match Pod's node affinity/selector",
            R::NodeAffinity,
        ),
        ("node(s) didn't satisfy plugin(s) [NodeAffinity]", R::NodeAffinity),
        (
            "node(s) didn't match scheduler-enforced node affinity",
            R::EnforcedNodeAffinity,
        ),
        ("node(s) didn't match pod affinity rules", R::PodAffinity),
        ("node(s) didn't match pod anti-affinity rules", R::PodAntiAffinity),
        (
            "node(s) didn't satisfy existing pods anti-affinity rules",
            R::ExistingAntiAffinity,
        ),
        (
            "node(s) didn't match pod affinity/anti-affinity",
            R::PodAffinityOrAnti,
        ),
        (
            "node(s) didn't match pod affinity/anti-affinity rules",
            R::PodAffinityOrAnti,
        ),
        (
            "node(s) didn't match pod topology spread constraints",
            R::TopologySpread { missing_label: false },
        ),
        (
            "node(s) didn't match pod topology spread constraints (missing required label)",
            R::TopologySpread { missing_label: true },
        ),
        (
            "node(s) didn't have free ports for the requested pod ports",
            R::HostPorts,
        ),
        ("node(s) didn't match the requested hostname", R::NodeName),
        ("node(s) didn't match the requested node name", R::NodeName),
        ("node(s) had volume node affinity conflict", R::VolumeNodeAffinity),
        (
            "node(s) didn't match PersistentVolume's node affinity",
            R::VolumeNodeAffinity,
        ),
        ("node(s) had no available volume zone", R::VolumeZone),
        ("node(s) exceed max volume count", R::VolumeLimit),
        ("node(s) had no available disk", R::DiskConflict),
        (
            "node(s) didn't find available persistent volumes to bind",
            R::NoVolumeToBind,
        ),
        ("node(s) did not have enough free storage", R::NoStorageCapacity),
        (
            "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
            R::VolumeGone,
        ),
        (
            "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
            R::ReadWriteOncePod,
        ),
        (
            "cannot allocate all claims",
            R::ResourceClaim("cannot allocate all claims".to_owned()),
        ),
        (
            "resourceclaim not available on the node",
            R::ResourceClaim("resourceclaim not available on the node".to_owned()),
        ),
        (
            "node(s) did something of the year 2031",
            R::Other("node(s) did something of the year 2031".to_owned()),
        ),
    ];
    for (words, expect) in rows {
        reason(words, expect.clone());
    }
}

#[test]
fn what_stops_the_search() {
    let rows: &[(&str, PreFilter)] = &[
        (
            "pod has unbound immediate PersistentVolumeClaims",
            PreFilter::UnboundClaims,
        ),
        (
            "pod has unbound immediate PersistentVolumeClaims (repeated 3 times)",
            PreFilter::UnboundClaims,
        ),
        (
            "persistentvolumeclaim \"data\" not found",
            PreFilter::ClaimNotFound("data".to_owned()),
        ),
        (
            "persistentvolumeclaim \"data\" is being deleted",
            PreFilter::ClaimDeleting("data".to_owned()),
        ),
        (
            "persistentvolumeclaim \"data\" bound to non-existent persistentvolume \"pv-7\"",
            PreFilter::ClaimVolumeGone {
                claim: "data".to_owned(),
                volume: "pv-7".to_owned(),
            },
        ),
        (
            "waiting for ephemeral volume controller to create the persistentvolumeclaim \"web-0-scratch\"",
            PreFilter::EphemeralClaim("web-0-scratch".to_owned()),
        ),
        ("pod affinity terms conflict", PreFilter::AffinityConflict),
        (
            "waiting for scheduling gates: [a.example/x b]",
            PreFilter::Gates(vec!["a.example/x".to_owned(), "b".to_owned()]),
        ),
        (
            "waiting for the preemption for this pod to be finished",
            PreFilter::WaitingForPreemption,
        ),
        (
            "resourceclaim \"gpu\" not found",
            PreFilter::ResourceClaim("resourceclaim \"gpu\" not found".to_owned()),
        ),
    ];
    for (text, stop) in rows {
        stops(text, stop.clone());
    }
    says(
        "SchedulingGated",
        "Scheduling is blocked due to non-empty scheduling gates",
        &[Fact::Unschedulable(Unschedulable {
            pre_filter: vec![PreFilter::Gates(vec![])],
            ..Unschedulable::default()
        })],
    );
    says(
        "FailedScheduling",
        "running PreFilter plugin \"VolumeBinding\": error getting PVC \"shop/data\": could not find v1.PersistentVolumeClaim \"shop/data\"",
        &[Fact::Unschedulable(Unschedulable {
            pre_filter: vec![PreFilter::ClaimNotFound("data".to_owned())],
            ..Unschedulable::default()
        })],
    );
    for text in [
        "running PreBind plugin \"VolumeBinding\": binding volumes: provisioning failed for PVC \"data\"",
        "running \"VolumeBinding\" prebind plugin for pod \"db-0\": Failed to bind volumes: provisioning failed for PVC \"data\"",
    ] {
        says(
            "FailedScheduling",
            text,
            &[Fact::Unschedulable(Unschedulable {
                pre_filter: vec![PreFilter::VolumeBinding {
                    claim: Some("data".to_owned()),
                    detail: text.to_owned(),
                }],
                ..Unschedulable::default()
            })],
        );
    }
}

#[test]
fn whole_messages_of_each_era() {
    let cpu = |count| (count, insufficient("cpu"));
    rejects(
        Some(5),
        "0/5 nodes are available: 2 node(s) were unschedulable, 3 Insufficient cpu.",
        &[(2, NodeReason::Unschedulable), cpu(3)],
    );
    // 1.5, 1.7, 1.9: predicate names, no total.
    rejects(
        None,
        "pod (web-1) failed to fit in any node\nfit failure summary on nodes : Insufficient pods (2), PodToleratesNodeTaints (1)",
        &[(2, NodeReason::TooManyPods), (1, taint("", ""))],
    );
    rejects(
        None,
        "No nodes are available that match all of the following predicates:: PodFitsHostPorts (1), PodToleratesNodeTaints (1).",
        &[(1, NodeReason::HostPorts), (1, taint("", ""))],
    );
    rejects(
        None,
        "No nodes are available that match all of the predicates: Insufficient cpu (2), MatchNodeSelector (3), NodeNotReady (1).",
        &[
            cpu(2),
            (3, NodeReason::NodeAffinity),
            (1, taint("node.kubernetes.io/not-ready", "")),
        ],
    );
    let none = Unschedulable {
        nodes_total: Some(0),
        ..Unschedulable::default()
    };
    says(
        "FailedScheduling",
        "no nodes available to schedule pods",
        &[Fact::Unschedulable(none)],
    );
}

#[test]
fn preemption() {
    let row = |text: &str, preemption: Vec<Preemption>| {
        let expect = Unschedulable {
            nodes_total: Some(5),
            reasons: vec![(5, insufficient("cpu"))],
            preemption,
            ..Unschedulable::default()
        };
        says(
            "FailedScheduling",
            &format!("0/5 nodes are available: 5 Insufficient cpu. {text}"),
            &[Fact::Unschedulable(expect)],
        );
    };
    row(
        "preemption: 0/5 nodes are available: 5 No preemption victims found for incoming pod.",
        vec![Preemption::NoVictims(5)],
    );
    row(
        "preemption: 0/5 nodes are available: 2 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.",
        vec![Preemption::NoVictims(2), Preemption::NotHelpful(3)],
    );
    row(
        "preemption: not eligible due to preemptionPolicy=Never.",
        vec![Preemption::PolicyNever],
    );
    row(
        "preemption: not eligible due to a terminating pod on the nominated node.",
        vec![Preemption::VictimsTerminating],
    );
    row(
        "no new claims to deallocate, preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.",
        vec![Preemption::NotHelpful(5)],
    );
    row(
        "preemption: 0/5 nodes are available: 1 Insufficient memory, 4 Preemption is not helpful for scheduling.",
        vec![
            Preemption::StillNoFit(1, insufficient("memory")),
            Preemption::NotHelpful(4),
        ],
    );
    // Cut within the part: what is whole stays.
    row(
        "preemption: 0/5 nodes are available: 2 No preemption victims found for incoming pod, 3 Preempt",
        vec![Preemption::NoVictims(2)],
    );
    row("preemption: 0/5 nodes are avail", vec![]);
}

#[test]
fn new_schedulers_stray_words() {
    says(
        "FailedScheduling",
        "0/1 nodes are available: persistentvolumeclaim \"nope\" not found. not found",
        &[Fact::Unschedulable(Unschedulable {
            nodes_total: Some(1),
            pre_filter: vec![PreFilter::ClaimNotFound("nope".to_owned())],
            ..Unschedulable::default()
        })],
    );
    says(
        "FailedScheduling",
        "0/3 nodes are available: 3 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
        &[Fact::Unschedulable(Unschedulable {
            nodes_total: Some(3),
            reasons: vec![(3, taint("", ""))],
            preemption: vec![Preemption::NotHelpful(3)],
            ..Unschedulable::default()
        })],
    );
}

#[test]
fn damage() {
    let cpu = (3, insufficient("cpu"));
    let cordoned = (2, NodeReason::Unschedulable);
    let both = &[cordoned.clone(), cpu.clone()];
    for text in [
        "(combined from similar events): 0/5 nodes are available: 2 node(s) were unschedulable, 3 Insufficient cpu.",
        "0/5 nodes are available: 2 node(s)\n                         were unschedulable, 3   Insufficient cpu.",
        "  0/5 nodes are available:\n2 node(s) were unschedulable,\n3 Insufficient cpu.\n",
        "0/5 nodes are available: 2 node(s) were unschedulable, 3 Insufficient cpu",
        "Error: 0/5 nodes are available: 2 node(s) were unschedulable, 3 Insufficient cpu.",
    ] {
        rejects(Some(5), text, both);
    }
    // Cut at the end: nothing is said about what is not whole.
    for text in [
        "0/5 nodes are available: 2 node(s) were unschedulable, 3 Insuff",
        "0/5 nodes are available: 2 node(s) were unschedulable, 3 Insufficient nvidia.com/g",
        "0/5 nodes are available: 2 node(s) were unschedulable, 3 node(s) had untolerated taint {dedi",
        "0/5 nodes are available: 2 node(s) were unschedulable, 3 node(s) didn't match pod topology spread constraints (miss",
        "0/5 nodes are available: 2 node(s) were unschedulable, 3 Insufficient...",
        "0/5 nodes are available: 2 node(s) were unschedulable, 3",
        "0/5 nodes are available: 2 node(s) were unschedulable, ",
    ] {
        rejects(Some(5), text, std::slice::from_ref(&cordoned));
    }
    for text in [
        "0/5 nodes are avail",
        "0/5 nodes are available:",
        "0/5 nodes are available: 3 Insuf",
        "",
    ] {
        says("FailedScheduling", text, &[]);
        says("", text, &[]);
    }
}

#[test]
fn passing_and_others() {
    says("FailedScheduling", "skip schedule deleting pod: shop/web-1", &[]);
    says("Scheduled", "Successfully assigned shop/web-1 to node-1", &[]);
    let karpenter = "Failed to schedule pod, incompatible with nodepool \"default\", no instance type satisfied resources {\"cpu\":\"64\"}";
    says(
        "FailedScheduling",
        karpenter,
        &[Fact::Workload(WorkloadFact::NoScaleUp {
            detail: karpenter.to_owned(),
        })],
    );
    let unknown = "Binding rejected: the webhook of the day";
    says(
        "FailedScheduling",
        unknown,
        &[Fact::Unschedulable(Unschedulable {
            pre_filter: vec![PreFilter::Other(unknown.to_owned())],
            ..Unschedulable::default()
        })],
    );
}
