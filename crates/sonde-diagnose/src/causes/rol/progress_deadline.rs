//! ROL-PROGRESS-DEADLINE: a rollout has not progressed within its deadline, and its pods do not say why.

use crate::wording::count;
use sonde_model::{Code, Kind, ObjectRef, Risk};
use sonde_world::view::{Deployment, ReplicaSet};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-PROGRESS-DEADLINE"),
    title: "rollout past its deadline",
    explains: &[Symptom::RolloutStuck],
    reads: &[Kind::ReplicaSet],
    state,
    page: page!("ROL-PROGRESS-DEADLINE"),
};

/// `deployment.kubernetes.io/revision` (`pkg/controller/deployment/util/deployment_util.go`).
const REVISION: &str = "deployment.kubernetes.io/revision";

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts
        .snapshot
        .view::<Deployment>(subject)
        .filter(|_| subject.kind == Kind::Deployment)
    else {
        return;
    };
    let Some(progress) = it
        .status
        .conditions
        .iter()
        .find(|it| it.kind == "Progressing" && it.is_false() && it.reason == "ProgressDeadlineExceeded")
    else {
        return;
    };
    let seen = facts.field(
        "status.conditions[Progressing]",
        format!("{}: {}", progress.reason, progress.message),
    );
    case.generally_proven_by(seen.clone());
    let deadline = it.spec.progress_deadline_seconds.unwrap_or(600);
    case.step(
        format!("a step of the rollout may take {deadline}s"),
        [facts.field("spec.progressDeadlineSeconds", deadline)],
    );
    let mut revisions = revisions(facts, subject);
    revisions.sort_by_key(|(revision, ..)| std::cmp::Reverse(*revision));
    if let Some((revision, reference, set)) = revisions.first() {
        case.step(
            format!(
                "revision {revision} ({reference}) has {} of {} ready",
                set.status.ready_replicas,
                count(set.spec.replicas.unwrap_or(0), "pod")
            ),
            [field_on(
                reference,
                "status.readyReplicas",
                set.status.ready_replicas,
            )],
        );
    }
    let good = revisions
        .iter()
        .skip(1)
        .find(|(_, _, set)| set.status.ready_replicas > 0);
    if let Some((revision, reference, set)) = good {
        case.step(
            format!(
                "revision {revision} ({reference}) was good and still has {} ready",
                count(set.status.ready_replicas, "pod")
            ),
            [field_on(
                reference,
                "status.readyReplicas",
                set.status.ready_replicas,
            )],
        );
        case.fix(
            format!("go back to revision {revision}"),
            format!(
                "kubectl rollout undo {} --to-revision={revision}",
                subject.kubectl()
            ),
            Risk::Restart,
        );
    }
    if let Some((revision, reference, _)) = revisions.get(1).filter(|_| good.is_none()) {
        case.step(
            format!("revision {revision} was before it and has no pods left"),
            [field_on(reference, "metadata.annotations", revision)],
        );
        case.fix(
            format!("go back to revision {revision}, if that one was good"),
            format!(
                "kubectl rollout undo {} --to-revision={revision}",
                subject.kubectl()
            ),
            Risk::Restart,
        );
    }
    // Last: it is what the headline says, and what a finding that explains this one takes over.
    case.step("it took longer", [seen]);
    case.headline(format!(
        "the rollout of {subject} is stuck: no progress for {deadline}s"
    ));
    case.look(
        "what its newest pods say",
        format!("kubectl describe {}", subject.kubectl()),
    );
}

/// The Deployment's revisions: number, ReplicaSet, its view.
fn revisions(facts: &Facts<'_>, deployment: &ObjectRef) -> Vec<(i64, ObjectRef, ReplicaSet)> {
    facts
        .snapshot
        .owned_by(deployment)
        .filter_map(|object| {
            let set: ReplicaSet = object.encoded.decode().ok()?;
            let revision = set.metadata.annotations.get(REVISION)?.parse().ok()?;
            Some((revision, object.reference.clone(), set))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::Scene;

    fn deployment(paused: bool, status: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"replicas": 3, "paused": paused, "progressDeadlineSeconds": 60},
            "status": {"conditions": [{"type": "Progressing", "status": status, "reason": "ProgressDeadlineExceeded",
                "message": "ReplicaSet \"web-2\" has timed out progressing."}]}})
    }

    fn set(name: &str, revision: &str, ready: i64) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name, "namespace": "shop",
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": true}]},
            "spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": ready}})
    }

    #[test]
    fn found_with_the_last_good_revision() {
        let outcome = Scene::new()
            .object(deployment(false, "False"))
            .object(set("web-1", "1", 1))
            .object(set("web-2", "2", 0))
            .diagnose();
        let finding = outcome.finds_only("ROL-PROGRESS-DEADLINE", Verdict::Proven);
        assert!(
            finding.fixes.iter().any(|fix| fix.text.contains("revision 1")),
            "{:?}",
            finding.fixes
        );
    }

    #[test]
    fn its_pods_own_trouble_says_more() {
        let mut pod = crate::testing::pod(json!({
            "spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]},
            "status": {"containerStatuses": [crate::testing::crashed(137, "OOMKilled")]}
        }));
        pod["metadata"]["ownerReferences"][0]["name"] = json!("web-2");
        let outcome = Scene::new()
            .object(deployment(false, "False"))
            .object(set("web-2", "2", 0))
            .object(pod)
            .diagnose();
        outcome.finds_only("OOM-CONTAINER-LIMIT", Verdict::Likely);
    }

    #[test]
    fn silent_when_paused_or_moving() {
        Scene::new()
            .object(deployment(true, "False"))
            .diagnose()
            .is_calm();
        Scene::new()
            .object(deployment(false, "True"))
            .diagnose()
            .is_calm();
    }
}
