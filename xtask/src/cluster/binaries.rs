//! Builds the Kubernetes commands and etcd from the Go modules that `e2e/` pins, once per version and machine.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::machine::Unfit;
use super::metrics;
use super::plan::{Plan, repository};
use super::progress::step;

/// A command to build.
pub(crate) struct Source {
    /// Folder under `e2e/` with the module.
    pub(crate) module: String,
    pub(crate) package: String,
    pub(crate) program: &'static str,
    pub(crate) linker_flags: String,
}

const KUBERNETES: &[&str] = &[
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kubectl",
];
const METRICS_SERVER_PACKAGE: &str = "sigs.k8s.io/metrics-server/cmd/metrics-server";
const ETCD_PACKAGE: &str = "go.etcd.io/etcd/server/v3";

/// Builds what is not there yet. About five minutes on two cores when nothing is cached.
pub(crate) fn build(plan: &Plan) -> Result<()> {
    build_into(&plan.kubernetes_binaries(), &sources(plan))
}

/// Builds the metrics server, which few scenarios need.
pub(crate) fn build_metrics_server(plan: &Plan) -> Result<()> {
    let source = Source {
        module: metrics::PROGRAM.to_owned(),
        package: METRICS_SERVER_PACKAGE.to_owned(),
        program: metrics::PROGRAM,
        linker_flags: "-s -w".to_owned(),
    };
    build_into(&plan.kubernetes_binaries(), &[source])
}

/// Builds what is not in the folder yet.
pub(crate) fn build_into(folder: &Path, sources: &[Source]) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let lock = File::create(folder.join(".lock")).context("failed to create the lock of the binaries")?;
    lock.lock().context("failed to lock the binaries")?;
    for source in sources {
        let stamp = folder.join(format!(".{}.built", source.program));
        let fingerprint = fingerprint(source)?;
        let is_current = std::fs::read_to_string(&stamp).is_ok_and(|built| built == fingerprint);
        if is_current && folder.join(source.program).exists() {
            continue;
        }
        build_one(source, folder)?;
        std::fs::write(&stamp, fingerprint).context("failed to note what was built")?;
    }
    Ok(())
}

fn sources(plan: &Plan) -> Vec<Source> {
    let version = plan.release.version();
    let minor = plan.release.minor();
    let (major, minor_number) = minor.split_once('.').unwrap_or((minor, ""));
    let variables = [
        ("gitVersion", version),
        ("gitMajor", major),
        ("gitMinor", minor_number),
        ("gitTreeState", "clean"),
    ];
    let mut flags = "-s -w".to_owned();
    for (name, value) in variables {
        flags.push_str(&format!(" -X k8s.io/component-base/version.{name}={value}"));
    }
    let mut sources = vec![Source {
        module: "etcd".to_owned(),
        package: ETCD_PACKAGE.to_owned(),
        program: "etcd",
        linker_flags: "-s -w".to_owned(),
    }];
    sources.extend(KUBERNETES.iter().map(|program| Source {
        module: format!("kubernetes-{minor}"),
        package: format!("k8s.io/kubernetes/cmd/{program}"),
        program,
        linker_flags: flags.clone(),
    }));
    sources
}

fn module_folder(source: &Source) -> PathBuf {
    repository().join("e2e").join(&source.module)
}

fn fingerprint(source: &Source) -> Result<String> {
    let mut hash = Sha256::new();
    let folder = module_folder(source);
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    for path in files {
        hash.update(std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?);
    }
    hash.update(&source.package);
    hash.update(&source.linker_flags);
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn build_one(source: &Source, folder: &Path) -> Result<()> {
    step!("building {} (minutes when cold)", source.program);
    let start = Instant::now();
    let output = Command::new("go")
        .current_dir(module_folder(source))
        .args([
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-mod=readonly",
            "-ldflags",
            &source.linker_flags,
            "-o",
        ])
        .arg(folder.join(source.program))
        .arg(&source.package)
        .env("CGO_ENABLED", "0")
        .env_remove("GOFLAGS")
        .env_remove("GOWORK")
        .output()
        .context("failed to start go")?;
    if !output.status.success() {
        // The sources are pinned, so what fails is the way to them or the toolchain: reasons of the machine.
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("go says nothing");
        return Err(Unfit::NotBuilt(format!("{}: {last}", source.package)).into());
    }
    step!("built {} in {} s", source.program, start.elapsed().as_secs());
    Ok(())
}
