//! Controllers, autoscalers and budgets.

use super::admission;
use super::words::{after, any, between, detail, name_after, name_after_any, number};
use crate::fact::{Fact, WorkloadFact};

/// An autoscaler's words, and the reasons under which it says them.
pub(super) const SCALE_UP: &[(&str, &str)] = &[
    ("didn't trigger scale-up", "NotTriggerScaleUp"),
    ("pod triggered scale-up", "TriggeredScaleUp"),
    ("Pod should schedule on: ", "Nominated"),
    ("Failed to schedule pod, ", "NotTriggerScaleUp"),
];

/// Controllers' words, and the reasons under which they say them.
pub(super) const CONTROLLERS: &[(&str, &str)] = &[
    ("has timed out progressing", "ProgressDeadlineExceeded"),
    (
        "Job has reached the specified backoff limit",
        "BackoffLimitExceeded",
    ),
    ("longer than specified deadline", "DeadlineExceeded"),
    ("longer than the specified deadline", "DeadlineExceeded"),
    (" matching FailJob rule ", "PodFailurePolicy"),
    ("Job has failed indexes", "FailedIndexes"),
    ("Missed scheduled time to start a job", "MissSchedule"),
    ("too many missed start time", "TooManyMissedTimes"),
    (
        "prior execution is running and concurrency policy is Forbid",
        "JobAlreadyActive",
    ),
    ("unparseable schedule", "InvalidSchedule"),
    ("invalid timeZone: ", "UnknownTimeZone"),
    ("missing request for ", "FailedComputeMetricsReplicas"),
    (
        "unable to get metrics for resource",
        "FailedComputeMetricsReplicas",
    ),
    ("unable to get external metric", "FailedComputeMetricsReplicas"),
    ("unable to get metric ", "FailedComputeMetricsReplicas"),
    ("unable to fetch metrics from", "FailedComputeMetricsReplicas"),
    ("no metrics returned from", "FailedComputeMetricsReplicas"),
    ("did not receive metrics for", "FailedComputeMetricsReplicas"),
    ("unable to get the target's current scale", "FailedGetScale"),
    ("are controlled by multiple HPAs", "AmbiguousSelector"),
    (
        "desired replica count is more than the maximum",
        "TooManyReplicas",
    ),
    (
        "Failed to calculate the number of expected pods",
        "CalculateExpectedPodCountFailed",
    ),
    (
        "matches multiple PodDisruptionBudgets",
        "MultiplePodDisruptionBudgets",
    ),
    (
        "has more than one PodDisruptionBudget",
        "MultiplePodDisruptionBudgets",
    ),
    ("Some resources are remaining", "SomeResourcesRemain"),
    ("has finalizers remaining", "SomeFinalizersRemain"),
    ("Discovery failed for some groups", "DiscoveryFailed"),
    ("PodResourceClaim ", "FailedResourceClaimCreation"),
    ("Scaled up replica set ", "ScalingReplicaSet"),
    ("Scaled down replica set ", "ScalingReplicaSet"),
];

/// The eviction API's.
pub(super) const BUDGET: &[&str] = &[
    "violate the pod's disruption budget",
    "The disruption budget ",
    "Cannot evict pod as",
];

