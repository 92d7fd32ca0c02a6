//! What a cluster consists of: version, folders, addresses. Everything else is computed from here.

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::host::Host;

/// A Kubernetes release that can be built from `e2e/kubernetes-<minor>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    minor: &'static str,
    version: &'static str,
    /// Third byte of the cluster's addresses, so that clusters never share one.
    subnet: u8,
}

impl Release {
    pub(crate) const ALL: &'static [Release] = &[
        Release {
            minor: "1.36",
            version: "v1.36.3",
            subnet: 36,
        },
        Release {
            minor: "1.32",
            version: "v1.32.2",
            subnet: 32,
        },
    ];

    pub(crate) fn newest() -> Self {
        Self::ALL[0]
    }

    pub(crate) fn minor(self) -> &'static str {
        self.minor
    }

    pub(crate) fn version(self) -> &'static str {
        self.version
    }
}

/// One cluster on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) release: Release,
    /// Everything the cluster writes.
    pub(crate) folder: PathBuf,
    cache: PathBuf,
}

/// The first address of the ranges that clusters use; the third byte tells the cluster.
const HOSTS_NET: (u8, u8) = (10, 213);
const PODS_NET: u8 = 10;

impl Plan {
    pub(crate) fn new(release: Release) -> Result<Self> {
        let cache = cache_folder()?;
        let folder = cache.join("cluster").join(release.minor);
        Ok(Self {
            release,
            folder,
            cache,
        })
    }

    /// Where built binaries of a component are kept: `<cache>/bin/<name>`.
    pub(crate) fn binaries(&self, name: &str) -> PathBuf {
        self.cache.join("bin").join(name)
    }

    pub(crate) fn kubernetes_binaries(&self) -> PathBuf {
        self.binaries(self.release.version)
    }

    /// Files that every host sees under `/run/sonde/shared`.
    pub(crate) fn shared(&self) -> PathBuf {
        self.folder.join("shared")
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    pub(crate) fn complete_mark(&self) -> PathBuf {
        self.folder.join("complete")
    }

    /// The bridge in the machine's own network that joins the hosts. At most 15 bytes long.
    pub(crate) fn bridge(&self) -> String {
        format!("sonde{}", self.release.subnet)
    }

    pub(crate) fn host_address(&self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(HOSTS_NET.0, HOSTS_NET.1, self.release.subnet, last)
    }

    /// The machine itself, seen from the cluster.
    pub(crate) fn machine_address(&self) -> Ipv4Addr {
        self.host_address(1)
    }

    /// An address that swallows packets: connections to it time out.
    pub(crate) fn blackhole_address(&self) -> Ipv4Addr {
        self.host_address(200)
    }

    pub(crate) fn control(&self) -> Host {
        self.host("control", 2)
    }

    pub(crate) fn workers(&self) -> Vec<Host> {
        vec![self.host("worker-1", 11), self.host("worker-2", 12)]
    }

    /// All hosts, in the order in which they are stopped.
    pub(crate) fn hosts(&self) -> Vec<Host> {
        let mut hosts = self.workers();
        hosts.push(self.control());
        hosts
    }

    /// Pods of a worker live in 10.(200 + worker).<cluster>.0/24.
    pub(crate) fn pod_subnet(&self, worker: &Host) -> String {
        format!(
            "{}/24",
            Ipv4Addr::new(PODS_NET, 190 + worker.address.octets()[3], self.release.subnet, 0)
        )
    }

    /// Keeps two commands from working on the same cluster at once, until the file is dropped.
    pub(crate) fn lock(&self) -> Result<File> {
        let folder = self.cache.join("cluster");
        std::fs::create_dir_all(&folder).context("failed to create the cache folder")?;
        let path = folder.join(format!("{}.lock", self.release.minor));
        let file = File::create(&path).with_context(|| format!("failed to create {}", path.display()))?;
        file.lock()
            .with_context(|| format!("failed to lock {}", path.display()))?;
        Ok(file)
    }

    fn host(&self, name: &'static str, last: u8) -> Host {
        Host {
            name,
            address: self.host_address(last),
            folder: self.folder.join(name),
            interface: format!("{}-{last}", self.bridge()),
            cgroup: format!("sonde-{}-{name}", self.release.minor),
        }
    }
}

/// Where everything is kept that takes long to make.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("SONDE_CACHE") {
        return std::path::absolute(folder).context("SONDE_CACHE is not a usable path");
    }
    if let Some(folder) = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder).join("sonde"));
    }
    let home = std::env::var_os("HOME").context("neither SONDE_CACHE, XDG_CACHE_HOME nor HOME is set")?;
    Ok(PathBuf::from(home).join(".cache").join("sonde"))
}

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().map(PathBuf::from).unwrap_or(xtask)
}
