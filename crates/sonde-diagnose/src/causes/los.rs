//! Lost nodes and the pods on them.

#[cfg(test)]
mod contracts;
mod node;

crate::cause::family!(
    api_unreachable,
    certificate,
    kubelet_silent,
    lease_old_node_alive,
    network_not_ready,
    node_deleted,
    node_shut_down,
    pleg,
    runtime_down,
);
