//! Whether a probe that fails now has passed before in the same run of its container.

use jiff::SignedDuration;
use sonde_grammar::fact::ProbeKind;
use sonde_world::view::{Condition, ContainerStatus, Pod};

use super::{Failing, run_start};
use crate::{Facts, Seen};

/// A pod's conditions follow a restart of its container with this delay at most. A guess, generous: the kubelet looks
/// every second and writes within ten.
const CONDITIONS_LAG: SignedDuration = SignedDuration::from_secs(15);

impl Failing<'_> {
    /// What shows that the probe passed before in this run.
    pub(crate) fn passed_before(&self, facts: &Facts<'_>) -> Option<Seen> {
        let (container, probe, _) = self.spec.as_ref()?;
        let (status, path) = facts.status()?;
        if let Some(lived) = facts.lived() {
            // A run that outlasts the first failures and its own end passed in between.
            let first_chances = super::first_chances(probe, facts.pod().grace_seconds());
            let startup = container.startup_probe.as_ref().map_or(0, |startup| {
                startup.budget_seconds().saturating_add(startup.timeout())
            });
            let (_, ended) = facts.exit()?;
            return (self.kind != ProbeKind::Readiness
                && lived.as_secs() > first_chances.saturating_add(startup))
            .then_some(ended);
        }
        run_start(facts)?;
        // The startup probe asked the same, and passed.
        if self.kind != ProbeKind::Startup
            && status.started == Some(true)
            && let Some(startup) = &container.startup_probe
            && startup
                .http_get
                .as_ref()
                .zip(probe.http_get.as_ref())
                .is_some_and(|(one, other)| {
                    one.path == other.path && startup.port(container) == probe.port(container)
                })
        {
            return Some(facts.field(&format!("{path}.started"), true));
        }
        if self.kind != ProbeKind::Readiness {
            return None;
        }
        let lost = lost_readiness(facts.pod(), status)?;
        let mut seen = facts.field(
            &format!("condition {}", lost.kind),
            "False: it was ready until then",
        );
        seen.time = lost.last_transition_time.0;
        Some(seen)
    }
}

/// The condition by which the pod was ready in this run of a container, and is no more: a condition changes its time
/// only when it changes.
pub(super) fn lost_readiness<'a>(pod: &'a Pod, status: &ContainerStatus) -> Option<&'a Condition> {
    let start = status.state.running.as_ref()?.started_at.0?;
    ["ContainersReady", "Ready"]
        .iter()
        .filter_map(|kind| pod.condition(kind))
        .find(|it| {
            it.status == "False"
                && it
                    .last_transition_time
                    .0
                    .is_some_and(|time| time.duration_since(start) > CONDITIONS_LAG)
        })
}
