//! A real Kubernetes cluster on one Linux machine: etcd, control plane, two workers with kubelet and containerd, registries.
//!
//! Every computer of the cluster is a set of Linux namespaces with a process of ours as its pid 1 ([`host`]): own network,
//! mounts (`/var`, `/run`, `/etc`), process ids and host name. So paths and messages are those of an ordinary node, two
//! clusters never meet, and ending the pid 1 ends everything that runs there, also after a crash of this program.

use std::path::Path;

use anyhow::{Context, Result};
use clap::{Subcommand, ValueEnum};

mod binaries;
pub(crate) mod control;
mod dns;
mod host;
mod http;
mod images;
mod init;
mod machine;
pub(crate) mod metrics;
pub(crate) mod network;
mod plan;
mod process;
mod progress;
mod registry;
mod trouble;
pub(crate) mod worker;

pub(crate) use binaries::{Source, build_into};
pub(crate) use control::{AUDIT_LOG, kubectl, kubectl_command};
pub(crate) use host::Host;
pub(crate) use images::{Image, digest, own_architecture, write_archive};
pub(crate) use machine::Unfit;
pub(crate) use plan::{Plan, Release, cache_folder, repository};

use progress::step;
pub(crate) use progress::wait_until;

/// Name of the hidden command under which this program starts its own helpers inside a cluster.
pub(crate) const INTERNAL: &str = "cluster-internal";

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start the cluster (does nothing if it runs)
    Up(Choice),
    /// End everything that `up` started and remove its folder
    Down(Choice),
    /// Show what runs, its versions, and the kubeconfig
    Status(Choice),
    /// Start again with an empty cluster
    Reset(Choice),
}

#[derive(clap::Args)]
struct Choice {
    /// Kubernetes minor version
    #[arg(long, value_enum, default_value_t)]
    kubernetes: Release,
}

#[derive(clap::Args)]
pub(crate) struct InternalArgs {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// The pid 1 of a host
    Init(init::Args),
    /// The name server of a cluster
    Dns(dns::Args),
    /// The registry that misbehaves
    Trouble(trouble::Args),
}

/// Runs `cargo xtask cluster`.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.action {
        Action::Up(choice) => {
            let plan = Plan::new(choice.kubernetes)?;
            up(&plan)?;
            println!("{}", plan.kubeconfig().display());
            Ok(())
        }
        Action::Down(choice) => down(&Plan::new(choice.kubernetes)?),
        Action::Status(choice) => status(&Plan::new(choice.kubernetes)?),
        Action::Reset(choice) => {
            let plan = Plan::new(choice.kubernetes)?;
            down(&plan)?;
            up(&plan)
        }
    }
}

/// Runs a helper of a cluster; never called by a person.
pub(crate) fn run_internal(args: &InternalArgs) -> Result<()> {
    match &args.role {
        Role::Init(args) => init::run(args),
        Role::Dns(args) => dns::run(args),
        Role::Trouble(args) => trouble::run(args),
    }
}

/// Gives every worker the images of an archive in the shared folder.
pub(crate) fn import_image(plan: &Plan, archive: &str) -> Result<()> {
    plan.workers()
        .iter()
        .try_for_each(|worker| worker::import_image(worker, archive))
}

/// Where the API server is asked, without the path.
pub(crate) fn server(plan: &Plan) -> String {
    format!("https://{}:{}", plan.control().address, control::API_PORT)
}

/// Starts the cluster, or finds that it runs. A machine that cannot run one gives an error that holds an [`Unfit`].
pub(crate) fn up(plan: &Plan) -> Result<()> {
    let _lock = plan.lock()?;
    if is_running(plan) {
        step!("Kubernetes {} is up", plan.release.version());
        return Ok(());
    }
    machine::refuse_if_taken(plan)?;
    machine::prepare()?;
    binaries::build(plan)?;
    if plan.folder.exists() {
        step!("removing what is left of an earlier run");
        tear_down(plan)?;
    }
    std::fs::create_dir_all(&plan.folder).context("failed to create the cluster's folder")?;
    network::create_bridge(plan)?;
    let images = images::all()?;
    images::write_archive(&images, &plan.shared().join("images.tar"))?;
    control::start(plan)?;
    registry::start(plan, &images)?;
    for worker in plan.workers() {
        worker::start(plan, &worker)?;
    }
    for worker in plan.workers() {
        worker::wait_until_ready(plan, &worker)?;
    }
    std::fs::write(plan.complete_mark(), plan.release.version())
        .context("failed to mark the cluster as complete")?;
    step!("Kubernetes {} is up", plan.release.version());
    Ok(())
}

/// Ends what `up` started, whatever state that is in.
pub(crate) fn down(plan: &Plan) -> Result<()> {
    let _lock = plan.lock()?;
    tear_down(plan)?;
    step!("Kubernetes {} is down", plan.release.version());
    Ok(())
}

/// Whether a complete cluster runs and answers.
pub(crate) fn is_running(plan: &Plan) -> bool {
    plan.complete_mark().exists()
        && plan.hosts().iter().all(|host| host.init_pid().is_some())
        && control::answers(plan)
}

fn tear_down(plan: &Plan) -> Result<()> {
    for host in plan.hosts() {
        host.stop()?;
    }
    network::remove_bridge(plan);
    if plan.folder.exists() {
        remove_folder(&plan.folder)?;
    }
    Ok(())
}

fn remove_folder(folder: &Path) -> Result<()> {
    std::fs::remove_dir_all(folder).with_context(|| format!("failed to remove {}", folder.display()))
}

fn status(plan: &Plan) -> Result<()> {
    println!("Kubernetes  {}", plan.release.version());
    println!("folder      {}", plan.folder.display());
    println!("kubeconfig  {}", plan.kubeconfig().display());
    let mut running = 0;
    for host in plan.hosts() {
        match host.init_pid() {
            Some(pid) => {
                running += 1;
                println!(
                    "{:<11} {} (pid {pid}): {}",
                    host.name,
                    host.address,
                    host.daemons().join(", ")
                );
            }
            None => println!("{:<11} not running", host.name),
        }
    }
    if running == plan.hosts().len() {
        print!("{}", control::kubectl(plan, &["get", "nodes", "-o", "wide"])?);
    }
    Ok(())
}

impl Default for Release {
    fn default() -> Self {
        Release::newest()
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.minor())
    }
}

impl ValueEnum for Release {
    fn value_variants<'a>() -> &'a [Self] {
        Release::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.minor()))
    }
}
