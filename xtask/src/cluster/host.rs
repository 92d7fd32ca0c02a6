//! A computer of the cluster: Linux namespaces around a pid 1 of ours. Daemons are started into it and end with it.

use std::fs::{File, OpenOptions};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::plan::Plan;
use super::process::{self, Process};
use super::progress::wait_until;
use super::{INTERNAL, network};

/// Where a host sees the Kubernetes commands, and the files that all hosts share.
pub(crate) const BIN: &str = "/run/sonde/bin";
pub(crate) const SHARED: &str = "/run/sonde/shared";

/// One host. Nothing is kept between runs: whether it runs is read from the process table.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) name: &'static str,
    pub(crate) address: Ipv4Addr,
    /// Holds `var`, `run` and `etc`, which the host sees as its own.
    pub(crate) folder: PathBuf,
    /// The host's cable, as the machine sees it.
    pub(crate) interface: String,
    /// The control group above everything the host's kubelet makes.
    pub(crate) cgroup: String,
}

impl Host {
    /// The machine's path of a file that the host sees as `path` (in `/var`, `/run`, or in `/etc` if we wrote it).
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path.trim_start_matches('/'))
    }

    /// Writes a file that the host will see; parents are created.
    pub(crate) fn write(&self, path: &str, content: &str) -> Result<()> {
        let path = self.path(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("failed to create {}", parent.display()))?;
        }
        std::fs::write(&path, content).with_context(|| format!("failed to write {}", path.display()))
    }

    pub(crate) fn log(&self, daemon: &str) -> PathBuf {
        self.path(&format!("/var/log/{daemon}.log"))
    }

    /// Starts the pid 1 in new namespaces and joins it to the cluster's network. Files in `/etc` must be written before.
    pub(crate) fn start(&self, plan: &Plan) -> Result<()> {
        for folder in [
            "var/lib",
            "var/log",
            "var/tmp",
            "var/cache",
            "run/sonde/bin",
            "run/sonde/shared",
            "etc",
            "etc.work",
        ] {
            std::fs::create_dir_all(self.folder.join(folder)).context("failed to create a host's folder")?;
        }
        let log = self.folder.join("init.log");
        let output = File::create(&log).context("failed to create a host's log")?;
        let program = std::env::current_exe().context("failed to find this program's own path")?;
        Command::new("setsid")
            .args([
                "unshare",
                "--mount",
                "--net",
                "--uts",
                "--ipc",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "--",
            ])
            .arg(program)
            .args([INTERNAL, "init"])
            .arg(&self.folder)
            .arg(self.name)
            .arg("--binaries")
            .arg(plan.kubernetes_binaries())
            .arg("--shared")
            .arg(plan.shared())
            .stdin(Stdio::null())
            .stdout(output.try_clone().context("failed to share a log file")?)
            .stderr(output)
            .spawn()
            .context("failed to start setsid and unshare")?;
        let ready = self.ready_mark();
        wait_until(
            &format!("{} prepares its namespaces", self.name),
            Duration::from_secs(20),
            &log,
            || ready.exists(),
        )?;
        let pid = self
            .init_pid()
            .with_context(|| format!("{} ended at once", self.name))?;
        create_cgroups(&self.cgroup)?;
        network::connect(plan, self, pid)
    }

    /// Ends the pid 1 and with it, by the kernel's rule, every process of the host; then removes its control groups.
    pub(crate) fn stop(&self) -> Result<()> {
        let ours = self.own_processes();
        let namespace = ours
            .iter()
            .find(|process| self.is_init(process))
            .and_then(|init| init.pid_namespace.clone());
        for process in &ours {
            process::signal(process.pid, Signal::KILL);
        }
        let gone = || {
            self.own_processes().is_empty()
                && (namespace.is_none()
                    || process::all()
                        .iter()
                        .all(|process| process.pid_namespace != namespace))
        };
        wait_until(
            &format!("{} ends", self.name),
            Duration::from_secs(30),
            &self.folder.join("init.log"),
            gone,
        )?;
        remove_cgroups(&self.cgroup);
        Ok(())
    }

    /// The machine's number of the host's pid 1.
    pub(crate) fn init_pid(&self) -> Option<i32> {
        self.own_processes()
            .iter()
            .find(|process| self.is_init(process))
            .map(|process| process.pid)
    }

    /// A command to run on the host; fails with a clear message if the host does not run.
    pub(crate) fn command(&self, program: &str) -> Result<Command> {
        let pid = self
            .init_pid()
            .with_context(|| format!("{} does not run", self.name))?;
        let mut command = Command::new("nsenter");
        command
            .arg("--target")
            .arg(pid.to_string())
            .args([
                "--mount", "--net", "--uts", "--ipc", "--pid", "--wd=/", "--", program,
            ])
            .stdin(Stdio::null());
        Ok(command)
    }

    /// Runs a command on the host to its end and gives its output.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = self
            .command(program)?
            .args(arguments)
            .output()
            .context("failed to start nsenter")?;
        if !output.status.success() {
            bail!(
                "{program} {} failed on {}: {}",
                arguments.join(" "),
                self.name,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts a process that stays; its output goes to `/var/log/<name>.log` of the host.
    pub(crate) fn start_daemon(&self, name: &str, program: &str, arguments: &[String]) -> Result<()> {
        let log = self.log(name);
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("failed to open {}", log.display()))?;
        let inside = self.command(program)?;
        Command::new("setsid")
            .arg(inside.get_program())
            .args(inside.get_args())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone().context("failed to share a log file")?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("failed to start {name} on {}", self.name))?;
        Ok(())
    }

    /// The machine's process numbers of a program on this host.
    pub(crate) fn pids_of(&self, program: &str) -> Vec<i32> {
        self.inhabitants()
            .iter()
            .filter(|process| process.program() == program)
            .map(|process| process.pid)
            .collect()
    }

    /// Sends a signal to every process of a program on this host and waits for their end.
    pub(crate) fn stop_daemon(&self, program: &str, signal: Signal) -> Result<()> {
        for pid in self.pids_of(program) {
            process::signal(pid, signal);
        }
        wait_until(
            &format!("{program} on {} ends", self.name),
            Duration::from_secs(30),
            &self.log(program),
            || self.pids_of(program).is_empty(),
        )
    }

    /// Names of the programs that we started on the host, for `status`.
    pub(crate) fn daemons(&self) -> Vec<String> {
        const KNOWN: &[&str] = &[
            "etcd",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "docker-registry",
            "containerd",
            "kubelet",
        ];
        let inhabitants = self.inhabitants();
        let running = |name: &&&str| inhabitants.iter().any(|process| process.program() == **name);
        KNOWN.iter().filter(running).map(ToString::to_string).collect()
    }

    /// Exists once the pid 1 has made its mounts.
    pub(crate) fn ready_mark(&self) -> PathBuf {
        ready_mark(&self.folder)
    }

    fn inhabitants(&self) -> Vec<Process> {
        let all = process::all();
        let Some(namespace) = all
            .iter()
            .find(|process| self.is_init(process))
            .map(|init| init.pid_namespace.clone())
        else {
            return Vec::new();
        };
        all.into_iter()
            .filter(|process| process.pid_namespace == namespace)
            .collect()
    }

    /// The pid 1 and the `unshare` that waits for it: both carry the host's folder in their command line.
    fn own_processes(&self) -> Vec<Process> {
        let folder = self.folder.to_string_lossy();
        process::all()
            .into_iter()
            .filter(|process| {
                process
                    .arguments
                    .windows(3)
                    .any(|part| part[0] == INTERNAL && part[1] == "init" && part[2] == folder)
            })
            .collect()
    }

    fn is_init(&self, process: &Process) -> bool {
        folder_of_init(process).is_some_and(|folder| Path::new(folder) == self.folder)
    }
}

