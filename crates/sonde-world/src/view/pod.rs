//! Pods.

use super::{
    Condition, Container, ContainerStatus, Labels, LocalReference, NodeSelector, NodeSelectorTerm,
    ObjectMeta, PodAffinityTerm, ResourceList, ResourceRequirements, SecurityProfile, Time, Volume,
};
use crate::view::LabelSelector;

view! {
    Pod { metadata: ObjectMeta, spec: PodSpec, status: PodStatus }
    PodTemplate { metadata: ObjectMeta, spec: PodSpec }
    PodSpec {
        node_name: String,
        scheduler_name: String,
        containers: Vec<Container>,
        init_containers: Vec<Container>,
        ephemeral_containers: Vec<Container>,
        volumes: Vec<Volume>,
        restart_policy: String,
        termination_grace_period_seconds: Option<i64>,
        active_deadline_seconds: Option<i64>,
        dns_policy: String,
        node_selector: Labels,
        service_account_name: String,
        automount_service_account_token: Option<bool>,
        host_network: bool,
        #[serde(rename = "hostPID")] host_pid: bool,
        security_context: Option<PodSecurityContext>,
        image_pull_secrets: Vec<LocalReference>,
        affinity: Option<Affinity>,
        tolerations: Vec<Toleration>,
        topology_spread_constraints: Vec<TopologySpreadConstraint>,
        scheduling_gates: Vec<LocalReference>,
        readiness_gates: Vec<ReadinessGate>,
        priority_class_name: String,
        priority: Option<i64>,
        preemption_policy: String,
        runtime_class_name: String,
        overhead: ResourceList,
        resources: Option<ResourceRequirements>,
        resource_claims: Vec<PodResourceClaim>,
        os: Option<LocalReference>,
    }
    ReadinessGate { condition_type: String }
    PodResourceClaim { name: String, resource_claim_name: String, resource_claim_template_name: String }
    PodResourceClaimStatus { name: String, resource_claim_name: Option<String> }
    PodSecurityContext {
        run_as_user: Option<i64>,
        run_as_group: Option<i64>,
        run_as_non_root: Option<bool>,
        fs_group: Option<i64>,
        seccomp_profile: Option<SecurityProfile>,
        app_armor_profile: Option<SecurityProfile>,
        sysctls: Vec<Sysctl>,
    }
    Sysctl { name: String, value: String }
    Affinity {
        node_affinity: Option<NodeAffinity>,
        pod_affinity: Option<PodAffinity>,
        pod_anti_affinity: Option<PodAffinity>,
    }
    NodeAffinity {
        required_during_scheduling_ignored_during_execution: Option<NodeSelector>,
        preferred_during_scheduling_ignored_during_execution: Vec<PreferredNodeTerm>,
    }
    PreferredNodeTerm { weight: i64, preference: NodeSelectorTerm }
    PodAffinity { required_during_scheduling_ignored_during_execution: Vec<PodAffinityTerm> }
    Toleration { key: String, operator: String, value: String, effect: String, toleration_seconds: Option<i64> }
    TopologySpreadConstraint {
        max_skew: i64,
        min_domains: Option<i64>,
        topology_key: String,
        when_unsatisfiable: String,
        label_selector: Option<LabelSelector>,
        match_label_keys: Vec<String>,
        node_affinity_policy: String,
        node_taints_policy: String,
    }
    PodIp { ip: String }
    PodStatus {
        phase: String,
        conditions: Vec<Condition>,
        reason: String,
        message: String,
        nominated_node_name: String,
        #[serde(rename = "podIP")] pod_ip: String,
        #[serde(rename = "podIPs")] pod_ips: Vec<PodIp>,
        #[serde(rename = "hostIP")] host_ip: String,
        start_time: Time,
        qos_class: String,
        container_statuses: Vec<ContainerStatus>,
        init_container_statuses: Vec<ContainerStatus>,
        ephemeral_container_statuses: Vec<ContainerStatus>,
        resize: String,
        resource_claim_statuses: Vec<PodResourceClaimStatus>,
    }
}

impl Pod {
    /// A condition by its type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.status
            .conditions
            .iter()
            .find(|condition| condition.kind == kind)
    }

    /// A container's spec by name, init containers included, with its field path (`spec.containers[0]`).
    pub fn container(&self, name: &str) -> Option<(&Container, String)> {
        [
            ("initContainers", &self.spec.init_containers),
            ("containers", &self.spec.containers),
        ]
        .into_iter()
        .find_map(|(list, containers)| {
            let at = containers.iter().position(|container| container.name == name)?;
            Some((&containers[at], format!("spec.{list}[{at}]")))
        })
    }

    /// A container's status by name, init containers included, with its field path.
    pub fn container_status(&self, name: &str) -> Option<(&ContainerStatus, String)> {
        [
            ("initContainerStatuses", &self.status.init_container_statuses),
            ("containerStatuses", &self.status.container_statuses),
        ]
        .into_iter()
        .find_map(|(list, statuses)| {
            let at = statuses.iter().position(|status| status.name == name)?;
            Some((&statuses[at], format!("status.{list}[{at}]")))
        })
    }

    /// Init containers, then containers.
    pub fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.spec.init_containers.iter().chain(&self.spec.containers)
    }

    /// Seconds between SIGTERM and SIGKILL; the API's default is 30.
    pub fn grace_seconds(&self) -> i64 {
        self.metadata
            .deletion_grace_period_seconds
            .or(self.spec.termination_grace_period_seconds)
            .unwrap_or(30)
    }
}
