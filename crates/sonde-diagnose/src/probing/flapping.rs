//! A readiness probe that passes and fails in turns: at each moment the pod looks well, or only just unready.

use jiff::{SignedDuration, Timestamp};
use sonde_grammar::Fact;
use sonde_grammar::fact::ProbeKind;
use sonde_world::view::{Container, Probe};

use crate::{Facts, Message};

/// The word of an episode of a container that is ready at the moment.
pub(crate) const AT_TIMES: &str = "unready at times";

/// So many failures are no accident, and one outage of fewer is over; guesses.
const TIMES_LEAST: i64 = 5;
const SPAN_LEAST: SignedDuration = SignedDuration::from_mins(1);
/// After so long without a failure it has settled; a guess.
const SETTLED: SignedDuration = SignedDuration::from_mins(10);
/// A kubelet's client sends 25 events about one pod at once, then one every five minutes
/// (`client-go/tools/record/events_cache.go`); from about so many on, a count says nothing of what lies between.
const COUNTED: i64 = 20;
/// Times of events and statuses differ by this much; a guess.
const SLACK: i64 = 5;

/// The failures of a container's readiness probe in its present run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Failures {
    /// How often at least.
    pub(crate) times: i64,
    /// First and last.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
}

impl Failures {
    /// Counts what an event tells of.
    pub(crate) fn add(&mut self, count: i64, first: Option<Timestamp>, last: Option<Timestamp>) {
        let Some(last) = last else { return };
        let first = first.unwrap_or(last).min(last);
        self.times = self.times.saturating_add(count.max(1));
        self.span = Some(match self.span {
            Some((begin, end)) => (begin.min(first), end.max(last)),
            None => (first, last),
        });
    }

    /// The failures of the episode's container since its present run began.
    pub(crate) fn of(facts: &Facts<'_>) -> Option<Self> {
        let started = facts.status()?.0.state.running.as_ref()?.started_at.0?;
        let mut all = Failures::default();
        for message in facts.all_messages().filter(|it| is_readiness(it)) {
            if message.seen.time.is_some_and(|last| last >= started) {
                all.add(message.count, message.first, message.seen.time);
            }
        }
        Some(all)
    }

    /// "24 times in 3 minutes".
    pub(crate) fn words(&self) -> String {
        let span = self
            .span
            .map_or(SignedDuration::ZERO, |(first, last)| last.duration_since(first));
        let lasted = match span.as_secs() {
            seconds if seconds < 120 => format!("{seconds} seconds"),
            seconds if seconds < 7200 => format!("{} minutes", seconds / 60),
            seconds => format!("{} hours", seconds / 3600),
        };
        format!("{} times in {lasted}", self.times)
    }

    /// The probe passed before it began to fail, failed often and spread over time, and did so lately.
    pub(crate) fn come_and_go(
        &self,
        container: &Container,
        started: Option<Timestamp>,
        now: Option<Timestamp>,
    ) -> bool {
        let Some(((first, last), probe)) = self.span.zip(container.readiness_probe.as_ref()) else {
            return false;
        };
        let span = last.duration_since(first);
        if self.times < TIMES_LEAST || span < SPAN_LEAST {
            return false;
        }
        let passed = started
            .is_some_and(|started| first.duration_since(started).as_secs() > first_answer(container, probe));
        let lately = now.is_some_and(|now| now.duration_since(last) < SETTLED);
        // Failures as close as the probe asks are one outage, which is over.
        let one_outage = self.times < COUNTED
            && self.times.saturating_mul(probe.period()).saturating_mul(3) > span.as_secs().saturating_mul(2);
        passed && lately && !one_outage
    }

    /// It has failed for longer than it is unready: it was ready in between.
    pub(crate) fn was_ready_between(&self, container: &Container, unready_since: Option<Timestamp>) -> bool {
        let Some(((first, _), probe)) = self.span.zip(container.readiness_probe.as_ref()) else {
            return false;
        };
        // From the first failure to the condition that tells.
        let one_outage = probe
            .period()
            .saturating_mul(probe.failures().saturating_add(1))
            .saturating_add(probe.timeout())
            .saturating_add(2 * SLACK);
        self.times >= TIMES_LEAST
            && unready_since.is_some_and(|since| since.duration_since(first).as_secs() > one_outage)
    }
}

