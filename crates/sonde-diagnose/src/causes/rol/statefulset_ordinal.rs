//! ROL-STATEFULSET-ORDINAL: one pod of an ordered StatefulSet is not ready, and those behind it wait.

use sonde_model::{Code, Kind, Risk};
use sonde_world::view::StatefulSet;

use crate::cause::page;
use crate::triage::{ORDINAL_PATIENCE, held_pod, unready_for};
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
    let Some((ordinal, object)) = held_pod(facts.snapshot, subject, &it) else {
        return;
    };
    let pod = &object.reference;
    let seen = field_on(pod, "status.conditions[Ready]", "False");
    // A rollout restarts one pod after the other, and each needs its time.
    if unready_for(facts.now, &object).is_some_and(|time| time < ORDINAL_PATIENCE) {
        case.hinted_by(seen.clone());
    } else {
        case.generally_proven_by(seen.clone());
    }
    let last = start.saturating_add(wanted).saturating_sub(1);
    let behind = last.saturating_sub(ordinal);
    let next = ordinal.saturating_add(1);
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
        1 => format!("{}-{next} waits for it", subject.name),
        2 => format!("{0}-{next} and {0}-{last} wait for it", subject.name),
        _ => format!("{0}-{next} to {0}-{last} wait for it", subject.name),
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

    /// Each row: a pasted table's pods, and the pod that holds; none where the set is on its way.
    #[test]
    fn a_pasted_set_is_held_only_by_a_pod_that_had_its_time() {
        let described = |time: &str| {
            format!(
                "Name:               db\nNamespace:          shop\n{time}Replicas:           3 desired | 3 total\nUpdate Strategy:    RollingUpdate\nPods Status:        3 Running / 0 Waiting / 0 Succeeded / 0 Failed\n"
            )
        };
        for (rows, held) in [
            (
                "db-0   1/1     Running   0          4h\ndb-1   0/1     Running   0          20s",
                false,
            ),
            (
                "db-0   1/1     Running   0          4h\ndb-1   1/1     Running   0          4h",
                false,
            ),
            (
                "db-0   1/1     Running   0          4h\ndb-1   0/1     Running   0          3h",
                true,
            ),
        ] {
            // With a clock, and without any.
            for (time, scene) in [
                (
                    "CreationTimestamp:  Sun, 01 Mar 2026 12:00:00 +0000\n",
                    Scene::new(),
                ),
                ("", Scene::timeless()),
            ] {
                let head = described(time);
                let text = format!("{head}\nNAME   READY   STATUS    RESTARTS   AGE\n{rows}\n");
                let outcome = scene.pasted(&text).diagnose();
                let mut found = outcome.report.findings.iter();
                let told = found.any(|it| it.headline.contains("held by db-1"));
                let summary = outcome.summary();
                assert_eq!((told, outcome.alarms() > 0), (held, held), "{rows}\n{summary}");
            }
        }
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
