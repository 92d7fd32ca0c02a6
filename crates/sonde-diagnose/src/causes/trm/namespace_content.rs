//! TRM-NAMESPACE-CONTENT: a namespace cannot be deleted because something in it cannot.

use jiff::SignedDuration;
use sonde_model::{Code, Kind, Moment as _, Risk, Severity};
use sonde_world::view::Namespace;

use crate::cause::page;
use crate::triage::{EMPTYING_PATIENCE, only_remains, pods_ending};
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("TRM-NAMESPACE-CONTENT"),
    title: "namespace held by its content",
    explains: &[Symptom::Deleting],
    reads: &[Kind::Namespace],
    state,
    page: page!("TRM-NAMESPACE-CONTENT"),
};

/// Conditions of a namespace that is being deleted, the most telling first
/// (`pkg/controller/namespace/deletion/status_condition_utils.go`).
const CONDITIONS: &[&str] = &[
    "NamespaceFinalizersRemaining",
    "NamespaceDeletionContentFailure",
    "NamespaceContentRemaining",
];

/// Kubelet and API server need a moment beyond the grace period; a guess.
const LATE: SignedDuration = SignedDuration::from_secs(20);

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(namespace) = facts
        .snapshot
        .view::<Namespace>(subject)
        .filter(|_| subject.kind == Kind::Namespace)
    else {
        return;
    };
    let told: Vec<_> = CONDITIONS
        .iter()
        .filter_map(|kind| {
            namespace
                .status
                .conditions
                .iter()
                .find(|it| it.kind == *kind && it.is_true())
        })
        .collect();
    let Some(&first) = told.first() else { return };
    // Left over content without a finalizer may just be on its way.
    let seen = facts.field(&format!("status.conditions[{}]", first.kind), &first.message);
    let pods = facts
        .snapshot
        .get(subject)
        .and_then(|it| pods_ending(facts.snapshot, it).max());
    // The controller says so each time it looks, as long as anything goes.
    let settles = facts
        .metadata_of(subject)
        .and_then(|it| it.deletion_timestamp.0)
        .map(|deleted| deleted.later(EMPTYING_PATIENCE))
        .filter(|_| only_remains(&first.message));
    let ending = facts
        .now
        .zip(pods.max(settles))
        .is_some_and(|(now, until)| now < until);
    match first.kind.as_str() {
        // Its pods end within their own grace.
        _ if ending => {
            case.severity(Severity::Info);
            case.hinted_by(seen)
        }
        "NamespaceContentRemaining" => case.supported_by(seen),
        _ if only_remains(&first.message) => case.supported_by(seen),
        _ => case.proven_by(seen),
    };
    for condition in told {
        case.step(
            condition.message.clone(),
            [facts.field(
                &format!("status.conditions[{}]", condition.kind),
                &condition.message,
            )],
        );
    }
    let held: Vec<_> = facts
        .snapshot
        .objects()
        .filter(|it| *it.reference.namespace == *subject.name && it.deletion.is_some() && it.has_finalizers)
        .map(|it| it.reference.clone())
        .collect();
    // A pod without a finalizer that outlives its grace holds it, too.
    let now = facts.now;
    let late = facts.snapshot.in_namespace(Kind::Pod, &subject.name).find(|it| {
        !it.has_finalizers
            && it
                .deletion
                .zip(now)
                .is_some_and(|(ends, now)| now > ends.later(LATE))
    });
    for object in held.iter().take(5) {
        let list = facts
            .metadata_of(object)
            .map(|it| it.finalizers.join(", "))
            .unwrap_or_default();
        case.step(
            format!("{object} is held by {list}"),
            [field_on(object, "metadata.finalizers", list)],
        );
        case.explains(object.clone());
    }
    // What has a finding of its own is the root; other kinds are told only here.
    if let Some(root) = held
        .iter()
        .find(|it| matches!(it.kind, Kind::Pod | Kind::PersistentVolumeClaim))
    {
        case.explained_by(root.clone());
    } else if let Some(pod) = late {
        case.step(
            format!("{} in it has not ended within its grace", pod.reference),
            [field_on(
                &pod.reference,
                "metadata.deletionTimestamp",
                pod.deletion.map_or(String::new(), |it| it.to_string()),
            )],
        );
        case.explained_by(pod.reference.clone());
    }
    case.headline(match (held.first(), late) {
        (Some(object), _) => format!(
            "namespace {} cannot be deleted: {object} in it is held by a finalizer",
            subject.name
        ),
        (None, Some(pod)) => format!(
            "namespace {} cannot be deleted: {} in it does not end",
            subject.name, pod.reference
        ),
        (None, None) => format!("namespace {} cannot be deleted: {}", subject.name, first.message),
    });
    case.root(subject.clone());
    case.look(
        "what is left in it",
        format!("kubectl api-resources --verbs=list --namespaced -o name | xargs -n1 kubectl get --ignore-not-found --show-kind -n {}", subject.name),
    );
    if let Some(object) = held.first() {
        case.fix(
            format!("only if the controller of the finalizer is gone for good: lift it from {object} by hand; what it should have cleaned up then stays behind"),
            format!("kubectl patch {} --type json -p '[{{\"op\":\"remove\",\"path\":\"/metadata/finalizers\"}}]'", object.kubectl()),
            Risk::DataLoss,
        );
    }
    case.advice("lift what holds the content; do not remove the namespace's own finalizer, its content would stay behind unseen", Risk::None);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use crate::testing::Scene;

    #[test]
    fn found_with_the_object_that_holds_it() {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "old", "deletionTimestamp": "2026-03-01T11:30:00Z"},
            "status": {"phase": "Terminating", "conditions": [{"type": "NamespaceFinalizersRemaining", "status": "True",
                "message": "Some content in the namespace has finalizers remaining: guard.example/keep in 1 resource instances"}]}});
        let held = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "old",
            "deletionTimestamp": "2026-03-01T11:30:00Z", "finalizers": ["guard.example/keep"]}});
        let outcome = Scene::new().object(namespace).object(held).diagnose();
        let finding = outcome.finding("TRM-NAMESPACE-CONTENT");
        assert_eq!(finding.verdict, Verdict::Proven);
        assert!(finding.headline.contains("configmap/c"), "{}", finding.headline);
    }

    /// The controller's word while many pods go, whichever of them are gone by now.
    #[test]
    fn what_still_goes_is_no_alarm_until_it_takes_minutes() {
        let said = "Failed to delete all resource types, 1 remaining: unexpected items still remain in namespace: old for gvr: /v1, Resource=pods";
        let namespace = |deleted: &str| {
            let condition =
                |kind: &str, message: &str| json!({"type": kind, "status": "True", "message": message});
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old", "deletionTimestamp": deleted},
            "status": {"phase": "Terminating", "conditions": [condition("NamespaceDeletionContentFailure", said),
                condition("NamespaceContentRemaining", "Some resources are remaining: pods. has 2 resource instances")]}})
        };
        for (deleted, alarms) in [
            ("2026-03-01T11:59:50Z", 0),
            ("2026-03-01T11:59:14Z", 0),
            ("2026-03-01T11:58:00Z", 0),
            ("2026-03-01T11:50:00Z", 1),
        ] {
            let outcome = Scene::new().object(namespace(deleted)).diagnose();
            assert_eq!(outcome.alarms(), alarms, "{deleted}: {}", outcome.summary());
        }
    }

    #[test]
    fn silent_on_a_living_namespace_and_on_one_that_has_just_begun_to_go() {
        let living = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}, "status": {"phase": "Active"}});
        let going = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "b", "deletionTimestamp": "2026-03-01T11:59:50Z"}, "status": {"phase": "Terminating"}});
        Scene::new().object(living).object(going).diagnose().is_calm();
    }
}
