//! Programs and headers that the chores need, and the Debian packages that bring them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// A program in the search path, or a file by its absolute name, and the Debian package that brings it.
pub(crate) struct Need {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
}

/// Packages that are missing and cannot be installed here.
#[derive(Debug, thiserror::Error)]
#[error("missing, and cannot be installed here: the Debian packages {}", .0.join(" "))]
pub(crate) struct Missing(pub(crate) Vec<&'static str>);

/// Installs what is missing of `needs`, where we may.
pub(crate) fn provide(needs: &[Need]) -> Result<(), Missing> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    if find_program("apt-get").is_none() || !rustix::process::geteuid().is_root() {
        return Err(Missing(missing));
    }
    eprintln!("installing Debian packages: {}", missing.join(" "));
    install(&missing).map_err(|error| {
        eprintln!("{error:#}");
        Missing(self::missing(needs))
    })
}

fn missing(needs: &[Need]) -> Vec<&'static str> {
    needs
        .iter()
        .filter(|need| find_program(need.program).is_none())
        .map(|need| need.package)
        .collect()
}

fn install(packages: &[&'static str]) -> Result<()> {
    let apt = |arguments: &[&str]| -> Result<bool> {
        let status = Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .context("failed to start apt-get")?;
        Ok(status.success())
    };
    let mut arguments = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    arguments.extend_from_slice(packages);
    // The lists of packages may be old or absent: refresh them only then.
    if apt(&arguments)? || (apt(&["update", "--quiet"])? && apt(&arguments)?) {
        return Ok(());
    }
    bail!("apt-get cannot install {}", packages.join(" "))
}

/// Where a program is; absolute names are looked at as they are.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    if name.starts_with('/') {
        return Some(PathBuf::from(name)).filter(|path| path.exists());
    }
    let search = std::env::var_os("PATH")?;
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&search)
        .chain(system)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}
