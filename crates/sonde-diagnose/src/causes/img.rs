//! Pulling images.

mod login;
mod pull;
#[cfg(test)]
mod table;
#[cfg(test)]
mod testing;

crate::cause::family!(
    connection_broken,
    connect_timeout,
    corrupt_layer,
    credential_plugin,
    disk_full,
    dns,
    http_to_https,
    invalid_name,
    kubelet_limit,
    manifest_unsupported,
    never_policy,
    no_credentials,
    not_found,
    platform,
    pull_secret_missing,
    rate_limit,
    refused,
    registry_error,
    serial_pull,
    signature,
    slow_pull,
    tls_expired,
    tls_unknown_authority,
    tls_wrong_name,
    token_expired,
    unreachable,
    wrong_credentials,
);
