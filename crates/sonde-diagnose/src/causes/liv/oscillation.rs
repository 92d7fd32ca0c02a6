//! LIV-OSCILLATION: under load several replicas answer too slowly, are killed one after the other, and the rest gets
//! still more load.

use crate::wording::{agree, count};
use sonde_grammar::Fact;
use sonde_grammar::fact::ProbeOutcome::{AnswerTimeout, CommandTimeout, ConnectTimeout};
use sonde_grammar::fact::{KillReason, ProbeKind};
use sonde_model::{Code, Kind, Risk, Severity};

use super::killed::{Strong, killed};
use crate::cause::page;
use crate::probing::{Cpu, Why, cpu, want_counters};
use crate::{Case, Cause, Facts, Seen, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LIV-OSCILLATION"),
    title: "killed under load, in turns",
    explains: &[Symptom::Terminated],
    reads: &[Kind::Pod],
    state,
    page: page!("LIV-OSCILLATION"),
};

/// The events of so many replicas are read; more would show the same loop.
const READ_MAX: usize = 32;
/// So many replicas that were killed for time-outs show the loop.
const KILLED_MIN: usize = 2;

struct Replicas {
    total: usize,
    ready: usize,
    restarts: i64,
    /// One line for each replica that was killed for a probe that timed out.
    killed: Vec<Seen>,
}

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(killed) = killed(facts, ProbeKind::Liveness) else {
        return;
    };
    let slow = matches!(
        killed.why,
        Some(Why::Timeout | Why::TimeoutCpuLimit(_) | Why::ExecTimeout)
    );
    if !slow || !outlasted_its_start(facts) {
        return;
    }
    let Some(replicas) = replicas(facts).filter(|it| it.killed.len() >= KILLED_MIN) else {
        return;
    };
    // That they are killed is certain. That load goes round is not: they may wait for one thing behind all of them.
    let throttled = cpu(facts);
    killed.state(facts, case, Strong::Support, "", None);
    for seen in &replicas.killed {
        case.supported_by(seen.clone());
    }
    case.look(
        "whether they are slow by load or wait for one thing behind all of them: CPU use and throttling, and what the probe's answer depends on",
        format!("kubectl top pods --containers -n {}", facts.episode.subject.namespace),
    );
    case.step(
        format!(
            "{} of {} {} killed for answers that came too late, {} in all",
            replicas.killed.len(),
            count(replicas.total, "replica"),
            agree(replicas.killed.len(), "was", "were"),
            count(replicas.restarts, "restart")
        ),
        replicas.killed.iter().cloned(),
    );
    case.step(
        format!(
            "{} of {} {} ready: while one is killed the others carry its load, and answers come late there too",
            replicas.ready,
            count(replicas.total, "replica"),
            agree(replicas.ready, "is", "are"),
        ),
        [facts.computed(
            "pods of the workload",
            format!("{} of {} ready", replicas.ready, replicas.total),
        )],
    );
    let spec = killed.failing.as_ref().and_then(|it| it.spec.as_ref());
    if let Some(limit) = spec.and_then(|(container, ..)| container.limit("cpu")) {
        let mut shown = vec![facts.field("resources.limits.cpu", limit)];
        let counted = match throttled {
            Cpu::AtLimit(seen) => {
                let text = format!(": {}", seen.text);
                shown.push(seen);
                text
            }
            _ => String::new(),
        };
        case.step(
            format!("each may use {limit} CPU and is throttled beyond it{counted}"),
            shown,
        );
        want_counters(facts, case);
    }
    case.headline(format!(
        "the replicas of {} are killed in turns under load: answers come too late, {} of {} are ready, {}",
        facts.workload().name,
        replicas.ready,
        replicas.total,
        count(replicas.restarts, "restart")
    ));
    case.severity(Severity::Critical);
    let patient = spec.and_then(|(_, probe, _)| {
        let (timeout, failures) = (
            probe.timeout().saturating_mul(5),
            probe.failures().saturating_mul(2),
        );
        facts.patch_container(&format!(
            "\"livenessProbe\":{{\"timeoutSeconds\":{timeout},\"failureThreshold\":{failures}}}"
        ))
    });
    let text = "break the loop: let the liveness probe be patient, so that slow replicas are not killed";
    match patient {
        Some(command) => case.fix(text, command, Risk::Restart),
        None => case.advice(text, Risk::Restart),
    };
    case.advice(
        "let only the readiness probe take slow replicas out; give the workload more replicas or CPU",
        Risk::Restart,
    );
}

