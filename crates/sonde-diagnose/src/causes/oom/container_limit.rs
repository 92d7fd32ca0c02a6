//! OOM-CONTAINER-LIMIT: the kernel killed the container's main process because the container had reached its own
//! memory limit.

use sonde_grammar::Fact;
use sonde_grammar::fact::{NodeFact, OomConstraint, OomKill};
use sonde_model::{Code, Kind, Risk, bytes_text};

use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("OOM-CONTAINER-LIMIT"),
    title: "killed at the container's memory limit",
    explains: &[Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("OOM-CONTAINER-LIMIT"),
};

/// 128 + SIGKILL.
const KILLED: i64 = 137;

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(run) = &facts.episode.run else { return };
    let kills = facts.oom_kills();
    let says_oom = run.end.reason == "OOMKilled";
    if run.end.exit_code != KILLED {
        return;
    }
    let ended = facts.field(&run.path, format!("exitCode: 137, reason: {}", run.end.reason));
    let Some((container, path)) = facts.container() else { return };
    let limit = container.limit("memory");
    if let Some((_, seen)) = kills.iter().find(|(kill, _)| spares_container(kill)) {
        case.refuted_by(seen.clone(), "the kernel names another limit than the container's");
        return;
    }
    let at_limit = kills.into_iter().find(|(kill, _)| kill.is_container_limit());
    let Some(limit) = limit else {
        if says_oom && !facts.is_partial() {
            let seen = facts.field(&format!("{path}.resources.limits"), "no memory limit");
            case.refuted_by(seen, "the container has no memory limit to reach");
        }
        return;
    };
    let limit_seen = facts.field(&format!("{path}.resources.limits.memory"), limit);
    match &at_limit {
        Some((_, seen)) => {
            case.proven_by(seen.clone());
        }
        None if says_oom && node_was_short(facts).is_none() && !has_pod_limit(facts) => {
            case.proven_by(ended.clone());
        }
        None if says_oom => {
            case.supported_by(ended.clone());
        }
        None => {}
    }
    let name = &container.name;
    let limit_bytes = limit.quantity().map_or(0, sonde_model::Quantity::units);
    case.step(format!("container {name} may use {} of memory", bytes_text(limit_bytes)), [limit_seen]);
    if let Some((kill, seen)) = &at_limit {
        case.step(kill_text(kill), [seen.clone()]);
    } else {
        // The kernel's line carries the usage at death; without it the numbers are missing, not the cause.
        if let Some(want) = facts.want_kernel_log() {
            case.wants(want, "whether the kernel killed the process for memory, at which limit and with what usage");
        }
    }
    case.step("the kernel killed its main process (SIGKILL, exit code 137)", [ended]);
    let limit_text = bytes_text(limit_bytes);
    case.headline(format!("container {name} was killed because it needs more than its memory limit of {limit_text}"));
    let workload = facts.workload();
    case.fix(
        format!("give {name} a higher memory limit, if what it does needs more than {limit_text}"),
        format!(
            "kubectl set resources {} -c {name} --limits=memory={}",
            workload.kubectl(),
            bytes_text(limit_bytes.saturating_mul(2)).replace(' ', "")
        ),
        Risk::Restart,
    );
    case.advice(
        "if its memory grows without end, a higher limit only delays the kill: look at its usage over time",
        Risk::None,
    );
}

/// The kernel says that another limit was hit: the pod's, kubepods', or the machine's.
fn spares_container(kill: &OomKill) -> bool {
    kill.constraint == Some(OomConstraint::Global) || (kill.limit_cgroup.is_some() && !kill.is_container_limit())
}

fn has_pod_limit(facts: &Facts<'_>) -> bool {
    facts.pod().spec.resources.as_ref().is_some_and(|it| it.limits.contains_key("memory"))
}

/// The kubelet's own report of a kill for the whole machine's memory, within the run.
fn node_was_short(facts: &Facts<'_>) -> Option<Seen> {
    let node = facts.node_ref()?;
    facts.snapshot.events_about(&node).into_iter().find_map(|event| {
        let event = event.event()?;
        let says = sonde_grammar::message::facts(&event.reason, &event.message);
        let system = says.iter().any(|fact| matches!(fact, Fact::Node(NodeFact::SystemOom { .. })));
        (system && facts.episode.covers(event.last)).then(|| facts.field("event", &event.message))
    })
}

fn kill_text(kill: &OomKill) -> String {
    let kib = |kib: Option<u64>| kib.and_then(|kib| i64::try_from(kib).ok()).map(|kib| bytes_text(kib * 1024));
    match (kib(kill.usage_kib), kib(kill.limit_kib)) {
        (Some(usage), Some(limit)) => format!("it used {usage} of {limit} when it asked for more"),
        _ => "it reached the limit and asked for more".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    fn limited(status: Value) -> Value {
        pod(json!({
            "spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]},
            "status": {"containerStatuses": [status]}
        }))
    }

    #[test]
    fn found_when_the_status_says_oom_and_there_is_a_limit() {
        let outcome = Scene::new().object(limited(crashed(137, "OOMKilled"))).diagnose();
        let finding = outcome.finds_only("OOM-CONTAINER-LIMIT", Verdict::Proven);
        assert!(finding.headline.contains("64Mi"), "{}", finding.headline);
        assert!(!outcome.wants.is_empty(), "the kernel's numbers are wanted");
    }

    #[test]
    fn refuted_when_the_liveness_probe_killed_it() {
        let outcome = Scene::new()
            .object(limited(crashed(137, "Error")))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                "Container app failed liveness probe, will be restarted",
                "2026-03-01T11:57:30Z",
            )
            .diagnose();
        outcome.lacks("OOM-CONTAINER-LIMIT");
    }

    #[test]
    fn refuted_without_a_limit() {
        let unlimited = pod(json!({"status": {"containerStatuses": [crashed(137, "OOMKilled")]}}));
        Scene::new().object(unlimited).diagnose().lacks("OOM-CONTAINER-LIMIT").rules_out("OOM-CONTAINER-LIMIT");
    }

    #[test]
    fn unknown_when_nobody_says_who_sent_the_signal() {
        let outcome = Scene::new().object(limited(crashed(137, "Error"))).diagnose();
        outcome.does_not_claim("OOM-CONTAINER-LIMIT");
    }

    #[test]
    fn silent_on_a_healthy_pod() {
        Scene::new().object(limited(status(json!({})))).diagnose().is_calm();
    }

    #[test]
    fn over_when_it_has_run_well_since() {
        let recovered = status(json!({
            "restartCount": 1,
            "state": {"running": {"startedAt": "2026-03-01T11:20:00Z"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled",
                "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T11:19:58Z"}}
        }));
        let outcome = Scene::new().object(limited(recovered)).diagnose();
        assert!(outcome.is_calm().finding("OOM-CONTAINER-LIMIT").ended.is_some());
    }
}
