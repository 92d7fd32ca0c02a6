//! Where a request or limit comes from that nobody wrote: a LimitRange's default.
//!
//! It matters wherever the number is part of the story: a kill at a limit, a pod that does not fit, a probe that a CPU limit
//! holds up. So it is told once for all causes, behind the step that shows the field.

use sonde_model::EvidenceKind;

use crate::{Case, Facts, Seen};

/// The annotation with which the API server tells what it filled in:
/// `LimitRanger plugin set: cpu, memory request for container app; cpu, memory limit for container app`.
const TOLD: &str = "kubernetes.io/limit-ranger";

/// Adds a step behind each step that shows a number which a LimitRange gave.
pub(crate) fn tell(facts: &Facts<'_>, case: &mut Case) {
    let Some(told) = facts.pod().metadata.annotations.get(TOLD) else {
        return;
    };
    let mut at = 0;
    while at < case.steps.len() {
        let given = case.steps[at]
            .1
            .iter()
            .find_map(|seen| given(facts, told, &case.seen[*seen]));
        at += 1;
        let Some(what) = given else { continue };
        let text = format!("nobody wrote that {what}: a LimitRange of the namespace gave it");
        if case.steps.iter().any(|(have, _)| *have == text) {
            continue;
        }
        let seen = facts.field(&format!("metadata.annotations[{TOLD}]"), told);
        case.step(text, [seen]);
        if let Some(step) = case.steps.pop() {
            case.steps.insert(at, step);
        }
        at += 1;
    }
}

/// `limit` or `request`, where the evidence is such a field of the pod and the annotation tells of it.
fn given(facts: &Facts<'_>, told: &str, seen: &Seen) -> Option<&'static str> {
    if seen.kind != EvidenceKind::Field || seen.object.as_ref() != Some(&facts.episode.subject) {
        return None;
    }
    let path = seen.source.rsplit(' ').next()?.strip_prefix("spec.")?;
    let (container, field) = path.split_once("].resources.")?;
    let (list, at) = container.split_once('[')?;
    // `limits.memory`, `requests[nvidia.com/gpu]`.
    let (what, resource) = field.split_once(['.', '['])?;
    let resource = resource.trim_end_matches(']');
    let spec = &facts.pod().spec;
    let containers = match list {
        "initContainers" => &spec.init_containers,
        "containers" => &spec.containers,
        _ => return None,
    };
    let name = containers.get(at.parse::<usize>().ok()?)?.name.as_str();
    let what = match what {
        "limits" => "limit",
        "requests" => "request",
        _ => return None,
    };
    let words = told.rsplit(": ").next().unwrap_or(told);
    words
        .split(';')
        .any(|part| {
            let of = ["container", "init container"].iter().find_map(|kind| {
                let part = part.trim().strip_suffix(name)?;
                part.strip_suffix(&format!(" {what} for {kind} "))
            });
            of.is_some_and(|resources| resources.split(',').any(|it| it.trim() == resource))
        })
        .then_some(what)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Kind;

    use crate::testing::{Scene, crashed, pod};

    fn told(words: &str, patch: Value) -> Value {
        let mut it = pod(patch);
        it["metadata"]["annotations"] =
            json!({"kubernetes.io/limit-ranger": format!("LimitRanger plugin set: {words}")});
        it
    }

    fn steps(scene: Scene, code: &str) -> Vec<String> {
        let outcome = scene.diagnose();
        let chain = &outcome.finding(code).chain;
        chain.iter().map(|step| step.text.clone()).collect()
    }

    #[test]
    fn a_limit_that_nobody_wrote_is_told_so_behind_the_step_that_shows_it() {
        for (words, given) in [
            (
                "cpu, memory request for container app; cpu, memory limit for container app",
                true,
            ),
            ("memory limit for container app", true),
            (
                "memory request for container app; memory limit for container side",
                false,
            ),
            ("cpu limit for container app", false),
        ] {
            let it = told(
                words,
                json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]},
                "status": {"containerStatuses": [crashed(137, "OOMKilled")]}}),
            );
            let steps = steps(Scene::new().object(it), "OOM-CONTAINER-LIMIT");
            let at = steps.iter().position(|step| step.contains("LimitRange"));
            assert_eq!(at, given.then_some(1), "{words}: {steps:?}");
        }
    }

    #[test]
    fn a_request_that_nobody_wrote_keeps_a_pod_from_fitting() {
        let it = told(
            "cpu request for container app",
            json!({"spec": {"nodeName": null, "containers": [{"name": "app", "resources": {"requests": {"cpu": "64"}}}]},
                "status": {"phase": "Pending", "startTime": null, "containerStatuses": null, "conditions": [{"type": "PodScheduled", "status": "False",
                    "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu.", "lastTransitionTime": "2026-03-01T11:50:00Z"}]}}),
        );
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}, "conditions": [{"type": "Ready", "status": "True"}]}});
        let scene = Scene::new().complete(Kind::KNOWN).object(node).object(it);
        let steps = steps(scene, "SCH-REQUEST-TOO-LARGE");
        assert!(
            steps
                .iter()
                .any(|step| step == "nobody wrote that request: a LimitRange of the namespace gave it"),
            "{steps:?}"
        );
    }
}
