//! What makes a probe's answers slow: the CPU limit, the node, or the application.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use sonde_grammar::Fact;
use sonde_grammar::fact::{NodeFact, ProbeOutcome};
use sonde_model::{Kind, Moment as _, ObjectRef, Quantity, cpu_text};
use sonde_world::EventColumns;
use sonde_world::view::{Pod, ResourceList};

use super::past::lost_readiness;
use super::{Failing, Why};
use crate::{Case, Facts, Seen, field_on};

/// So many other workloads of a node whose probes time out at once show a slow node. A guess.
const WITNESSES_MIN: usize = 3;
/// "At once": probes of a loaded node begin to fail, and end to fail, within minutes of each other. A guess.
const TOGETHER: SignedDuration = SignedDuration::from_mins(3);
/// A probe that timed out more often than this has a trouble of its own. A guess.
const WITNESS_FAILURES_MAX: i64 = 20;
/// A container at this share of its CPU limit is throttled, in percent. A guess.
const AT_LIMIT_PERCENT: i64 = 90;
/// A container that is stopped in half of its periods is at its limit; kubernetes-mixin's alert CPUThrottlingHigh, which
/// accuses nobody, begins at a quarter.
const THROTTLED_PERCENT: u64 = 50;
/// So many periods of 100 ms tell more than a start does.
const PERIODS_MIN: u64 = 100;

impl Failing<'_> {
    /// What makes the answers slow.
    pub(super) fn slow(&self, facts: &Facts<'_>) -> Why {
        if let Cpu::AtLimit(seen) = cpu(facts) {
            return Why::TimeoutCpuLimit(seen);
        }
        // A probe that never passed needs no node to be slow.
        let Some(last) = self
            .message
            .seen
            .time
            .filter(|_| self.passed_before(facts).is_some())
        else {
            return Why::Timeout;
        };
        let first = self.message.first.unwrap_or(last);
        let others = witnesses(facts, first, last);
        if others.len() < WITNESSES_MIN {
            return Why::Timeout;
        }
        let strain = strain(facts, first, last);
        Why::TimeoutNodeLoad { others, strain }
    }
}

/// Whether other workloads of the node could not be looked at, so that their silence says nothing.
pub(crate) fn is_alone_at_hand(facts: &Facts<'_>) -> bool {
    !facts.snapshot.is_complete_everywhere(&Kind::Pod)
}

/// Usage as the metrics API has it (`metrics.k8s.io`), where the source brings it.
#[derive(serde::Deserialize)]
struct PodMetrics {
    #[serde(default)]
    containers: Vec<ContainerMetrics>,
}

#[derive(serde::Deserialize)]
struct ContainerMetrics {
    #[serde(default)]
    name: String,
    #[serde(default)]
    usage: ResourceList,
}

/// What is known of the episode's container and its CPU limit.
pub(crate) enum Cpu {
    /// It has none.
    NoLimit,
    /// It is stopped at it, or uses all of it.
    AtLimit(Seen),
    /// It stays below it.
    Below(Seen),
    /// Neither counters nor metrics are at hand.
    NotKnown,
}

/// Whether the CPU limit holds the episode's container back: by the kernel's counters, else by its usage.
pub(crate) fn cpu(facts: &Facts<'_>) -> Cpu {
    let Some((container, path)) = facts.container() else {
        return Cpu::NotKnown;
    };
    let limit = container
        .limit("cpu")
        .and_then(|it| it.quantity())
        .map(Quantity::milli);
    let Some(limit) = limit.filter(|it| *it > 0) else {
        return Cpu::NoLimit;
    };
    if let Some((read, seen)) = facts.throttling().filter(|(read, _)| read.periods >= PERIODS_MIN) {
        return if read.percent() >= THROTTLED_PERCENT {
            Cpu::AtLimit(seen)
        } else {
            Cpu::Below(seen)
        };
    }
    let subject = &facts.episode.subject;
    let reference = ObjectRef::new(
        Kind::Other("PodMetrics".into()),
        &subject.namespace,
        &subject.name,
    );
    let used = facts.snapshot.view::<PodMetrics>(&reference).and_then(|metrics| {
        let usage = metrics.containers.iter().find(|it| it.name == container.name)?;
        usage.usage.get("cpu")?.quantity().map(Quantity::milli)
    });
    let Some(used) = used else { return Cpu::NotKnown };
    let seen = field_on(
        &reference,
        &format!(
            "cpu usage of {} against {path}.resources.limits.cpu",
            container.name
        ),
        format!("{} used of {}", cpu_text(used), cpu_text(limit)),
    );
    if used.saturating_mul(100) >= limit.saturating_mul(AT_LIMIT_PERCENT) {
        Cpu::AtLimit(seen)
    } else {
        Cpu::Below(seen)
    }
}

