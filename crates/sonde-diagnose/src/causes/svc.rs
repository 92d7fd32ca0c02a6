//! How services are wired to pods.

#[cfg(test)]
mod contracts;

crate::cause::family!(
    ingress_backend,
    ingress_class,
    load_balancer_pending,
    selector_matches_nothing,
    wrong_target_port,
);
