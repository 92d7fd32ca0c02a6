//! Nodes, leases, namespaces and services.

use super::{Amount, Condition, IntOrString, Labels, ObjectMeta, ResourceList, Time};

view! {
    Node { metadata: ObjectMeta, spec: NodeSpec, status: NodeStatus }
    NodeSpec { unschedulable: bool, taints: Vec<Taint>, #[serde(rename = "providerID")] provider_id: String }
    Taint { key: String, value: String, effect: String, time_added: Time }
    NodeStatus {
        capacity: ResourceList,
        allocatable: ResourceList,
        conditions: Vec<Condition>,
        node_info: NodeInfo,
        images: Vec<NodeImage>,
        addresses: Vec<NodeAddress>,
    }
    NodeAddress { #[serde(rename = "type")] kind: String, address: String }
    NodeInfo {
        kubelet_version: String,
        container_runtime_version: String,
        kernel_version: String,
        os_image: String,
        architecture: String,
        #[serde(rename = "bootID")] boot_id: String,
    }
    NodeImage { names: Vec<String>, size_bytes: i64 }
    Lease { metadata: ObjectMeta, spec: LeaseSpec }
    LeaseSpec { holder_identity: String, renew_time: Time, lease_duration_seconds: i64 }
    Namespace { metadata: ObjectMeta, spec: NamespaceSpec, status: NamespaceStatus }
    NamespaceSpec { finalizers: Vec<String> }
    NamespaceStatus { phase: String, conditions: Vec<Condition> }
    Service { metadata: ObjectMeta, spec: ServiceSpec, status: ServiceStatus }
    ServiceSpec {
        #[serde(rename = "type")] kind: String,
        #[serde(rename = "clusterIP")] cluster_ip: String,
        #[serde(rename = "clusterIPs")] cluster_ips: Vec<String>,
        selector: Labels,
        ports: Vec<ServicePort>,
        external_name: String,
        publish_not_ready_addresses: bool,
        load_balancer_class: String,
    }
    ServiceStatus { load_balancer: LoadBalancerStatus }
    LoadBalancerStatus { ingress: Vec<LoadBalancerIngress> }
    LoadBalancerIngress { ip: String, hostname: String }
    ServicePort { name: String, port: i64, target_port: Option<IntOrString>, protocol: String }
    Ingress { metadata: ObjectMeta, spec: IngressSpec, status: ServiceStatus }
    IngressSpec { ingress_class_name: String, default_backend: Option<IngressBackend>, rules: Vec<IngressRule> }
    IngressRule { host: String, http: Option<IngressPaths> }
    IngressPaths { paths: Vec<IngressPath> }
    IngressPath { path: String, backend: IngressBackend }
    IngressBackend { service: Option<IngressService> }
    IngressService { name: String, port: IngressPort }
    IngressPort { name: String, number: i64 }
    EndpointSlice { metadata: ObjectMeta, endpoints: Vec<Endpoint>, ports: Vec<EndpointPort> }
    Endpoint { addresses: Vec<String>, conditions: EndpointConditions, target_ref: Option<TargetRef> }
    EndpointConditions { ready: Option<bool>, serving: Option<bool>, terminating: Option<bool> }
    EndpointPort { name: String, port: Option<i64>, protocol: String }
    Endpoints { metadata: ObjectMeta, subsets: Vec<EndpointSubset> }
    EndpointSubset { addresses: Vec<EndpointAddress>, not_ready_addresses: Vec<EndpointAddress>, ports: Vec<EndpointPort> }
    EndpointAddress { ip: String, target_ref: Option<TargetRef> }
    TargetRef { kind: String, namespace: String, name: String, uid: String }
    ApiService { metadata: ObjectMeta, spec: ApiServiceSpec, status: ConditionedStatus }
    ApiServiceSpec { group: String, version: String, service: Option<ServiceReference> }
    ServiceReference { namespace: String, name: String, port: Option<i64>, path: String }
    ConditionedStatus { conditions: Vec<Condition> }
}

impl Node {
    /// A condition by its type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.status
            .conditions
            .iter()
            .find(|condition| condition.kind == kind)
    }

    /// What pods may use of a resource, as written; capacity where allocatable is not set.
    pub fn allocatable(&self, resource: &str) -> Option<&Amount> {
        self.status
            .allocatable
            .get(resource)
            .or_else(|| self.status.capacity.get(resource))
    }
}
