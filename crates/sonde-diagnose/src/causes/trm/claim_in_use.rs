//! TRM-CLAIM-IN-USE: a claim is protected as long as a pod uses it.

use sonde_model::{Code, Kind, Risk, Severity};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("TRM-CLAIM-IN-USE"),
    title: "claim still in use",
    explains: &[Symptom::Deleting],
    reads: &[Kind::Pod],
    state,
    page: page!("TRM-CLAIM-IN-USE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    if subject.kind != Kind::PersistentVolumeClaim {
        return;
    }
    let protected = facts.metadata_of(subject).is_some_and(|it| {
        it.finalizers
            .iter()
            .any(|name| name == "kubernetes.io/pvc-protection")
    });
    if !protected {
        return;
    }
    let users: Vec<_> = facts
        .snapshot
        .pods_using(subject)
        // A pod counts from when it has a node until its object is gone, though it may have ended long ago.
        .filter(|it| it.pod().is_some_and(|pod| !pod.node.is_empty()))
        .map(|it| it.reference.clone())
        .collect();
    let seen = facts.field("metadata.finalizers", "kubernetes.io/pvc-protection");
    let Some(user) = users.first() else {
        if facts.snapshot.is_complete(&Kind::Pod, &subject.namespace) {
            let none = facts.computed(
                format!("pods of {} that use {}", subject.namespace, subject.name),
                "0",
            );
            case.refuted_by(none, "no pod uses the claim");
            return;
        }
        case.supported_by(seen.clone());
        case.step("the claim is protected while a pod uses it", [seen]);
        case.headline(format!("{subject} cannot be deleted: it counts as in use"));
        case.wants(facts.want_kind(Kind::Pod), "which pods use the claim");
        return;
    };
    case.proven_by(seen.clone());
    let list = users
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    case.step("the claim is protected while a pod uses it", [seen]);
    let ended = facts
        .snapshot
        .get(user)
        .and_then(|it| it.pod())
        .is_some_and(|pod| pod.is_terminal());
    let although = if ended {
        ", which has ended and still counts until it is deleted"
    } else {
        ""
    };
    case.step(
        format!("in use by {list}{although}"),
        [field_on(
            user,
            "spec.volumes[].persistentVolumeClaim.claimName",
            &subject.name,
        )],
    );
    case.headline(format!(
        "{subject} waits to be deleted until {list} no longer uses it"
    ));
    case.root(subject.clone());
    // It is the protection at work; nothing is broken.
    case.severity(Severity::Warning);
    let workload = facts.snapshot.root_owner(user);
    case.fix(
        "end what uses it, if its data may go",
        if workload == *user || ended {
            format!("kubectl delete {}", user.kubectl())
        } else {
            format!("kubectl scale {} --replicas=0", workload.kubectl())
        },
        Risk::DataLoss,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, pod};

    fn claim(finalizers: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "namespace": "shop", "deletionTimestamp": "2026-03-01T11:30:00Z", "finalizers": finalizers},
            "status": {"phase": "Bound"}})
    }

    fn user(phase: &str) -> Value {
        pod(
            json!({"spec": {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}, "status": {"phase": phase}}),
        )
    }

    #[test]
    fn found_with_its_user() {
        let outcome = Scene::new()
            .object(claim(json!(["kubernetes.io/pvc-protection"])))
            .object(user("Running"))
            .diagnose();
        assert!(
            outcome
                .finds_only("TRM-CLAIM-IN-USE", Verdict::Proven)
                .headline
                .contains("app-1")
        );
    }

    #[test]
    fn another_finalizer_is_another_cause() {
        let outcome = Scene::new()
            .object(claim(json!(["guard.example/keep"])))
            .object(user("Running"))
            .diagnose();
        outcome.finds_only("TRM-FINALIZER", Verdict::Proven);
    }

    #[test]
    fn only_likely_when_no_user_is_in_sight() {
        let outcome = Scene::new()
            .object(claim(json!(["kubernetes.io/pvc-protection"])))
            .diagnose();
        outcome.finds_only("TRM-CLAIM-IN-USE", Verdict::Likely);
    }
}
