//! Init containers and sidecars that hold a pod up without failing. What fails has its own cause, with its position.

#[cfg(test)]
mod contracts;
mod target;

crate::cause::family!(sidecar_not_started, slow, waiting_for);