/// The folder of the host whose pid 1 a process is.
pub(crate) fn folder_of_init(process: &Process) -> Option<&str> {
    match process.arguments.as_slice() {
        [_, internal, init, folder, ..] if internal == INTERNAL && init == "init" => Some(folder),
        _ => None,
    }
}

/// The mark that the pid 1 leaves in its host's folder.
pub(crate) fn ready_mark(folder: &Path) -> PathBuf {
    folder.join("ready")
}

const CGROUPS: &str = "/sys/fs/cgroup";

/// The folders under which control groups are made: one per version 1 hierarchy, or the single version 2 tree.
fn cgroup_roots() -> Vec<PathBuf> {
    let top = Path::new(CGROUPS);
    if top.join("cgroup.controllers").exists() {
        return vec![top.to_path_buf()];
    }
    let Ok(entries) = std::fs::read_dir(top) else {
        return Vec::new();
    };
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("cgroup.procs").exists())
        .collect()
}

fn create_cgroups(name: &str) -> Result<()> {
    for root in cgroup_roots() {
        let subtree = root.join("cgroup.subtree_control");
        if let Ok(controllers) = std::fs::read_to_string(root.join("cgroup.controllers")) {
            for controller in controllers.split_whitespace() {
                // A controller that cannot be handed down is missed by the kubelet, which then names it.
                let _ = std::fs::write(&subtree, format!("+{controller}"));
            }
        }
        let folder = root.join(name);
        if !folder.exists() {
            std::fs::create_dir(&folder)
                .with_context(|| format!("failed to create control group {}", folder.display()))?;
        }
    }
    Ok(())
}

fn remove_cgroups(name: &str) {
    for root in cgroup_roots() {
        remove_cgroup_tree(&root.join(name));
    }
}

/// Children first; the files in a control group's folder are not real and go with it.
fn remove_cgroup_tree(folder: &Path) {
    if let Ok(entries) = std::fs::read_dir(folder) {
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove_cgroup_tree(&entry.path());
            }
        }
        let _ = std::fs::remove_dir(folder);
    }
}
