//! Lifecycle hooks.

crate::cause::family!(prestop_overrun);
