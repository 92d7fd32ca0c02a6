//! Readiness: containers that run and are not ready.

#[cfg(test)]
mod contracts;
mod unready;

crate::cause::family!(
    budget_too_tight,
    exec_probe_broken,
    exec_probe_fails,
    grpc_not_serving,
    nothing_listens,
    probe_fails,
    readiness_gate,
    status_code,
    timeout,
    timeout_cpu_limit,
    timeout_node_load,
    wrong_path,
    wrong_port,
    wrong_scheme,
);
