//! TRM-FINALIZER: finalizers hold the object: somebody must do something before it may go.

use sonde_model::{Code, Kind, Moment as _, ObjectRef, Risk};

use crate::cause::page;
use crate::triage::{cleanup_patience, pods_ending};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("TRM-FINALIZER"),
    title: "held by a finalizer",
    explains: &[Symptom::Deleting],
    reads: &[],
    state,
    page: page!("TRM-FINALIZER"),
};

/// Finalizers that Kubernetes itself sets and lifts, with what each waits for.
const BUILT_IN: &[(&str, &str)] = &[
    ("foregroundDeletion", "the objects that it owns to be deleted"),
    (
        "orphan",
        "the garbage collector to release the objects that it owns",
    ),
    (
        "kubernetes.io/pv-protection",
        "the claim that is bound to it to be deleted",
    ),
    (
        "batch.kubernetes.io/job-tracking",
        "the Job controller to count the pod",
    ),
    (
        "service.kubernetes.io/load-balancer-cleanup",
        "the cloud's load balancer to be removed",
    ),
    ("external-attacher/", "the volume to be detached from its node"),
    (
        "external-provisioner.volume.kubernetes.io/finalizer",
        "the storage behind the volume to be removed",
    ),
];

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    // A namespace's content and a claim's users are causes of their own.
    if matches!(subject.kind, Kind::Namespace) {
        return;
    }
    let Some(metadata) = facts.metadata_of(subject) else {
        return;
    };
    let finalizers: Vec<&str> = metadata
        .finalizers
        .iter()
        .map(String::as_str)
        .filter(|name| *name != "kubernetes.io/pvc-protection")
        .collect();
    let Some(first) = finalizers.first() else {
        if metadata.finalizers.is_empty() && !facts.is_partial() && subject.kind == Kind::Pod {
            case.refuted_by(
                facts.field("metadata.finalizers", "none"),
                "the object has no finalizer",
            );
        }
        return;
    };
    let list = finalizers.join(", ");
    let seen = facts.field("metadata.finalizers", &list);
    // The kubelet ends a pod's containers first; only then a finalizer is what holds it.
    let running = facts
        .pod()
        .status
        .container_statuses
        .iter()
        .find_map(|it| Some((&it.name, it.state.running.as_ref()?)));
    if let Some((name, running)) = running.filter(|_| subject.kind == Kind::Pod && !facts.pod_is_terminal()) {
        let path = format!("status.containerStatuses[{name}].state.running");
        let since = running
            .started_at
            .0
            .map_or_else(String::new, |time| format!("startedAt: {time}"));
        case.refuted_by(
            facts.field(&path, since),
            "its containers have not ended yet, and a finalizer counts only after that",
        );
        return;
    }
    let Some(object) = facts.snapshot.get(subject) else {
        return;
    };
    let settled = pods_ending(facts.snapshot, object).max();
    let patience = metadata
        .deletion_timestamp
        .0
        .map(|time| time.later(cleanup_patience(&subject.kind)));
    if facts
        .now
        .zip(settled.max(patience))
        .is_some_and(|(now, until)| now < until)
    {
        // What it waits for is under way, and may well come.
        case.hinted_by(seen.clone());
    } else {
        case.proven_by(seen.clone());
    }
    if let Some(held) = held_by(facts, subject).filter(|_| *first == "foregroundDeletion") {
        case.explained_by(held);
    }
    let asked = metadata
        .deletion_timestamp
        .0
        .map_or_else(|| "asked for".into(), |time| format!("asked for by {time}"));
    case.step(
        format!("the deletion of {subject} was {asked}"),
        [facts.field(
            "metadata.deletionTimestamp",
            metadata
                .deletion_timestamp
                .0
                .map_or_else(String::new, |it| it.to_string()),
        )],
    );
    let waits_for = BUILT_IN
        .iter()
        .find(|(name, _)| first.starts_with(name))
        .map(|(_, what)| *what);
    case.step(
        format!("it goes only when every finalizer is lifted: {list}"),
        [seen],
    );
    match waits_for {
        Some(what) => {
            case.step(format!("{first} waits for {what}"), owned(facts, subject));
            case.headline(format!("{subject} cannot be deleted: {first} waits for {what}"));
        }
        None => {
            let owner = first.split('/').next().unwrap_or(first);
            case.headline(format!(
                "{subject} cannot be deleted: nobody has lifted the finalizer {first}"
            ));
            match handler_of(facts, owner) {
                // By its name alone: worth a look, and no more.
                Some(workload) => {
                    case.look(
                        format!("what {workload} says, which may be the controller of {owner} by its name"),
                        format!("kubectl logs {} --tail=100", workload.kubectl()),
                    );
                }
                None => {
                    case.look(
                        format!("whether the controller that owns {owner} still runs"),
                        format!(
                            "kubectl get deploy,sts,ds -A | grep -i {}",
                            owner.split('.').next().unwrap_or(owner)
                        ),
                    );
                }
            }
        }
    }
    case.root(subject.clone());
    case.fix(
        "only if its controller is gone for good: lift the finalizer by hand; what it should have cleaned up then stays behind",
        format!("kubectl patch {} --type json -p '[{{\"op\":\"remove\",\"path\":\"/metadata/finalizers\"}}]'", subject.kubectl()),
        Risk::DataLoss,
    );
}

