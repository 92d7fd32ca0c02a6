//! How services are wired to pods.

#[cfg(test)]
mod contracts;

crate::cause::family!(load_balancer_pending, selector_matches_nothing, wrong_target_port);
