//! Liveness and startup probes that kill.

#[cfg(test)]
mod contracts;
mod killed;

crate::cause::family!(
    exec_probe_broken,
    exec_probe_fails,
    exec_probe_timeout,
    liveness_kill,
    oscillation,
    port_closed,
    started_too_slowly,
    startup_kill,
    status_code,
    timeout,
);