/// Seconds after its start until the first answer of the probe, whatever it is. An application that is not up by then
/// starts slowly, and its failures are those of its start.
fn first_answer(container: &Container, probe: &Probe) -> i64 {
    let startup = container.startup_probe.as_ref().map_or(0, |startup| {
        startup.budget_seconds().saturating_add(startup.timeout())
    });
    probe
        .initial_delay_seconds
        .max(startup)
        .saturating_add(probe.period())
        .saturating_add(probe.timeout())
        .saturating_add(SLACK)
}

fn is_readiness(message: &Message) -> bool {
    message
        .facts
        .iter()
        .any(|fact| matches!(fact, Fact::Probe(it) if it.probe == ProbeKind::Readiness))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::{Severity, Verdict};

    use crate::testing::{Scene, pod, status};

    const ABSENT: &str = "Readiness probe failed: cat: can't open '/ok': No such file or directory";

    /// A container that runs since 11:00, `ready` since 11:59:50 or not, whose readiness probe asks every two seconds; its
    /// failures: how often, first and last.
    fn scene(ready: bool, times: i64, first: &str, last: &str) -> Scene {
        let since = "2026-03-01T11:59:50Z";
        let word = if ready { "True" } else { "False" };
        let it = pod(json!({
            "spec": {"containers": [{"name": "app", "readinessProbe":
                {"exec": {"command": ["cat", "/ok"]}, "periodSeconds": 2, "failureThreshold": 1}}]},
            "status": {
                "conditions": [
                    {"type": "PodScheduled", "status": "True"},
                    {"type": "ContainersReady", "status": word, "lastTransitionTime": since},
                    {"type": "Ready", "status": word, "lastTransitionTime": since}],
                "containerStatuses": [status(json!({"ready": ready, "state": {"running": {"startedAt": "2026-03-01T11:00:00Z"}}}))]
            }
        }));
        let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "app-1.1", "namespace": "shop"},
            "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "app-1", "fieldPath": "spec.containers{app}"},
            "type": "Warning", "reason": "Unhealthy", "message": ABSENT, "count": times,
            "firstTimestamp": first, "lastTimestamp": last});
        Scene::new().object(it).object(event)
    }

    /// Each row: how often, first and last; whether a container that is ready now is told.
    #[test]
    fn a_container_that_is_ready_at_the_moment_is_told_when_it_comes_and_goes() {
        for (times, first, last, told, why) in [
            (
                24,
                "2026-03-01T11:56:40Z",
                "2026-03-01T11:59:48Z",
                true,
                "comes and goes",
            ),
            (
                18,
                "2026-03-01T11:57:00Z",
                "2026-03-01T11:59:48Z",
                true,
                "comes and goes, few events yet",
            ),
            (
                1,
                "2026-03-01T11:59:48Z",
                "2026-03-01T11:59:48Z",
                false,
                "a single blip",
            ),
            (4, "2026-03-01T11:56:00Z", "2026-03-01T11:59:48Z", false, "blips"),
            (
                19,
                "2026-03-01T11:59:10Z",
                "2026-03-01T11:59:48Z",
                false,
                "one short outage",
            ),
            (
                24,
                "2026-03-01T11:00:02Z",
                "2026-03-01T11:59:48Z",
                false,
                "a slow start",
            ),
            (
                24,
                "2026-03-01T10:30:00Z",
                "2026-03-01T11:59:48Z",
                false,
                "failures of an earlier run as well",
            ),
            (
                24,
                "2026-03-01T11:10:00Z",
                "2026-03-01T11:40:00Z",
                false,
                "over for long",
            ),
        ] {
            let outcome = scene(true, times, first, last).diagnose();
            if !told {
                assert!(outcome.report.findings.is_empty(), "{why}: {}", outcome.summary());
                continue;
            }
            let finding = outcome.finds_only("RDY-EXEC-PROBE-FAILS", Verdict::Proven);
            assert_eq!(finding.severity, Severity::Warning, "{why}");
            assert!(
                finding
                    .headline
                    .contains("is ready now, but its readiness probe failed"),
                "{why}: {}",
                finding.headline
            );
        }
    }

    #[test]
    fn one_that_is_unready_at_the_moment_is_told_with_its_turns() {
        for (times, first, turns) in [
            (24, "2026-03-01T11:56:40Z", true),
            (5, "2026-03-01T11:59:48Z", false),
        ] {
            let outcome = scene(false, times, first, "2026-03-01T11:59:58Z").diagnose();
            let finding = outcome.finds_only("RDY-EXEC-PROBE-FAILS", Verdict::Proven);
            assert_eq!(finding.severity, Severity::Error);
            assert_eq!(
                finding.headline.contains("ready and unready in turns"),
                turns,
                "{}",
                finding.headline
            );
        }
    }
}