/// The time-out belongs to the loop; the causes about a single container ask too.
pub(super) fn is_oscillating(facts: &Facts<'_>) -> bool {
    outlasted_its_start(facts) && replicas(facts).is_some_and(|it| it.killed.len() >= KILLED_MIN)
}

/// The run served for a while: its probe did pass.
fn outlasted_its_start(facts: &Facts<'_>) -> bool {
    let probe = facts
        .container()
        .and_then(|(container, _)| container.liveness_probe.as_ref());
    let chances = probe.map_or(30, |probe| probe.budget_seconds().saturating_add(probe.period()));
    facts
        .lived()
        .is_some_and(|lived| lived.as_secs() > chances.saturating_add(facts.pod().grace_seconds()))
}

/// The workload's replicas, and those that were killed for probes that timed out.
fn replicas(facts: &Facts<'_>) -> Option<Replicas> {
    let object = facts.snapshot.get(&facts.episode.subject)?;
    let owner = object.owner.as_ref()?.reference.clone();
    let mut found = Replicas {
        total: 0,
        ready: 0,
        restarts: 0,
        killed: Vec::new(),
    };
    let mut read = 0;
    for pod in facts.snapshot.owned_by(&owner) {
        let Some(columns) = pod.pod().filter(|it| !it.is_terminal()) else {
            continue;
        };
        found.total += 1;
        for container in &columns.containers {
            found.restarts = found.restarts.saturating_add(container.restarts);
        }
        if columns
            .condition("Ready")
            .is_some_and(sonde_world::view::Condition::is_true)
        {
            found.ready += 1;
        }
        if columns.containers.iter().all(|it| it.restarts == 0) || read == READ_MAX {
            continue;
        }
        read += 1;
        let (mut slow, mut kill) = (false, None);
        for event in facts.snapshot.events_about(&pod.reference) {
            let Some(event) = event.event() else { continue };
            for fact in sonde_grammar::message::facts(&event.reason, &event.message) {
                match fact {
                    Fact::Probe(it) if it.probe == ProbeKind::Liveness => {
                        slow |= matches!(
                            it.outcome,
                            AnswerTimeout { .. } | CommandTimeout | ConnectTimeout { .. }
                        );
                    }
                    Fact::Killing {
                        reason: KillReason::Liveness,
                        ..
                    } => {
                        let text = format!("{} (x{})", event.message, event.count);
                        let mut seen = field_on(&pod.reference, "event Killing", text);
                        seen.time = event.last;
                        kill = Some(seen);
                    }
                    _ => {}
                }
            }
        }
        found.killed.extend(kill.filter(|_| slow));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::killed::tests::TIMED_OUT;
    use crate::testing::{Scene, crashed, pod, status};

    const KILLED: &str = "Container app failed liveness probe, will be restarted";

    fn replica(name: &str, sick: bool) -> serde_json::Value {
        let state = if sick {
            crashed(137, "Error")
        } else {
            status(json!({}))
        };
        let mut it = pod(json!({
            "metadata": {"name": name, "uid": name},
            "spec": {"containers": [{"name": "app", "resources": {"limits": {"cpu": "200m"}},
                "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}}}]},
            "status": {"containerStatuses": [state]}
        }));
        if sick {
            it["status"]["conditions"][3]["status"] = "False".into();
        }
        it
    }

    fn kills(mut scene: Scene, name: &str) -> Scene {
        let about = format!("Pod/shop/{name}");
        scene = scene.container_event(&about, "app", "Unhealthy", TIMED_OUT, "2026-03-01T11:57:30Z");
        scene.container_event(&about, "app", "Killing", KILLED, "2026-03-01T11:57:30Z")
    }

    #[test]
    fn found_when_replicas_are_killed_in_turns() {
        let outcome = ["app-1", "app-2"]
            .into_iter()
            .fold(Scene::new().object(replica("app-3", false)), |scene, name| {
                kills(scene.object(replica(name, true)), name)
            })
            .diagnose();
        // What hangs behind all of them looks alike.
        let finding = outcome.finds_only("LIV-OSCILLATION", Verdict::Likely);
        assert!(
            finding.headline.contains("1 of 3 are ready"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn not_found_for_a_single_slow_replica() {
        let scene = Scene::new()
            .object(replica("app-1", true))
            .object(replica("app-2", false));
        let outcome = kills(scene, "app-1").diagnose();
        outcome
            .lacks("LIV-OSCILLATION")
            .finds_only("LIV-TIMEOUT", Verdict::Proven);
    }
}
