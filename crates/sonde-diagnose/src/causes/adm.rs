//! Refusals before a pod exists.

mod refusal;
#[cfg(test)]
mod testing;

crate::cause::family!(
    forbidden,
    invalid,
    limit_range,
    namespace_terminating,
    pod_security,
    policy_denied,
    priority_class_missing,
    quota_exceeded,
    quota_must_specify,
    request_timeout,
    runtime_class_missing,
    security_policy,
    service_account_missing,
    webhook_denied,
    webhook_no_endpoints,
    webhook_timeout,
    webhook_tls,
    webhook_unreachable,
);