/// What the object owns and cannot go itself.
fn held_by(facts: &Facts<'_>, subject: &ObjectRef) -> Option<ObjectRef> {
    let children = facts.snapshot.owned_by(subject);
    children
        .flat_map(|child| facts.snapshot.owned_by(&child.reference).chain([child]))
        .find(|it| it.deletion.is_some())
        .map(|it| it.reference.clone())
}

/// What the object owns and is still there.
fn owned(facts: &Facts<'_>, subject: &ObjectRef) -> Option<crate::Seen> {
    let owned: Vec<String> = facts
        .snapshot
        .owned_by(subject)
        .take(5)
        .map(|it| it.reference.to_string())
        .collect();
    (!owned.is_empty()).then(|| facts.computed(format!("owned by {subject}"), owned.join(", ")))
}

/// Words of domains that tell nothing about who is meant.
const OF_MANY: &[&str] = &[
    "apps",
    "cloud",
    "cluster",
    "controller",
    "example",
    "finalizer",
    "finalizers",
    "github",
    "google",
    "kubernetes",
    "network",
    "networking",
    "operator",
    "operators",
    "resources",
    "service",
    "snapshot",
    "storage",
];

/// A workload whose name says that it handles the finalizer's domain: `cert-manager` for `acme.cert-manager.io`.
fn handler_of(facts: &Facts<'_>, domain: &str) -> Option<ObjectRef> {
    let words: Vec<&str> = domain
        .split('.')
        .filter(|word| word.len() > 3 && !OF_MANY.contains(word))
        .collect();
    let is_named = |name: &str| {
        let mut parts = words.iter().filter_map(|word| name.split_once(*word));
        parts.any(|(before, after)| {
            (before.is_empty() || before.ends_with('-')) && (after.is_empty() || after.starts_with('-'))
        })
    };
    [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet]
        .into_iter()
        .find_map(|kind| {
            facts
                .snapshot
                .of_kind(kind)
                .find(|it| is_named(&it.reference.name))
                .map(|it| it.reference.clone())
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use crate::testing::{Scene, pod};

    #[test]
    fn found_on_a_pod_past_its_grace() {
        let end = json!({"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": "2026-03-01T11:30:00Z"}, "running": null});
        let ending = pod(
            json!({"metadata": {"deletionTimestamp": "2026-03-01T11:30:00Z", "finalizers": ["guard.example/keep"]},
            "status": {"containerStatuses": [crate::testing::status(json!({"state": end}))]}}),
        );
        let outcome = Scene::new().object(ending).diagnose();
        let finding = outcome.finds_only("TRM-FINALIZER", Verdict::Proven);
        assert!(finding.headline.contains("guard.example/keep"));
    }

    #[test]
    fn a_likely_controller_is_looked_at_and_not_accused() {
        let looks = |finalizer: &str, workload: &str| {
            let object = json!({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "snap-1",
                "namespace": "shop", "uid": "s1", "creationTimestamp": "2026-03-01T09:00:00Z",
                "deletionTimestamp": "2026-03-01T10:00:00Z", "finalizers": [finalizer]}});
            let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": workload, "namespace": "tools",
                "uid": "d1"}, "spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1}});
            let outcome = Scene::new().object(object).object(deployment).diagnose();
            let finding = outcome.finding("TRM-FINALIZER");
            let accused = finding.headline.contains(workload)
                || finding.chain.iter().any(|step| step.text.contains(workload));
            assert!(!accused, "{}", finding.headline);
            let commands = finding.next.iter().filter_map(|look| look.command.as_deref());
            commands.into_iter().any(|command| command.contains(workload))
        };
        assert!(looks("acme.cert-manager.io/finalizer", "cert-manager-controller"));
        for (finalizer, workload) in [
            ("networking.kubernetes.io/own-thing", "kubernetes-dashboard"),
            ("own.storage.example/keep", "storage-browser"),
            ("shop.example.com/finalizer", "workshop-web"),
        ] {
            assert!(!looks(finalizer, workload), "{finalizer}");
        }
    }

    #[test]
    fn not_found_without_one() {
        let ending = pod(json!({"metadata": {"deletionTimestamp": "2026-03-01T11:30:00Z"}}));
        Scene::new()
            .object(ending)
            .diagnose()
            .lacks("TRM-FINALIZER")
            .rules_out("TRM-FINALIZER");
    }

    #[test]
    fn silent_within_the_grace_period_and_on_a_living_pod() {
        let ending = pod(json!({"metadata": {"deletionTimestamp": "2026-03-01T12:00:20Z",
            "deletionGracePeriodSeconds": 30, "finalizers": ["guard.example/keep"]}}));
        Scene::new().object(ending).diagnose().is_calm();
        let living = pod(json!({"metadata": {"finalizers": ["guard.example/keep"]}}));
        Scene::new().object(living).diagnose().is_calm();
    }
}
