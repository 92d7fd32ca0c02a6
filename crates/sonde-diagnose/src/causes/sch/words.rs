//! Amounts, reasons and changes as people say them.

use crate::wording::count;
use sonde_model::{bytes_text, cpu_text};
use sonde_schedule::{Affinity, Miss, NodeFit, Rejection};
use sonde_world::view::Taint;

/// `1.5 CPU`, `512Mi memory`, `2 nvidia.com/gpu`.
pub(super) fn amount(resource: &str, amount: i64) -> String {
    match resource {
        "cpu" => format!("{} CPU", cpu_text(amount)),
        "memory" | "ephemeral-storage" => format!("{} {resource}", bytes_text(amount)),
        other if other.starts_with("hugepages-") => format!("{} {other}", bytes_text(amount)),
        other => format!("{amount} {other}"),
    }
}

/// `dedicated=gpu:NoSchedule`.
pub(super) fn taint(taint: &Taint) -> String {
    let value = if taint.value.is_empty() {
        String::new()
    } else {
        format!("={}", taint.value)
    };
    format!("{}{value}:{}", taint.key, taint.effect)
}

/// Why a taint is there, where its key tells.
pub(super) fn taint_reason(taint: &Taint) -> &'static str {
    match taint.key.as_str() {
        "node.kubernetes.io/unschedulable" => "the node is cordoned",
        "node.kubernetes.io/not-ready" => "the node is not ready",
        "node.kubernetes.io/unreachable" => "the node does not report",
        "node.kubernetes.io/memory-pressure" => "the node is short of memory",
        "node.kubernetes.io/disk-pressure" => "the node is short of disk space",
        "node.kubernetes.io/pid-pressure" => "the node is short of process ids",
        "node.kubernetes.io/network-unavailable" => "the node's network is not set up",
        "node.kubernetes.io/out-of-service" => "an administrator declared the node out of service",
        "node.cloudprovider.kubernetes.io/uninitialized" => {
            "the cloud provider's controller has not initialized the node"
        }
        "node.cloudprovider.kubernetes.io/shutdown" => "the cloud provider says that the machine is off",
        key if key.ends_with("agent-not-ready") => "an agent on the node has not started yet",
        key if key.starts_with("node-role.kubernetes.io/") => "the node is kept for the control plane",
        _ => "someone keeps the node for certain pods",
    }
}

fn miss(miss: &Miss) -> String {
    let requirement = miss.requirement.requirement.text();
    match &miss.actual {
        Some(actual) => format!("{requirement} wanted, the node has {actual}"),
        None => format!("{requirement} wanted, the node has no such label"),
    }
}

fn misses(list: &[Miss]) -> String {
    let texts: Vec<String> = list.iter().map(miss).collect();
    if texts.is_empty() {
        "the affinity's terms are empty and match no node".to_owned()
    } else {
        texts.join("; ")
    }
}

/// A reason against a node with its numbers.
pub(super) fn rejection(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Unschedulable => "cordoned".to_owned(),
        Rejection::NodeName { wanted } => format!("the pod names node {wanted}"),
        Rejection::Taint(it) => format!("taint {} ({})", taint(it), taint_reason(it)),
        Rejection::NodeAffinity(list) => misses(list),
        Rejection::HostPort {
            port,
            protocol,
            held_by,
        } => format!(
            "host port {port}/{protocol} is taken by {held_by} in {}",
            held_by.namespace
        ),
        Rejection::TooManyPods { pods, max } => format!("{} of at most {max}", count(pods, "pod")),
        Rejection::Insufficient {
            resource,
            requested,
            used: Some(used),
            allocatable,
        } => format!(
            "{} wanted, {} free ({} of {} requested)",
            amount(resource, *requested),
            amount(resource, allocatable.saturating_sub(*used).max(0)),
            amount(resource, *used),
            amount(resource, *allocatable),
        ),
        Rejection::Insufficient {
            resource,
            requested,
            used: None,
            allocatable,
        } => format!(
            "{} wanted, {} there in all; what its pods request was not read",
            amount(resource, *requested),
            amount(resource, *allocatable),
        ),
        Rejection::ReadWriteOncePod { claim, holder } => {
            format!("claim {claim} is for one pod only and {holder} uses it")
        }
        Rejection::VolumeLimit {
            driver,
            attached,
            wanted,
            limit,
        } => format!(
            "{attached} of {} of {driver} attached, {wanted} more wanted",
            count(limit, "volume")
        ),
        Rejection::VolumeNodeAffinity {
            volume, misses: list, ..
        } => {
            format!("volume {volume} cannot be reached: {}", misses(list))
        }
        Rejection::VolumeGone { claim, volume } => {
            format!("claim {claim} is bound to volume {volume}, which does not exist")
        }
        Rejection::NoVolume {
            claim,
            class,
            elsewhere,
            selected_node,
        } => match selected_node {
            Some(node) => format!("the volume of claim {claim} is being made for node {node}"),
            None if *elsewhere => format!("class {class} makes no volume there for claim {claim}"),
            None => format!("no volume of class {class} there fits claim {claim}, and the class makes none"),
        },
        Rejection::VolumeZone {
            volume,
            key,
            values,
            actual,
            ..
        } => format!(
            "volume {volume} is in {key}={}, the node in {}",
            values.join(","),
            actual.as_deref().unwrap_or("none")
        ),
        Rejection::SpreadLabelMissing { key } => {
            format!("the pods are spread by label {key}, which the node does not have")
        }
        Rejection::Spread {
            key,
            value,
            pods,
            minimum,
            max_skew,
            domains,
            min_domains,
        } => {
            let few = if domains < min_domains {
                format!("; {} of at least {min_domains}", count(domains, "domain"))
            } else {
                String::new()
            };
            format!("{key}={value} has {pods} of these pods, the emptiest {minimum}, maxSkew {max_skew}{few}")
        }
        Rejection::PodAffinity {
            selector,
            key,
            value,
            nowhere,
        } => match (nowhere, value) {
            (true, _) => format!("no pod {selector} runs anywhere"),
            (false, Some(value)) => format!("no pod {selector} in {key}={value}"),
            (false, None) => format!("the node has no label {key}"),
        },
        Rejection::PodAntiAffinity {
            rule,
            with,
            key,
            value,
        } => match rule {
            Affinity::Own => format!("{with} is in {key}={value}, and the pod must not be near it"),
            Affinity::Existing => format!("{with} is in {key}={value} and does not want the pod near it"),
        },
    }
}

/// Everything against a node.
pub(super) fn node(node: &NodeFit) -> String {
    let reasons: Vec<String> = node.rejections.iter().map(rejection).collect();
    format!("{}: {}", node.node, reasons.join("; "))
}
