//! Lifecycle hooks.

#[cfg(test)]
mod contracts;
mod hooks;

crate::cause::family!(
    command_missing,
    poststart_failed,
    poststart_hung,
    poststart_killed,
    prestop_failed,
    prestop_overrun,
);
