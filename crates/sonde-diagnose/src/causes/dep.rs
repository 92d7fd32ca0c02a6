//! What a pod depends on: ConfigMaps, Secrets, claims, volumes.

mod claim;
#[cfg(test)]
mod claim_table;
#[cfg(test)]
mod mount_table;
#[cfg(test)]
mod testing;
mod volume;

crate::cause::family!(
    attach_failed,
    attach_limit,
    attach_timeout,
    claim_class_missing,
    claim_lost,
    claim_missing,
    claim_no_class,
    claim_no_volume_fits,
    claim_provisioner_silent,
    claim_provisioning_failed,
    claim_waits_for_consumer,
    config_missing,
    csi_driver_missing,
    export_denied,
    file_system,
    host_path_type,
    mount_helper_missing,
    mount_target,
    multi_attach,
    nfs_unreachable,
    operation_timeout,
    read_only,
    sub_path,
    token,
    volume_full,
    volume_node_affinity,
    volume_permission,
);
