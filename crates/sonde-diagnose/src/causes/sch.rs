//! Pods without a node, and pods that a kubelet refused.
//!
//! What decides is worked out once for all causes of the family ([`crate::placement`]); each cause says what it means.

mod fixes;
pub(in crate::causes) use fixes::without_surge;
mod known_nodes;
mod refused;
mod stated;
#[cfg(test)]
mod table;
#[cfg(test)]
mod testing;
mod told;
mod words;

crate::cause::family!(
    claim_missing,
    cluster_full,
    cordoned,
    extended_resource_in_use,
    extended_resource_unknown,
    fragmented,
    gates,
    host_port,
    no_node,
    no_node_ready,
    no_scheduler,
    node_affinity,
    node_name,
    pod_affinity,
    pod_anti_affinity,
    pod_count,
    preemption_under_way,
    rejected_devices,
    rejected_predicate,
    rejected_resources,
    rejected_topology,
    request_too_large,
    resource_claim,
    resource_claim_missing,
    rwop_in_use,
    taint,
    topology_spread,
    unbound_claim,
    unknown_scheduler,
    volume_affinity,
    volume_limit,
);
