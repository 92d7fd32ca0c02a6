//! Changes that were tried on a copy of the cluster, as things to do.

use sonde_model::{Kind, ObjectRef, Risk};
use sonde_schedule::{Change, Holder, Preemption, PreemptionPlan, Remedy, Unknown};
use sonde_world::view::{Deployment, ReplicaSet};

use super::words;
use crate::placement::Placement;
use crate::{Case, Facts};

/// Adds every change that helps, the least intrusive first, and what preemption could do.
pub(super) fn add(facts: &Facts<'_>, case: &mut Case, placement: &Placement) {
    let cluster = facts.placements.cluster();
    let remedies = placement.remedies(cluster);
    for remedy in remedies {
        one(facts, case, remedy, tried(placement));
    }
    if remedies.is_empty() {
        all_at_once(case, placement);
    }
    match placement.preemption(cluster) {
        Some(Preemption::Possible(plans)) => {
            if let Some(plan) = plans.first() {
                case.step(
                    "the scheduler may make room by itself: pods of lower priority are in the way",
                    [super::stated::computed(facts, plan_text(plan))],
                );
            }
        }
        Some(Preemption::Never) => {
            let seen = facts.field("spec.preemptionPolicy", "Never");
            case.step(
                "the pod's priority class forbids to remove pods of lower priority",
                [seen],
            );
        }
        _ => {}
    }
}

/// No single change helps: everything that stands in the way on the node that is nearest to taking the pod.
fn all_at_once(case: &mut Case, placement: &Placement) {
    let nearest = placement
        .fit
        .nodes
        .iter()
        .filter(|node| node.rejections.len() > 1);
    let Some(node) = nearest.min_by_key(|node| node.rejections.len()) else {
        return;
    };
    let obstacles: Vec<String> = node.rejections.iter().map(words::rejection).collect();
    case.advice(
        format!(
            "no single change makes it fit; on {}, the nearest, all of this stands in the way: {}",
            node.node,
            obstacles.join("; ")
        ),
        Risk::None,
    );
}

fn plan_text(plan: &PreemptionPlan) -> String {
    format!("on {}: {}", plan.node, names(&plan.victims))
}

pub(super) fn names(pods: &[ObjectRef]) -> String {
    let texts: Vec<String> = pods
        .iter()
        .take(5)
        .map(|pod| format!("{pod} in {}", pod.namespace))
        .collect();
    let more = pods.len().saturating_sub(5);
    if more > 0 {
        format!("{} and {more} more", texts.join(", "))
    } else {
        texts.join(", ")
    }
}

/// The biggest holders of a resource.
pub(super) fn holders(resource: &str, holders: &[Holder]) -> String {
    let texts: Vec<String> = holders
        .iter()
        .take(3)
        .map(|holder| {
            format!(
                "{} in {} ({})",
                holder.pod,
                holder.pod.namespace,
                words::amount(resource, holder.amount)
            )
        })
        .collect();
    texts.join(", ")
}

/// What stands behind "the pod fits there then".
fn tried(placement: &Placement) -> &'static str {
    if placement.fit.unknowns.contains(&Unknown::Pods) {
        "tried with the scheduler's filters, beside the pods that are known"
    } else {
        "tried with the scheduler's filters"
    }
}

fn one(facts: &Facts<'_>, case: &mut Case, remedy: &Remedy, tried: &str) {
    let node = &remedy.node;
    let workload = facts.workload();
    match &remedy.change {
        Change::RemovePods { node, pods } => {
            // A sibling that leaves is made anew and wants the same place.
            if pods.iter().any(|pod| facts.snapshot.root_owner(pod) == workload) {
                make_way(facts, case, &workload);
                return;
            }
            case.advice(
                format!(
                    "let {} leave node {node}; the pod fits there then ({tried})",
                    names(pods)
                ),
                Risk::Wide,
            );
        }
        Change::LowerRequest { resource, from, to } => {
            let text = format!(
                "ask for at most {} instead of {}; the pod fits on {node} then ({tried})",
                words::amount(resource, *to),
                words::amount(resource, *from)
            );
            match set_resources(facts, &workload, resource, from.saturating_sub(*to)) {
                Some(command) => case.fix(text, command, Risk::Restart),
                None => case.advice(text, Risk::Restart),
            };
        }
        Change::Tolerate(taint) => {
            let value = if taint.value.is_empty() {
                "operator: Exists".to_owned()
            } else {
                format!("operator: Equal, value: {:?}", taint.value)
            };
            let used = match remedy.used_by.as_slice() {
                [] => String::new(),
                [one] => format!("; {one} tolerates it already"),
                some => format!("; {} tolerate it already", names(some)),
            };
            case.advice(
                format!(
                    "if these nodes are meant for it, add to the pod template: tolerations: [{{key: {:?}, {value}, effect: {}}}]; the pod fits on {node} then ({tried}){used}",
                    taint.key, taint.effect
                ),
                Risk::Restart,
            );
        }
        Change::Uncordon(node) => {
            case.fix(
                format!("let node {node} take pods again; the pod fits there then ({tried})"),
                format!("kubectl uncordon {node}"),
                Risk::Wide,
            );
        }
        Change::Correct {
            requirement,
            key,
            value,
        } => correct(case, &workload, requirement, (key, value), node, tried),
        Change::LabelNode { node, key, value } => {
            case.fix(
                format!("if node {node} is meant, give it the label; the pod fits there then ({tried})"),
                format!("kubectl label node {node} {key}={value}"),
                Risk::Wide,
            );
        }
        Change::AddNode { like } => {
            let shape = facts
                .placements
                .cluster()
                .node(like)
                .map_or_else(String::new, |room| {
                    let offers = &room.columns().allocatable;
                    format!(
                        " ({}, {})",
                        words::amount("cpu", offers.cpu_milli),
                        words::amount("memory", offers.memory)
                    )
                });
            case.advice(
                format!("add a node like {like}{shape}; the pod fits there, before DaemonSets take their part ({tried})"),
                Risk::Wide,
            );
        }
        Change::RemoveGates => {}
    }
}

