//! Liveness and startup probes, and the kills they lead to.

crate::cause::family!(liveness_kill);
