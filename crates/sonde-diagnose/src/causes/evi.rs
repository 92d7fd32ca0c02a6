//! Evictions and preemption: the pod was ended for the sake of its node, another pod or a limit of its own.

#[cfg(test)]
mod contracts;
mod evicted;
mod pressure;

crate::cause::family!(
    api,
    empty_dir_limit,
    ephemeral_limit,
    inodes,
    memory,
    node_condition,
    node_disk,
    node_shutdown,
    pids,
    preempted,
    preempted_critical,
    taint,
);
