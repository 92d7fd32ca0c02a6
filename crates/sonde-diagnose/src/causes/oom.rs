//! Memory kills: by the kernel at a limit, and programs whose own heap is full.

#[cfg(test)]
mod contracts;
mod kills;
mod own_heap;

crate::cause::family!(
    child_process,
    container_limit,
    growth,
    jvm_heap,
    jvm_metaspace,
    jvm_threads,
    node,
    pod_limit,
    runtime_heap,
    tmpfs,
);