/// Replicas of one workload take each other's place: fewer of them, or one that goes before the next comes.
fn make_way(facts: &Facts<'_>, case: &mut Case, workload: &ObjectRef) {
    let deployment = (workload.kind == Kind::Deployment)
        .then(|| facts.snapshot.view::<Deployment>(workload))
        .flatten();
    let is_single = deployment
        .as_ref()
        .is_some_and(|it| it.spec.replicas.unwrap_or(1) <= 1);
    if !is_single {
        case.advice(
            "replicas of the same workload hold the place: run fewer of them, or add nodes",
            Risk::Restart,
        );
    }
    let surges = deployment.is_some_and(|it| it.spec.strategy.kind != "Recreate");
    let text = "if this is an update, let the old replica go before the new one comes (maxSurge 0)";
    // Without pods of another revision there is no update that could wait for itself.
    let revisions = facts
        .snapshot
        .owned_by(workload)
        .filter_map(|it| facts.snapshot.view::<ReplicaSet>(&it.reference))
        .filter(|it| it.status.replicas > 0)
        .count();
    if surges && revisions > 1 {
        case.fix(text, without_surge(workload), Risk::Restart);
    }
}

/// The command that lets a Deployment end a replica before it makes the next.
pub(in crate::causes) fn without_surge(deployment: &ObjectRef) -> String {
    format!(
        "kubectl patch {} -p '{{\"spec\":{{\"strategy\":{{\"type\":\"RollingUpdate\",\"rollingUpdate\":{{\"maxSurge\":0,\"maxUnavailable\":1}}}}}}}}'",
        deployment.kubectl()
    )
}

fn correct(
    case: &mut Case,
    workload: &ObjectRef,
    requirement: &sonde_schedule::NodeRequirement,
    (key, value): (&str, &str),
    node: &str,
    tried: &str,
) {
    let text = format!(
        "if {key}={value} was meant instead of {}, correct {}; the pod fits on {node} then ({tried})",
        requirement.requirement.text(),
        requirement.place
    );
    if requirement.place == "spec.nodeSelector" && has_template(&workload.kind) {
        let old = &requirement.requirement.key;
        let removed = if old == key {
            String::new()
        } else {
            format!("{old:?}:null,")
        };
        case.fix(
            text,
            format!(
                "kubectl patch {} --type=strategic -p '{{\"spec\":{{\"template\":{{\"spec\":{{\"nodeSelector\":{{{removed}{key:?}:{value:?}}}}}}}}}}}'",
                workload.kubectl()
            ),
            Risk::Restart,
        );
    } else {
        case.advice(text, Risk::Restart);
    }
}

fn has_template(kind: &Kind) -> bool {
    matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet)
}

/// The command that lowers the request of the container that asks for most.
fn set_resources(facts: &Facts<'_>, workload: &ObjectRef, resource: &str, less: i64) -> Option<String> {
    if !has_template(&workload.kind) || !matches!(resource, "cpu" | "memory") {
        return None;
    }
    let asks = |container: &sonde_world::view::Container| {
        let quantity = container.request(resource)?.quantity()?;
        Some(if resource == "cpu" {
            quantity.milli()
        } else {
            quantity.units()
        })
    };
    let container = facts
        .pod()
        .spec
        .containers
        .iter()
        .max_by_key(|container| asks(container).unwrap_or(0))?;
    let left = asks(container)?.checked_sub(less).filter(|left| *left > 0)?;
    // Whole Mi, rounded down: nobody writes bytes.
    let text = match resource {
        "cpu" => format!("{left}m"),
        _ if left >= 1 << 20 => format!("{}Mi", left >> 20),
        _ => left.to_string(),
    };
    Some(format!(
        "kubectl set resources {} -c {} --requests={resource}={text}",
        workload.kubectl(),
        container.name
    ))
}
