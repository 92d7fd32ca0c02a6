//! What controllers say about workloads.

/// A controller's word about a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkloadFact {
    /// A rollout did not progress in time.
    ProgressDeadline,
    /// A Job reached its back-off limit.
    BackoffLimit,
    /// A Job reached its deadline.
    JobDeadline,
    /// A Job's pod failure policy ended it.
    PodFailurePolicy {
        /// The words: container, exit code, rule.
        detail: String,
    },
    /// An indexed Job has failed indexes.
    FailedIndexes {
        /// The words.
        detail: String,
    },
    /// A CronJob missed runs.
    MissedSchedule {
        /// The words.
        detail: String,
    },
    /// A CronJob's schedule or time zone is invalid.
    InvalidSchedule {
        /// The words.
        detail: String,
    },
    /// An autoscaler got no metrics.
    NoMetrics {
        /// The resource or metric, where the text names it.
        metric: Option<String>,
        /// The words.
        detail: String,
    },
    /// An autoscaler wants more replicas than its maximum.
    AtMaximum,
    /// An autoscaler's pods have no request, so no utilization.
    MissingRequest {
        /// The resource.
        resource: String,
        /// The container or pod, where the text names it.
        container: Option<String>,
    },
    /// An autoscaler's target cannot be read or scaled.
    ScaleTarget {
        /// The words.
        detail: String,
    },
    /// A selector matches pods of several workloads, or none.
    AmbiguousSelector {
        /// The words.
        detail: String,
    },
    /// The eviction API refused because of a budget.
    BudgetBlocks {
        /// The budget, where the text names it.
        budget: Option<String>,
    },
    /// A budget could not be computed.
    BudgetUnknown {
        /// The words.
        detail: String,
    },
    /// The namespace's content cannot be deleted.
    NamespaceContent {
        /// The words.
        detail: String,
    },
    /// A pod's ResourceClaim cannot be made from its template.
    ResourceClaimNotMade {
        /// The words.
        detail: String,
    },
    /// A workload was scaled.
    Scaled {
        /// To how many.
        to: u32,
        /// The replica set, where the text names it.
        replica_set: Option<String>,
    },
    /// The cluster autoscaler will not add a node.
    NoScaleUp {
        /// The words.
        detail: String,
    },
    /// The cluster autoscaler adds a node.
    ScaleUp {
        /// The words.
        detail: String,
    },
}
