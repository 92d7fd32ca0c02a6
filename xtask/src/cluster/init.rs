//! The pid 1 of a host: gives the host its own `/var`, `/run`, `/etc` and name, then buries orphans until it is killed.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, mount, mount_bind, mount_bind_recursive, mount_change,
};
use rustix::process::{WaitOptions, wait};

use super::host::ready_mark;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The host's folder on the machine
    folder: PathBuf,
    /// The host's name
    name: String,
    /// Folder with the Kubernetes commands
    #[arg(long)]
    binaries: PathBuf,
    /// Folder that all hosts see
    #[arg(long)]
    shared: PathBuf,
}

/// What the kubelet wants of the kernel. A file with the wanted value hides the machine's own, so that nothing is changed there.
const KERNEL_SETTINGS: &[(&str, &str)] = &[
    ("vm/overcommit_memory", "1\n"),
    ("vm/panic_on_oom", "0\n"),
    ("kernel/panic", "10\n"),
    ("kernel/panic_on_oops", "1\n"),
    ("kernel/keys/root_maxkeys", "1000000\n"),
    ("kernel/keys/root_maxbytes", "25000000\n"),
];

/// Prepares the host's view of the machine and stays until killed.
pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = &args.folder;
    mount_change("/", MountPropagationFlags::SHARED | MountPropagationFlags::REC)
        .context("failed to share mounts inside")?;
    mount_bind(&args.binaries, folder.join("run/sonde/bin")).context("failed to mount the binaries")?;
    mount_bind(&args.shared, folder.join("run/sonde/shared")).context("failed to mount the shared folder")?;
    hide_kernel_settings(folder)?;
    mount_etc(folder)?;
    let ready = open_mark(folder)?;
    // From here on the folder may be out of sight: it can lie below /var.
    let (var, run) = (folder.join("var"), folder.join("run"));
    std::os::unix::fs::symlink("/run", var.join("run")).context("failed to link /var/run")?;
    mount_bind_recursive(&run, "/run").context("failed to mount /run")?;
    mount_bind_recursive(&var, "/var").context("failed to mount /var")?;
    std::fs::write("/proc/sys/kernel/hostname", &args.name).context("failed to set the host name")?;
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").context("failed to allow forwarding")?;
    ready.publish()?;
    bury_orphans()
}

fn mount_etc(folder: &Path) -> Result<()> {
    let (upper, work) = (folder.join("etc"), folder.join("etc.work"));
    let mut options = b"lowerdir=/etc,upperdir=".to_vec();
    options.extend_from_slice(upper.as_os_str().as_bytes());
    options.extend_from_slice(b",workdir=");
    options.extend_from_slice(work.as_os_str().as_bytes());
    let options = CString::new(options).context("the cluster's folder has a zero byte in its name")?;
    mount(
        "overlay",
        "/etc",
        "overlay",
        MountFlags::empty(),
        options.as_c_str(),
    )
    .context("failed to lay the host's files over /etc")
}

fn hide_kernel_settings(folder: &Path) -> Result<()> {
    let own = folder.join("sys");
    for (name, value) in KERNEL_SETTINGS {
        let target = Path::new("/proc/sys").join(name);
        if !target.exists() {
            continue;
        }
        let source = own.join(name.replace('/', "."));
        std::fs::create_dir_all(&own).context("failed to create the folder of kernel settings")?;
        std::fs::write(&source, value).with_context(|| format!("failed to write {}", source.display()))?;
        mount_bind(&source, &target).with_context(|| format!("failed to hide {}", target.display()))?;
    }
    Ok(())
}

/// The mark's folder, held open, because its path may be hidden by the time the host is ready.
struct Mark {
    folder: rustix::fd::OwnedFd,
    name: std::ffi::OsString,
}

fn open_mark(folder: &Path) -> Result<Mark> {
    use rustix::fs::{Mode, OFlags, open};
    let name = ready_mark(folder)
        .file_name()
        .context("the mark has a name")?
        .to_owned();
    let folder = open(folder, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .context("failed to open the host's folder")?;
    Ok(Mark { folder, name })
}

impl Mark {
    fn publish(self) -> Result<()> {
        use rustix::fs::{Mode, OFlags, openat};
        openat(
            &self.folder,
            &self.name,
            OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC,
            Mode::RUSR | Mode::WUSR,
        )
        .context("failed to say that the host is ready")?;
        Ok(())
    }
}

/// Orphans of the host (containerd's shims) become children of pid 1; without this they would stay as zombies.
fn bury_orphans() -> ! {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => std::thread::sleep(Duration::from_millis(500)),
        }
    }
}
