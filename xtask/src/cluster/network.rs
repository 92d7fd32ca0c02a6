//! Cables of a cluster: one bridge in the machine's network, one virtual cable to each host, routes between pod subnets.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::host::Host;
use super::plan::Plan;

/// A hardware address that nobody has: packets to it vanish.
const NOBODY: &str = "02:00:00:00:00:01";
/// A host's name for its own end of the cable.
const INSIDE: &str = "eth0";

/// Makes the bridge over which the machine and the hosts talk.
pub(crate) fn create_bridge(plan: &Plan) -> Result<()> {
    let bridge = plan.bridge();
    // One that was left by an earlier run would keep its old address.
    remove_bridge(plan);
    ip(&format!("link add {bridge} type bridge"))?;
    ip(&format!("address add {}/24 dev {bridge}", plan.machine_address()))?;
    ip(&format!("link set {bridge} up"))
}

/// Removes the bridge; the cables went with their hosts.
pub(crate) fn remove_bridge(plan: &Plan) {
    let _ = ip(&format!("link delete {}", plan.bridge()));
}

/// Gives a host its cable, address, and routes to the pods of the workers.
pub(crate) fn connect(plan: &Plan, host: &Host, pid: i32) -> Result<()> {
    let outside = &host.interface;
    let temporary = format!("{outside}i");
    // The kernel takes its time with the cables of a host that has just ended.
    let _ = ip(&format!("link delete {outside}"));
    ip(&format!("link add {outside} type veth peer name {temporary}"))?;
    ip(&format!("link set {outside} master {} up", plan.bridge()))?;
    ip(&format!("link set {temporary} netns {pid}"))?;
    for step in [
        "link set lo up".to_owned(),
        format!("link set {temporary} name {INSIDE}"),
    ] {
        on_host(host, &step)?;
    }
    on_host(host, &format!("address add {}/24 dev {INSIDE}", host.address))?;
    restore(plan, host)
}

/// Brings a host's cable up and sets what the kernel forgets when it is down; also good for a host that lacks nothing.
pub(crate) fn restore(plan: &Plan, host: &Host) -> Result<()> {
    on_host(host, &format!("link set {INSIDE} up"))?;
    let blackhole = plan.blackhole_address();
    on_host(
        host,
        &format!("neighbor replace {blackhole} lladdr {NOBODY} dev {INSIDE} nud permanent"),
    )?;
    for worker in plan.workers().iter().filter(|worker| worker.name != host.name) {
        on_host(
            host,
            &format!("route replace {} via {}", plan.pod_subnet(worker), worker.address),
        )?;
    }
    Ok(())
}

fn on_host(host: &Host, arguments: &str) -> Result<()> {
    host.run("ip", &arguments.split(' ').collect::<Vec<_>>())
        .map(drop)
}

fn ip(arguments: &str) -> Result<()> {
    let output = Command::new("ip")
        .args(arguments.split(' '))
        .output()
        .context("failed to start ip")?;
    if !output.status.success() {
        bail!(
            "ip {arguments}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}
