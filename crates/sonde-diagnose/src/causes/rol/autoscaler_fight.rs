//! ROL-AUTOSCALER-FIGHT: somebody else sets the number of pods that the autoscaler sets.

use crate::wording::count;
use sonde_grammar::Fact;
use sonde_grammar::fact::WorkloadFact;
use sonde_model::{Code, Kind, ObjectRef, Risk, Severity};
use sonde_world::view::HorizontalPodAutoscaler;

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-AUTOSCALER-FIGHT"),
    title: "autoscaler fights another writer",
    explains: &[Symptom::NotScaling],
    reads: &[Kind::Deployment, Kind::HorizontalPodAutoscaler],
    state,
    page: page!("ROL-AUTOSCALER-FIGHT"),
};

/// So many times the same target within the events' hour is no load that swings; a guess.
const SAME_STEP: i64 = 3;

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts.snapshot.view::<HorizontalPodAutoscaler>(subject) else {
        return;
    };
    let target = &it.spec.scale_target_ref;
    let workload = ObjectRef::new(Kind::from_name(&target.kind), &subject.namespace, &target.name);
    if !two_autoscalers(facts, case, &it, &workload) {
        undone(facts, case, &workload);
    }
}

/// The control plane itself says that several autoscalers want the same pods (1.27 on).
fn two_autoscalers(
    facts: &Facts<'_>,
    case: &mut Case,
    it: &HorizontalPodAutoscaler,
    workload: &ObjectRef,
) -> bool {
    let subject = &facts.episode.subject;
    let conditions = it.conditions();
    let told = conditions
        .iter()
        .find(|it| it.is_false() && it.reason == "AmbiguousSelector");
    let Some(told) = told else { return false };
    let seen = facts.field(
        &format!("status.conditions[{}]", told.kind),
        format!("{}: {}", told.reason, told.message),
    );
    case.proven_by(seen.clone());
    let others: Vec<String> = facts
        .snapshot
        .in_namespace(Kind::HorizontalPodAutoscaler, &subject.namespace)
        .filter(|other| other.reference != *subject && told.message.contains(&*other.reference.name))
        .map(|other| other.reference.to_string())
        .collect();
    let with = if others.is_empty() {
        "another autoscaler".to_owned()
    } else {
        others.join(", ")
    };
    case.step(
        format!("it should scale {workload}"),
        [facts.field("spec.scaleTargetRef", workload)],
    );
    case.step(
        format!("{with} selects the same pods, so none of them scales"),
        [seen],
    );
    case.headline(format!(
        "{subject} does not scale {workload}: {with} selects the same pods"
    ));
    case.severity(Severity::Warning);
    // Each of them says so; it is one trouble.
    case.root(workload.clone());
    case.look(
        "every autoscaler of the namespace and its target",
        format!("kubectl get hpa -n {}", subject.namespace),
    );
    case.advice(
        "keep one autoscaler for each workload, and give workloads selectors that do not overlap",
        Risk::None,
    );
    true
}

/// The autoscaler says again and again that it sets the same size, and somebody else sets it back.
fn undone(facts: &Facts<'_>, case: &mut Case, workload: &ObjectRef) {
    let subject = &facts.episode.subject;
    let own_sizes: Vec<(i64, &crate::Message)> = facts
        .all_messages()
        .filter(|message| message.reason == "SuccessfulRescale")
        .filter_map(|message| Some((size_in(&message.seen.text)?, message)))
        .collect();
    let repeated = own_sizes
        .iter()
        .filter(|(_, message)| message.count >= SAME_STEP)
        .max_by_key(|(_, message)| message.count);
    let Some((size, message)) = repeated else { return };
    let back = facts.messages_about(workload).into_iter().find_map(|message| {
        let to = message.facts.iter().find_map(|fact| match fact {
            Fact::Workload(WorkloadFact::Scaled { to, .. }) => Some(i64::from(*to)),
            _ => None,
        })?;
        // What the autoscaler set itself is no undoing.
        let own = own_sizes.iter().any(|(size, _)| *size == to);
        (message.count >= SAME_STEP && to != *size && !own).then(|| (to, message.seen()))
    });
    match &back {
        Some((_, seen)) => case.supported_by(seen.clone()),
        None => case.hinted_by(message.seen()),
    };
    case.step(
        format!(
            "the autoscaler set the size {size} {}",
            count(message.count, "time")
        ),
        [message.seen()],
    );
    if let Some((to, seen)) = back {
        case.step(format!("each time it was set back, to {to}"), [seen]);
    }
    case.headline(format!(
        "{subject} and somebody else set the number of pods of {workload} in turn"
    ));
    case.severity(Severity::Warning);
    case.look(
        "who writes the field replicas",
        format!(
            "kubectl get {} -o yaml --show-managed-fields | grep -B30 f:replicas: | grep manager:",
            workload.kubectl()
        ),
    );
    case.advice(
        "take replicas out of the manifest that a pipeline or GitOps tool applies, or remove the autoscaler",
        Risk::None,
    );
}

/// `New size: 5; reason: cpu resource utilization (percentage of request) above target`.
fn size_in(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once("New size: ")?;
    rest.split(';').next()?.trim().parse().ok()
}