/// Asks for the counters where the container has a CPU limit and nothing tells whether it is reached.
pub(crate) fn want_counters(facts: &Facts<'_>, case: &mut Case) {
    if matches!(cpu(facts), Cpu::NotKnown)
        && let Some(want) = facts.want_counters()
    {
        case.wants(want, "whether its CPU limit throttles the container");
    }
}

/// Probes of other workloads' pods on the same node that usually pass, and timed out in the same minutes, one for each
/// workload.
fn witnesses(facts: &Facts<'_>, first: Timestamp, last: Timestamp) -> Vec<Seen> {
    let Some(node) = facts.node_ref() else {
        return Vec::new();
    };
    let own = facts.workload();
    let mut workloads = BTreeSet::new();
    let mut seen = Vec::new();
    for pod in facts.snapshot.pods_on_node(&node.name) {
        let owner = facts.snapshot.root_owner(&pod.reference);
        if owner == own || workloads.contains(&owner) {
            continue;
        }
        let events = facts.snapshot.events_about(&pod.reference);
        let timed_out: Vec<&EventColumns> = events
            .iter()
            .filter_map(|event| event.event())
            .filter(|event| event.reason.as_ref() == "Unhealthy" && is_time_out(event))
            .collect();
        let together = timed_out.iter().find(|event| {
            let begun = event.first.or(event.last);
            near(event.last, last) && (near(begun, first) || near(begun, last))
        });
        let Some(event) = together else { continue };
        let times: i64 = timed_out.iter().map(|event| event.count.max(1)).sum();
        if times > WITNESS_FAILURES_MAX || !usually_passes(facts, &pod.reference) {
            continue;
        }
        let mut it = field_on(&pod.reference, "event Unhealthy", &event.message);
        it.time = event.last;
        workloads.insert(owner);
        seen.push(it);
    }
    seen
}

fn near(time: Option<Timestamp>, moment: Timestamp) -> bool {
    time.is_some_and(|time| time.duration_since(moment).abs() <= TOGETHER)
}

fn is_time_out(event: &EventColumns) -> bool {
    let said = sonde_grammar::message::facts(&event.reason, &event.message);
    said.iter().any(|fact| {
        matches!(fact, Fact::Probe(it) if matches!(it.outcome, ProbeOutcome::AnswerTimeout { .. } | ProbeOutcome::CommandTimeout))
    })
}

/// The pod is ready, or was in the present runs of its containers.
fn usually_passes(facts: &Facts<'_>, pod: &ObjectRef) -> bool {
    facts.snapshot.view::<Pod>(pod).is_some_and(|view| {
        let ready = view
            .condition("ContainersReady")
            .or_else(|| view.condition("Ready"));
        ready.is_some_and(|it| it.is_true())
            || view
                .status
                .container_statuses
                .iter()
                .find(|status| !status.ready)
                .is_some_and(|status| lost_readiness(&view, status).is_some())
    })
}

/// The node's own word that it is short of something, or cannot keep up.
fn strain(facts: &Facts<'_>, first: Timestamp, last: Timestamp) -> Option<Seen> {
    const PRESSURES: [&str; 3] = ["MemoryPressure", "DiskPressure", "PIDPressure"];
    let reference = facts.node_ref()?;
    let pressed = facts.node().and_then(|node| {
        let conditions = node.status.conditions;
        conditions
            .into_iter()
            .find(|it| PRESSURES.contains(&it.kind.as_str()) && it.is_true())
    });
    if let Some(condition) = pressed {
        return Some(field_on(
            &reference,
            &format!("condition {}", condition.kind),
            format!("True: {}", condition.message),
        ));
    }
    let heard = facts.node_heard(first.earlier(TOGETHER), last.later(TOGETHER), |fact| match fact {
        Fact::Node(
            NodeFact::Pressure { .. }
            | NodeFact::PlegUnhealthy { .. }
            | NodeFact::Reclaiming { .. }
            | NodeFact::SystemOom { .. },
        ) => Some(()),
        _ => None,
    });
    heard.map(|((), seen)| seen)
}
