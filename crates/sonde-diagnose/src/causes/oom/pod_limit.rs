//! OOM-POD-LIMIT: the pod's containers together reached the pod's own memory limit.

use sonde_grammar::fact::OomConstraint;
use sonde_model::{Code, Risk, Severity, bytes_text};

use super::kills::{Limit, container_limit, kill_text, kills, last_kill, limit_of, pod_limit};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("OOM-POD-LIMIT"),
    title: "killed at the pod's memory limit",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("OOM-POD-LIMIT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let kill = if facts.is_text() {
        kills(facts).into_iter().next()
    } else {
        last_kill(facts)
    };
    if let Some((kill, seen)) = &kill
        && limit_of(facts, kill).is_some_and(|it| it != Limit::Pod)
    {
        case.refuted_by(seen.clone(), "the kernel names another limit than the pod's");
        return;
    }
    if let Some((kill, seen)) = &kill
        && facts.is_text()
        && kill.constraint == Some(OomConstraint::Cgroup)
        && limit_of(facts, kill).is_none()
    {
        // The line that names the limit is missing; most pods have none of their own.
        case.hinted_by(seen.clone());
        case.step(kill_text(kill), [seen.clone()]);
        let what = kill.process.as_deref().unwrap_or("a process");
        case.headline(format!(
            "the kernel killed {what} because its pod had reached the memory limit of the pod as a whole"
        ));
        return;
    }
    let at_pod = kill.filter(|(kill, _)| limit_of(facts, kill) == Some(Limit::Pod));
    let exit = facts.exit();
    let says_oom = facts
        .episode
        .run
        .as_ref()
        .is_some_and(|run| run.end.reason == "OOMKilled");
    let limit = pod_limit(facts);
    match (&at_pod, &exit) {
        (Some((_, seen)), _) => {
            case.proven_by(seen.clone());
        }
        (None, Some((137, ended))) if says_oom && limit.is_some() && facts.killing().is_none() => {
            // The status does not say whose limit it was.
            case.supported_by(ended.clone());
            if let Some(want) = facts.want_kernel_log() {
                case.wants(want, "whether the pod's or the container's limit was reached");
            }
        }
        _ => return,
    }
    let bytes = limit.or_else(|| {
        let kib = i64::try_from(at_pod.as_ref()?.0.limit_kib?).ok()?;
        Some(kib.saturating_mul(1024))
    });
    let of = bytes.map_or(String::new(), |bytes| format!(" of {}", bytes_text(bytes)));
    if let Some(bytes) = limit {
        case.step(
            format!(
                "the pod's containers together may use {} of memory",
                bytes_text(bytes)
            ),
            [facts.field("spec.resources.limits.memory", bytes_text(bytes))],
        );
    } else if let Some(unlimited) = sum_note(facts) {
        case.step(unlimited.0, [unlimited.1]);
    }
    if let Some((kill, seen)) = &at_pod {
        case.step(
            format!("together they reached it: {}", kill_text(kill)),
            [seen.clone()],
        );
    }
    let who = if facts.is_text() {
        "a container".to_owned()
    } else {
        facts.container_phrase()
    };
    if let Some((code, ended)) = exit.clone() {
        case.step(format!("the kernel killed {who} (exit code {code})"), [ended]);
    }
    // Without an end of its own the container runs on: a child of it was killed.
    if at_pod.is_some() && exit.is_none() && !facts.is_text() {
        case.headline(format!(
            "a process of {who} was killed because its pod reached the pod's own memory limit{of}; the container runs on"
        ));
        case.severity(Severity::Warning);
    } else {
        case.headline(format!(
            "{who} was killed because its pod reached the pod's own memory limit{of}"
        ));
    }
    case.advice(
        "look which of the pod's containers uses the memory: the victim need not be the culprit; then raise the pod's limit or that container's",
        Risk::Restart,
    );
    if !facts.is_text() {
        case.look(
            "what each container uses",
            format!("kubectl top {} --containers", facts.episode.subject.kubectl()),
        );
    }
}

/// A pod's cgroup gets the sum of its containers' limits when each of them has one.
fn sum_note(facts: &Facts<'_>) -> Option<(String, crate::Seen)> {
    let containers = &facts.pod().spec.containers;
    let limits: Option<Vec<i64>> = containers
        .iter()
        .map(|it| Some(it.limit("memory")?.quantity()?.units()))
        .collect();
    let sum: i64 = limits?.iter().sum();
    container_limit(facts)?;
    Some((
        format!(
            "the pod's cgroup may use the sum of its containers' limits, {}",
            bytes_text(sum)
        ),
        facts.field("spec.containers[].resources.limits.memory", bytes_text(sum)),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    pub(super) fn kernel(memcg: &str) -> String {
        let id = "c".repeat(64);
        let pod = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice";
        let limit = if memcg == "pod" {
            pod.to_owned()
        } else {
            format!("{pod}/cri-containerd-{id}.scope")
        };
        format!(
            "2026-03-01T11:57:59+00:00 n1 kernel: oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg={limit},task_memcg={pod}/cri-containerd-{id}.scope,task=app,pid=4711,uid=0\n"
        )
    }

    fn killed(limit: Value) -> Value {
        pod(json!({
            "spec": {"resources": {"limits": limit}},
            "status": {"containerStatuses": [crashed(137, "OOMKilled")]}
        }))
    }

    #[test]
    fn found_by_the_kernels_line() {
        let outcome = Scene::new()
            .object(killed(json!({"memory": "256Mi"})))
            .kernel("n1", &kernel("pod"))
            .diagnose();
        let finding = outcome.finds_only("OOM-POD-LIMIT", Verdict::Proven);
        assert!(finding.headline.contains("256Mi"), "{}", finding.headline);
    }

    #[test]
    fn not_found_when_the_kernel_names_the_container() {
        Scene::new()
            .object(killed(json!({"memory": "256Mi"})))
            .kernel("n1", &kernel("container"))
            .diagnose()
            .lacks("OOM-POD-LIMIT");
    }

    #[test]
    fn not_found_where_the_only_containers_limit_is_the_pods() {
        let only = pod(json!({
            "spec": {"containers": [{"name": "app", "image": "app:1", "resources": {"limits": {"memory": "64Mi"}}}]},
            "status": {"containerStatuses": [crashed(137, "OOMKilled")]}
        }));
        let outcome = Scene::new().object(only).kernel("n1", &kernel("pod")).diagnose();
        outcome.finds_only("OOM-CONTAINER-LIMIT", Verdict::Proven);
    }

    #[test]
    fn only_likely_without_the_kernels_line() {
        Scene::new()
            .object(killed(json!({"memory": "256Mi"})))
            .diagnose()
            .finds_only("OOM-POD-LIMIT", Verdict::Likely);
        Scene::new()
            .object(killed(json!({})))
            .diagnose()
            .lacks("OOM-POD-LIMIT");
    }

    #[test]
    fn calm_on_a_healthy_pod() {
        let healthy = pod(
            json!({"spec": {"resources": {"limits": {"memory": "1Gi"}}}, "status": {"containerStatuses": [status(json!({}))]}}),
        );
        Scene::new().object(healthy).diagnose().is_calm();
    }
}
