//! Making sandboxes, and creating and starting containers.

mod memory;
mod said;
#[cfg(test)]
mod table;
#[cfg(test)]
mod testing;

pub(crate) use memory::{is_runtimes as is_runtimes_process, slips as memory_slips};

crate::cause::family!(
    apparmor,
    capability,
    cni_failed,
    cni_missing,
    cni_not_ready,
    command_not_found,
    device_missing,
    disk_full,
    dynamic_resources,
    exec_format,
    init_oom,
    memory_unit,
    mount_type_mismatch,
    name_reserved,
    no_addresses,
    no_command,
    not_executable,
    oci_hook,
    pause_image,
    pod_cgroup,
    run_as_non_root,
    runtime_down,
    runtime_handler,
    runtime_timeout,
    sandbox_memory,
    seccomp,
    security_policy,
    unknown_user,
    working_dir,
);
