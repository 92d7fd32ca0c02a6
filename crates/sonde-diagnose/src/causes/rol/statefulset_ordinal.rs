//! ROL-STATEFULSET-ORDINAL: one pod of an ordered StatefulSet is not ready, and those behind it wait.

use sonde_model::{Code, Kind, ObjectRef, Risk};
use sonde_world::view::StatefulSet;

use crate::cause::page;
use crate::triage::{ORDINAL_PATIENCE, unready_since};
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-STATEFULSET-ORDINAL"),
    title: "StatefulSet held by an earlier pod",
    explains: &[Symptom::RolloutStuck],
    reads: &[Kind::Pod],
    state,
    page: page!("ROL-STATEFULSET-ORDINAL"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts
        .snapshot
        .view::<StatefulSet>(subject)
        .filter(|_| subject.kind == Kind::StatefulSet)
    else {
        return;
    };
    let wanted = it.spec.replicas.unwrap_or(1);
    let start = it.spec.ordinals.as_ref().map_or(0, |it| it.start);
    let is_ready = |name: &ObjectRef| {
        facts.snapshot.get(name).and_then(|it| it.pod()).map(|pod| {
            pod.condition("Ready")
                .is_some_and(sonde_world::view::Condition::is_true)
        })
    };
    let held = (start..start + wanted).find_map(|ordinal| {
        let name = ObjectRef::new(
            Kind::Pod,
            &subject.namespace,
            &format!("{}-{ordinal}", subject.name),
        );
        (is_ready(&name) == Some(false)).then_some((ordinal, name))
    });
    let Some((ordinal, pod)) = held else { return };
    let seen = field_on(&pod, "status.conditions[Ready]", "False");
    // A rollout restarts one pod after the other, and each needs its time.
    let since = facts.snapshot.get(&pod).and_then(|it| unready_since(it));
    if facts
        .now
        .zip(since)
        .is_some_and(|(now, since)| now.duration_since(since) < ORDINAL_PATIENCE)
    {
        case.hinted_by(seen.clone());
    } else {
        case.generally_proven_by(seen.clone());
    }
    let behind = start + wanted - 1 - ordinal;
    case.step(
        format!("{subject} starts its pods one after the other"),
        [facts.field("spec.podManagementPolicy", "OrderedReady")],
    );
    case.step(format!("{} is not ready", pod.name), [seen]);
    // New pods are made from the lowest on, an update goes from the highest down.
    let updates =
        !it.status.update_revision.is_empty() && it.status.update_revision != it.status.current_revision;
    let waits = match behind {
        _ if updates => "its update does not go on".to_owned(),
        0 => "it is not whole".to_owned(),
        1 => format!("{}-{} waits for it", subject.name, ordinal + 1),
        2 => format!(
            "{0}-{1} and {0}-{2} wait for it",
            subject.name,
            ordinal + 1,
            ordinal + 2
        ),
        _ => format!(
            "{0}-{1} to {0}-{2} wait for it",
            subject.name,
            ordinal + 1,
            ordinal + behind
        ),
    };
    case.step(
        format!("so {waits}"),
        [facts.field("status.readyReplicas", it.status.ready_replicas)],
    );
    case.headline(format!(
        "{subject} is held by {}: it is not ready, and {waits}",
        pod.name
    ));
    case.look("what the pod says", format!("kubectl describe {}", pod.kubectl()));
    case.advice(
        "a broken pod of an older revision is not replaced by itself: delete it once the template is mended",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, pod};

    fn set(policy: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "db", "namespace": "shop", "creationTimestamp": "2026-03-01T10:00:00Z"},
            "spec": {"replicas": 3, "podManagementPolicy": policy}, "status": {"replicas": 1, "readyReplicas": 0}})
    }

    fn first() -> Value {
        pod(json!({"metadata": {"name": "db-0", "ownerReferences": null},
            "spec": {"containers": [{"name": "app", "readinessProbe": {"tcpSocket": {"port": 80}, "initialDelaySeconds": 36000}}]},
            "status": {"conditions": [{"type": "Ready", "status": "False"}],
                "containerStatuses": [crate::testing::status(json!({"ready": false}))]}}))
    }

    #[test]
    fn found_with_the_ordinal_that_holds() {
        let outcome = Scene::new()
            .object(set("OrderedReady"))
            .object(first())
            .diagnose();
        let finding = outcome.finds_only("ROL-STATEFULSET-ORDINAL", Verdict::Proven);
        assert!(finding.headline.contains("db-0"), "{}", finding.headline);
    }

    #[test]
    fn silent_where_pods_start_in_parallel() {
        Scene::new()
            .object(set("Parallel"))
            .object(first())
            .diagnose()
            .is_calm();
    }
}
