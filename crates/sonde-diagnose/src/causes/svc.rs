//! How services are wired to pods.

crate::cause::family!(selector_matches_nothing, wrong_target_port);
