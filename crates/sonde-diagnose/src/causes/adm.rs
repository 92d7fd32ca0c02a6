//! Refusals before a pod exists.

crate::cause::family!(webhook_no_endpoints);