/// Reads a message whose reason tells what it is.
pub(super) fn read(reason: &str, text: &str, out: &mut Vec<Fact>) {
    let words = || detail(text);
    let fact = match reason {
        "ProgressDeadlineExceeded" => WorkloadFact::ProgressDeadline,
        "BackoffLimitExceeded" => WorkloadFact::BackoffLimit,
        // A Job's, and a pod's `activeDeadlineSeconds`.
        "DeadlineExceeded" => WorkloadFact::JobDeadline,
        "PodFailurePolicy" => WorkloadFact::PodFailurePolicy { detail: words() },
        "FailedIndexes" | "MaxFailedIndexesExceeded" => WorkloadFact::FailedIndexes { detail: words() },
        "MissSchedule" | "TooManyMissedTimes" | "FailedNeedsStart" | "JobAlreadyActive" => {
            WorkloadFact::MissedSchedule { detail: words() }
        }
        "InvalidSchedule" | "UnparseableSchedule" | "UnParseableCronJobSchedule" | "UnknownTimeZone" => {
            WorkloadFact::InvalidSchedule { detail: words() }
        }
        "FailedGetScale" | "FailedUpdateScale" | "FailedRescale" | "SelectorRequired" | "InvalidSelector" => {
            WorkloadFact::ScaleTarget { detail: words() }
        }
        "AmbiguousSelector" | "SelectingAll" => WorkloadFact::AmbiguousSelector { detail: words() },
        "TooManyReplicas" => WorkloadFact::AtMaximum,
        "CalculateExpectedPodCountFailed"
        | "UnmanagedPods"
        | "NoControllers"
        | "MultiplePodDisruptionBudgets" => WorkloadFact::BudgetUnknown { detail: words() },
        // A budget's condition, and many another kind's.
        "SyncFailed"
            if any(
                text,
                &[
                    "controllers for pod",
                    "scale subresource",
                    "expected pods",
                    "no matches for kind",
                ],
            ) =>
        {
            WorkloadFact::BudgetUnknown { detail: words() }
        }
        "SomeResourcesRemain"
        | "SomeFinalizersRemain"
        | "DiscoveryFailed"
        | "ContentDeletionFailed"
        | "GroupVersionParsingFailed" => WorkloadFact::NamespaceContent { detail: words() },
        "NotTriggerScaleUp"
        | "FailedScaleUp"
        | "ScaleUpTimedOut"
        | "NoCompatibleInstanceTypes"
        | "InsufficientCapacityError" => WorkloadFact::NoScaleUp { detail: words() },
        "TriggeredScaleUp" | "Nominated" => WorkloadFact::ScaleUp { detail: words() },
        "FailedResourceClaimCreation" => WorkloadFact::ResourceClaimNotMade { detail: words() },
        "ScalingReplicaSet" => match scaled(text) {
            Some(fact) => fact,
            None => return,
        },
        _ if reason.starts_with("FailedGet") && reason.ends_with("Metric")
            || reason == "FailedComputeMetricsReplicas" =>
        {
            metrics(text)
        }
        "ReplicaSetCreateError" => return admission::read(text, out),
        _ => return,
    };
    out.push(Fact::Workload(fact));
}

/// `Scaled up replica set R to 3` (..1.24), `... to 3 from 1` (1.25..), `... from 1 to 3`.
fn scaled(text: &str) -> Option<WorkloadFact> {
    let rest = after(text, "replica set ")?;
    let replica_set = name_after(text, "replica set ").map(str::to_owned);
    let to = u32::try_from(after(rest, " to ").and_then(number)?).ok()?;
    Some(WorkloadFact::Scaled { to, replica_set })
}

fn metrics(text: &str) -> WorkloadFact {
    if let Some(resource) = name_after(text, "missing request for ") {
        // 1.26 on: `in container C of Pod P`.
        let container = name_after(text, " in container ").map(str::to_owned);
        return WorkloadFact::MissingRequest {
            resource: resource.to_owned(),
            container,
        };
    }
    const MARKERS: &[&str] = &[
        "metrics for resource ",
        "fetch metrics from external metrics API for ",
        "external metric ",
        "object metric ",
        "pods metric ",
        "metric ",
    ];
    let named = name_after_any(text, MARKERS).or_else(|| between(text, "failed to get ", " utilization"));
    let metric = named
        .filter(|metric| !matches!(*metric, "value" | "API" | "source"))
        .map(str::to_owned);
    WorkloadFact::NoMetrics {
        metric,
        detail: innermost(text),
    }
}

/// `invalid metrics (1 invalid out of 1), first error is: failed to get cpu utilization: <the word that counts>`.
fn innermost(text: &str) -> String {
    super::words::innermost(
        text,
        &[
            "first error is: ",
            "failed to get cpu utilization: ",
            "failed to get memory utilization: ",
        ],
    )
}

/// Reads an autoscaler's word in a text of unknown origin; it quotes the scheduler's, so it is asked before.
pub(super) fn scale_up_by_text(text: &str, out: &mut Vec<Fact>) {
    if let Some((_, reason)) = SCALE_UP.iter().find(|(marker, _)| text.contains(marker)) {
        read(reason, text, out);
    }
}

/// Reads a text of unknown origin.
pub(super) fn by_text(text: &str, out: &mut Vec<Fact>) {
    if any(text, BUDGET) {
        let budget = name_after(text, "The disruption budget ").map(str::to_owned);
        out.push(Fact::Workload(WorkloadFact::BudgetBlocks { budget }));
    } else if let Some((_, reason)) = CONTROLLERS.iter().find(|(marker, _)| text.contains(marker)) {
        read(reason, text, out);
    }
}
