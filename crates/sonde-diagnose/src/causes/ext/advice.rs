//! What helps against what an application says of its end.

use sonde_grammar::log::AppSign;

use super::known;
use super::words::{
    binds_port, connects, dns_is_silent, is_bad_address, is_circular, is_libc, refused_by_api,
};

pub(super) fn advice(sign: &AppSign, line: &str) -> String {
    match sign {
        AppSign::PermissionDenied { .. } if binds_port(line) => {
            "ports below 1024 are not for every user: listen on a higher port and let the service map it, or add the capability NET_BIND_SERVICE (for a process of root; others need it as a file or ambient capability), or allow it for the pod with the sysctl net.ipv4.ip_unprivileged_port_start"
        }
        AppSign::PermissionDenied { path: Some(peer) } if connects(line, peer) => {
            "see which NetworkPolicy, firewall rule or security module of the node stops the connection"
        }
        AppSign::Forbidden { .. } if refused_by_api(line).is_some() => {
            "give the service account the right by a Role and a RoleBinding (a ClusterRole and its binding where the line says \"at the cluster scope\")"
        }
        AppSign::Forbidden { .. } if line.contains("publickey") => {
            "see that the key that the container has (its Secret, its file mode, its user) is the one that the other side knows"
        }
        AppSign::Forbidden { .. } => {
            "see what the other side allows this program to do (roles, policies, rules of a proxy between them), and the login or token that it uses, if any"
        }
        AppSign::NameResolution { .. } if dns_is_silent(line) => {
            "see that the cluster's DNS runs and is reached from the pod's node (kubectl get pods -n kube-system -l k8s-app=kube-dns), and that no NetworkPolicy of the pod stops port 53"
        }
        AppSign::ConnectionRefused { .. }
        | AppSign::NameResolution { .. }
        | AppSign::ConnectTimeout { .. } => {
            "see that what it needs exists, is ready and is named right in its configuration; let it retry instead of ending"
        }
        AppSign::ConfigError { .. } if is_bad_address(line) => {
            "see where the word comes from (args, env, its configuration) and what is meant there: an address or port to listen on, or the name of a service"
        }
        AppSign::ConfigError { .. } if line.contains("max file descriptors") => FILES,
        AppSign::LimitReached { .. } if line.to_ascii_lowercase().contains("open files") => FILES,
        AppSign::LimitReached { .. } => {
            "see how many processes and threads it makes, and which limit it meets: the pod's process limit (the kubelet's podPidsLimit), the user's ulimit -u, or the node's kernel.pid_max"
        }
        AppSign::MissingEnv { .. } | AppSign::ConfigError { .. } | AppSign::BadFlag { .. } => {
            "mend the setting in the pod's env, args or ConfigMap"
        }
        AppSign::VersionMismatch { .. } if is_libc(line) => {
            "build the program on the base image that it runs on (or an older one), or take a base image as new as the one that it was built on; do not mount or copy single files of the C library"
        }
        AppSign::VersionMismatch { .. } if is_circular(line) => {
            "two modules import each other: let one of them import later, or move what both need to a third"
        }
        AppSign::VersionMismatch { .. } => {
            "build the image anew with versions that were tested together: pin them (a lock file), and see what came into the image last"
        }
        AppSign::MissingLibrary { .. } => LIBRARY,
        AppSign::MissingFile { .. }
        | AppSign::MissingModule { .. }
        | AppSign::NotFoundCommand { .. } => "build it into the image, or mount it where it is looked for",
        AppSign::PermissionDenied { path: Some(path) } if path.starts_with('/') => FILE_RIGHTS,
        AppSign::PermissionDenied { .. } => {
            "the line does not say of what: see what the program was about to do; a file needs the right user (runAsUser, fsGroup), a call of the kernel a capability, another service its own policy"
        }
        AppSign::ReadOnly { .. } => FILE_RIGHTS,
        AppSign::AuthFailed { .. } => "see the Secret that holds the login",
        AppSign::DiskFull { .. } => "make room on the volume, or give it more",
        AppSign::Locked { .. } => {
            "let only one pod at a time use it (one replica, the strategy Recreate, a claim of ReadWriteOncePod); where no other process runs, one before it left its lock: remove that, once this is sure"
        }
        AppSign::Known(known) => known::advice(known).0,
        _ => "mend what the log says; the exit code is the application's own choice",
    }
    .to_owned()
}

/// What helps where the loader finds no shared library.
pub(super) const LIBRARY: &str = "install the package of that library in the image, for its distribution and processor, or copy the library from the stage that built the program; a program that is linked statically needs none";

const FILE_RIGHTS: &str = "see the container's user, the volume's owner (fsGroup) and readOnlyRootFilesystem";
const FILES: &str = "let the program close what it opens, or raise the limit of open files: the container runtime gives it (LimitNOFILE of its service on the node), the pod's spec cannot";
