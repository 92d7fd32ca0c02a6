//! Whether this machine can run a cluster, and the Debian packages that it takes.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;

use super::host;
use super::plan::Plan;
use super::process;
use crate::packages::{self, Need, find_program};

/// Why a machine cannot run a cluster. Tests that need one are then left out, with this reason.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("a cluster needs Linux")]
    NotLinux,
    #[error("a cluster needs root, for namespaces and mounts")]
    NotRoot,
    #[error("a cluster needs the Go toolchain (https://go.dev/dl) to build Kubernetes")]
    NoGo,
    #[error("a cluster needs Kubernetes, which cannot be built here: {0}")]
    NotBuilt(String),
    #[error("a cluster needs programs that are missing and cannot be installed here; Debian packages: {}", .0.join(" "))]
    MissingPackages(Vec<&'static str>),
    #[error("a cluster needs network, mount and process namespaces, which are refused here: {0}")]
    NoNamespaces(String),
    #[error("a cluster of the same Kubernetes version runs already, from {0}")]
    Taken(String),
    #[error("a cluster needs to make control groups under /sys/fs/cgroup, which is refused here: {0}")]
    NoControlGroups(String),
}

const NEEDS: &[Need] = &[
    Need {
        program: "containerd",
        package: "containerd",
    },
    Need {
        program: "runc",
        package: "runc",
    },
    Need {
        program: "/usr/lib/cni/bridge",
        package: "containernetworking-plugins",
    },
    Need {
        program: "docker-registry",
        package: "docker-registry",
    },
    Need {
        program: "busybox",
        package: "busybox-static",
    },
    Need {
        program: "ip",
        package: "iproute2",
    },
    Need {
        program: "mount",
        package: "mount",
    },
    Need {
        program: "nsenter",
        package: "util-linux",
    },
    Need {
        program: "openssl",
        package: "openssl",
    },
];

/// Two clusters of one version would share addresses and control groups: one that another cache folder started is left alone.
pub(crate) fn refuse_if_taken(plan: &Plan) -> Result<(), Unfit> {
    let ours = plan.control().folder;
    let suffix = Path::new(plan.release.minor()).join(plan.control().name);
    let other = process::all().into_iter().find_map(|process| {
        let folder = Path::new(host::folder_of_init(&process)?);
        (folder.ends_with(&suffix) && folder != ours).then(|| folder.display().to_string())
    });
    other.map_or(Ok(()), |folder| Err(Unfit::Taken(folder)))
}

/// Checks the machine, installs what is missing, and fails with [`Unfit`] where it cannot run a cluster.
pub(crate) fn prepare() -> Result<()> {
    check_basics()?;
    packages::provide(NEEDS).map_err(|missing| Unfit::MissingPackages(missing.0))?;
    check_namespaces()?;
    check_control_groups()?;
    Ok(())
}

fn check_basics() -> Result<(), Unfit> {
    if !cfg!(target_os = "linux") {
        return Err(Unfit::NotLinux);
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Unfit::NotRoot);
    }
    if find_program("go").is_none() {
        return Err(Unfit::NoGo);
    }
    Ok(())
}

fn check_namespaces() -> Result<(), Unfit> {
    let tried = Command::new("unshare")
        .args([
            "--mount",
            "--net",
            "--uts",
            "--ipc",
            "--pid",
            "--fork",
            "--mount-proc",
            "true",
        ])
        .stdin(Stdio::null())
        .output();
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(Unfit::NoNamespaces(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        )),
        Err(error) => Err(Unfit::NoNamespaces(error.to_string())),
    }
}

fn check_control_groups() -> Result<(), Unfit> {
    let top = Path::new("/sys/fs/cgroup");
    let memory = if top.join("cgroup.controllers").exists() {
        top.to_path_buf()
    } else {
        top.join("memory")
    };
    let trial = memory.join(format!("sonde-trial-{}", std::process::id()));
    std::fs::create_dir(&trial)
        .and_then(|()| std::fs::remove_dir(&trial))
        .map_err(|error| Unfit::NoControlGroups(format!("{}: {error}", trial.display())))
}
