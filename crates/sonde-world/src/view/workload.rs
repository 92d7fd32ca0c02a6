//! Workloads and what scales or guards them.

use super::{Condition, IntOrString, LabelSelector, ObjectMeta, PodTemplate, ResourceList, Time};

view! {
    Deployment { metadata: ObjectMeta, spec: DeploymentSpec, status: WorkloadStatus }
    DeploymentSpec {
        replicas: Option<i64>,
        selector: LabelSelector,
        template: PodTemplate,
        strategy: Strategy,
        paused: bool,
        progress_deadline_seconds: Option<i64>,
        min_ready_seconds: i64,
    }
    Strategy { #[serde(rename = "type")] kind: String, rolling_update: Option<RollingUpdate> }
    RollingUpdate { max_unavailable: Option<IntOrString>, max_surge: Option<IntOrString>, partition: i64 }
    WorkloadStatus {
        observed_generation: i64,
        replicas: i64,
        ready_replicas: i64,
        available_replicas: i64,
        unavailable_replicas: i64,
        updated_replicas: i64,
        current_replicas: i64,
        fully_labeled_replicas: i64,
        current_revision: String,
        update_revision: String,
        desired_number_scheduled: i64,
        current_number_scheduled: i64,
        number_available: i64,
        number_unavailable: i64,
        number_misscheduled: i64,
        number_ready: i64,
        updated_number_scheduled: i64,
        conditions: Vec<Condition>,
    }
    ReplicaSet { metadata: ObjectMeta, spec: ReplicaSetSpec, status: WorkloadStatus }
    ReplicaSetSpec { replicas: Option<i64>, selector: LabelSelector, template: PodTemplate }
    StatefulSet { metadata: ObjectMeta, spec: StatefulSetSpec, status: WorkloadStatus }
    StatefulSetSpec {
        replicas: Option<i64>,
        selector: LabelSelector,
        template: PodTemplate,
        service_name: String,
        pod_management_policy: String,
        update_strategy: Strategy,
        volume_claim_templates: Vec<super::ClaimTemplate>,
        ordinals: Option<Ordinals>,
    }
    Ordinals { start: i64 }
    DaemonSet { metadata: ObjectMeta, spec: DaemonSetSpec, status: WorkloadStatus }
    DaemonSetSpec { selector: LabelSelector, template: PodTemplate, update_strategy: Strategy }
    Job { metadata: ObjectMeta, spec: JobSpec, status: JobStatus }
    JobSpec {
        parallelism: Option<i64>,
        completions: Option<i64>,
        backoff_limit: Option<i64>,
        active_deadline_seconds: Option<i64>,
        suspend: bool,
        selector: LabelSelector,
        template: PodTemplate,
    }
    JobStatus {
        active: i64,
        succeeded: i64,
        failed: i64,
        start_time: Time,
        completion_time: Time,
        conditions: Vec<Condition>,
    }
    CronJob { metadata: ObjectMeta, spec: CronJobSpec, status: CronJobStatus }
    CronJobSpec {
        schedule: String,
        time_zone: Option<String>,
        suspend: bool,
        concurrency_policy: String,
        starting_deadline_seconds: Option<i64>,
    }
    CronJobStatus { last_schedule_time: Time, last_successful_time: Time, active: Vec<super::TargetRef> }
    HorizontalPodAutoscaler { metadata: ObjectMeta, spec: AutoscalerSpec, status: AutoscalerStatus }
    AutoscalerSpec {
        min_replicas: Option<i64>,
        max_replicas: i64,
        scale_target_ref: super::TargetRef,
        metrics: Vec<MetricSpec>,
    }
    MetricSpec {
        #[serde(rename = "type")] kind: String,
        resource: Option<ResourceMetric>,
        container_resource: Option<ResourceMetric>,
    }
    ResourceMetric { name: String, container: String, target: MetricTarget }
    MetricTarget { #[serde(rename = "type")] kind: String, average_utilization: Option<i64> }
    AutoscalerStatus {
        current_replicas: i64,
        desired_replicas: i64,
        last_scale_time: Time,
        /// Empty where there are none; missing where the source does not tell.
        current_metrics: Option<Vec<MetricStatus>>,
        conditions: Vec<Condition>,
    }
    MetricStatus {
        #[serde(rename = "type")] kind: String,
        resource: Option<ResourceMetricStatus>,
        container_resource: Option<ResourceMetricStatus>,
    }
    ResourceMetricStatus { name: String, container: String, current: MetricValue }
    MetricValue { average_utilization: Option<i64> }
    PodDisruptionBudget { metadata: ObjectMeta, spec: BudgetSpec, status: BudgetStatus }
    BudgetSpec {
        min_available: Option<IntOrString>,
        max_unavailable: Option<IntOrString>,
        selector: Option<LabelSelector>,
        unhealthy_pod_eviction_policy: String,
    }
    BudgetStatus {
        disruptions_allowed: i64,
        current_healthy: i64,
        desired_healthy: i64,
        expected_pods: i64,
        conditions: Vec<Condition>,
    }
    ResourceQuota { metadata: ObjectMeta, spec: QuotaSpec, status: QuotaStatus }
    QuotaSpec { hard: ResourceList, scopes: Vec<String> }
    QuotaStatus { hard: ResourceList, used: ResourceList }
    LimitRange { metadata: ObjectMeta, spec: LimitRangeSpec }
    LimitRangeSpec { limits: Vec<LimitRangeItem> }
    LimitRangeItem {
        #[serde(rename = "type")] kind: String,
        min: ResourceList,
        max: ResourceList,
        default: ResourceList,
        default_request: ResourceList,
        max_limit_request_ratio: ResourceList,
    }
}

impl HorizontalPodAutoscaler {
    /// What is used of each resource that it goes by, and its target, in percent of the request; `None` where it goes by
    /// something else as well, or a value is not known.
    pub fn utilizations(&self) -> Option<Vec<(String, i64, i64)>> {
        let of_spec = |it: &MetricSpec| {
            let metric = it.resource.as_ref().or(it.container_resource.as_ref())?;
            let target = metric.target.average_utilization?;
            Some((metric.name.clone(), metric.container.clone(), target))
        };
        let now = |name: &str, container: &str| {
            let metrics = self.status.current_metrics.iter().flatten();
            metrics
                .filter_map(|it| it.resource.as_ref().or(it.container_resource.as_ref()))
                .find(|it| it.name == name && it.container == container)
                .and_then(|it| it.current.average_utilization)
        };
        self.spec
            .metrics
            .iter()
            .map(|it| {
                let (name, container, target) = of_spec(it)?;
                let used = now(&name, &container)?;
                Some((name, used, target))
            })
            .collect()
    }

    /// All that it goes by is known, and nothing of it is above its target.
    pub fn is_content(&self) -> bool {
        self.utilizations()
            .is_some_and(|used| !used.is_empty() && used.iter().all(|(_, used, target)| used <= target))
    }

    /// Its conditions; `autoscaling/v1` keeps them as JSON in an annotation.
    pub fn conditions(&self) -> Vec<Condition> {
        const ANNOTATION: &str = "autoscaling.alpha.kubernetes.io/conditions";
        if !self.status.conditions.is_empty() {
            return self.status.conditions.clone();
        }
        let kept = self.metadata.annotations.get(ANNOTATION);
        kept.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }
}
