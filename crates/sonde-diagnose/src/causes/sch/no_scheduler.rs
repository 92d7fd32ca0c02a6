//! SCH-NO-SCHEDULER: the default scheduler has not said a word about the pod: it is not running, or not working.

use jiff::SignedDuration;
use sonde_model::{Code, Kind, ObjectRef, Risk, Severity};
use sonde_world::view::Lease;

use super::stated::{scheduler_is_silent, who};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};
use crate::{Want, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-NO-SCHEDULER"),
    title: "no scheduler is running",
    explains: &[Symptom::Unschedulable],
    reads: &[Kind::Lease],
    state,
    page: page!("SCH-NO-SCHEDULER"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if !scheduler_is_silent(facts) {
        return;
    }
    let made = facts.pod().metadata.creation_timestamp.0;
    if let Some(seen) = facts.placements.scheduler_at_work()
        && seen.time.zip(made).is_some_and(|(then, made)| then >= made)
    {
        let whom = seen
            .object
            .as_ref()
            .map_or_else(|| "another pod".to_owned(), ToString::to_string);
        case.refuted_by(
            seen.clone(),
            format!("the scheduler has looked at {whom} since this pod was made"),
        );
        return;
    }
    let lease = ObjectRef::new(Kind::Lease, "kube-system", "kube-scheduler");
    let silent = facts.unset("status.conditions[PodScheduled]");
    case.headline(format!(
        "no scheduler has looked at {}: the pod has neither a condition nor an event of one",
        who(facts)
    ));
    let view = facts.snapshot.view::<Lease>(&lease);
    let renewed = view.as_ref().and_then(|view| view.spec.renew_time.0);
    let age = facts
        .now
        .zip(renewed)
        .map(|(now, renewed)| now.duration_since(renewed));
    match age {
        Some(age) if age > STALE => {
            let mut seen = field_on(
                &lease,
                "spec.renewTime",
                renewed.map_or_else(String::new, |it| it.to_string()),
            );
            seen.time = renewed;
            case.proven_by(seen.clone());
            case.step(
                format!("the scheduler has not renewed its lease for {} s", age.as_secs()),
                [seen],
            );
        }
        Some(_) => {
            let seen = field_on(
                &lease,
                "spec.renewTime",
                renewed.map_or_else(String::new, |it| it.to_string()),
            );
            case.refuted_by(seen, "the scheduler renews its lease");
            return;
        }
        None if view.is_none() && facts.snapshot.is_absent(&lease) => {
            // A scheduler that elects no leader has none: no proof.
            case.supported_by(silent.clone());
            case.step("no scheduler holds a lease", facts.absence(&lease));
        }
        None => {
            case.supported_by(silent.clone());
            case.wants(
                Want::Object(lease.clone()),
                "whether the scheduler still renews its lease",
            );
        }
    }
    unwell(facts, case);
    case.step(
        format!("no scheduler has said a word about {}", facts.episode.subject),
        [silent],
    );
    case.step("so nobody looks at pods that have no node", []);
    case.severity(Severity::Critical);
    case.root(lease);
    case.look(
        "whether the scheduler runs",
        "kubectl get pods -n kube-system -l component=kube-scheduler",
    );
    case.advice(
        "start kube-scheduler again: its static pod is in /etc/kubernetes/manifests of the control plane nodes",
        Risk::Wide,
    );
}

/// The scheduler's own pods, where they are seen and not ready.
fn unwell(facts: &Facts<'_>, case: &mut Case) {
    let pods = facts
        .snapshot
        .in_namespace(Kind::Pod, "kube-system")
        .filter(|pod| pod.label("component") == Some("kube-scheduler"));
    for pod in pods {
        let ready = pod.pod().and_then(|columns| columns.condition("Ready"));
        if let Some(ready) = ready.filter(|ready| ready.is_false()) {
            let mut seen = field_on(&pod.reference, "status.conditions[Ready]", &ready.status);
            seen.time = ready.last_transition_time.0;
            case.supported_by(seen.clone());
            case.step(format!("{} is not ready", pod.reference), [seen]);
        }
    }
}

/// The scheduler renews its lease every two seconds and loses it after fifteen; this is far beyond both.
const STALE: SignedDuration = SignedDuration::from_secs(60);

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::{Kind, ObjectRef, Verdict};

    use super::super::testing::*;
    use crate::Want;
    use crate::testing::Scene;

    fn silent() -> serde_json::Value {
        pending(
            "",
            json!({"metadata": {"creationTimestamp": "2026-03-01T11:50:00Z"}, "status": {"conditions": null}}),
        )
    }

    fn lease(renewed: &str) -> serde_json::Value {
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "kube-scheduler", "namespace": "kube-system"},
            "spec": {"holderIdentity": "cp-1", "leaseDurationSeconds": 15, "renewTime": renewed}})
    }

    fn nodes() -> Scene {
        scene().object(node("n1", json!({})))
    }

    #[test]
    fn found_when_the_lease_is_old() {
        let outcome = nodes()
            .object(silent())
            .object(lease("2026-03-01T11:40:00.000000Z"))
            .diagnose();
        outcome.finds_only("SCH-NO-SCHEDULER", Verdict::Proven);
    }

    #[test]
    fn not_when_the_lease_is_fresh() {
        let outcome = nodes()
            .object(silent())
            .object(lease("2026-03-01T11:59:59.000000Z"))
            .diagnose();
        outcome
            .does_not_claim("SCH-NO-SCHEDULER")
            .rules_out("SCH-NO-SCHEDULER");
    }

    #[test]
    fn not_when_it_has_looked_at_a_pod_since() {
        let word = |time: &str| {
            json!({"metadata": {"name": "app-2", "uid": "u-2"},
                "status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                    "message": "0/1 nodes are available: 1 Insufficient cpu.", "lastTransitionTime": time}]}})
        };
        let beside = |time: &str| {
            nodes()
                .object(silent())
                .object(pending("", word(time)))
                .diagnose()
        };
        beside("2026-03-01T11:51:00Z")
            .does_not_claim("SCH-NO-SCHEDULER")
            .rules_out("SCH-NO-SCHEDULER");
        // What it did before says nothing of now; nor does a condition that the API server or a kubelet writes.
        assert!(beside("2026-03-01T11:49:00Z").claims("SCH-NO-SCHEDULER"));
        let gated = json!({"metadata": {"name": "app-3"}, "status": {"conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "SchedulingGated", "lastTransitionTime": "2026-03-01T11:55:00Z"}]}});
        let by_hand = other(
            "app-4",
            "n1",
            "1",
            json!({"status": {"conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-03-01T11:55:00Z"}]}}),
        );
        let outcome = nodes()
            .object(silent())
            .object(pending("", gated))
            .object(by_hand)
            .diagnose();
        assert!(outcome.claims("SCH-NO-SCHEDULER"), "{}", outcome.summary());
    }

    #[test]
    fn likely_when_the_lease_is_not_known() {
        let outcome = Scene::new()
            .complete(&[Kind::Pod, Kind::Node, Kind::Event])
            .object(node("n1", json!({})))
            .object(silent())
            .diagnose();
        assert!(outcome.claims("SCH-NO-SCHEDULER"), "{}", outcome.summary());
        let lease = ObjectRef::new(Kind::Lease, "kube-system", "kube-scheduler");
        assert!(
            outcome.wants.contains(&Want::Object(lease)),
            "{:?}",
            outcome.wants
        );
    }

    /// A scheduler that elects no leader holds none either: no proof, and nothing more to fetch.
    #[test]
    fn likely_when_there_is_no_lease() {
        let outcome = nodes().object(silent()).diagnose();
        let finding = outcome.finds_only("SCH-NO-SCHEDULER", Verdict::Likely);
        let told = finding
            .evidence
            .iter()
            .any(|it| it.text.contains("no lease/kube-scheduler"));
        assert!(told, "{finding:?}");
        let mut wants = outcome.wants.iter();
        assert!(
            !wants.any(|it| matches!(it, Want::Object(_))),
            "{:?}",
            outcome.wants
        );
    }

    #[test]
    fn calm_about_a_pod_made_just_now() {
        let mut pod = silent();
        crate::testing::merge(
            &mut pod,
            json!({"metadata": {"creationTimestamp": "2026-03-01T11:59:55Z"}}),
        );
        nodes().object(pod).diagnose().is_calm();
    }

    #[test]
    fn over_when_the_pod_has_its_node() {
        let scheduled = || scheduled(json!({}));
        nodes().object(scheduled()).diagnose().is_calm();
        nodes()
            .object(scheduled())
            .object(lease("2026-03-01T11:00:00.000000Z"))
            .diagnose()
            .lacks("SCH-NO-SCHEDULER");
    }
}
