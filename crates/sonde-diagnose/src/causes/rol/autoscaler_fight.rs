//! ROL-AUTOSCALER-FIGHT: somebody else sets the number of pods that the autoscaler sets.

use sonde_grammar::Fact;
use sonde_grammar::fact::WorkloadFact;
use sonde_model::{Code, EvidenceKind, Kind, ObjectRef, Risk, Severity};
use sonde_world::view::HorizontalPodAutoscaler;

use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-AUTOSCALER-FIGHT"),
    title: "autoscaler fights another writer",
    explains: &[Symptom::NotScaling],
    reads: &[Kind::Deployment],
    state,
    page: page!("ROL-AUTOSCALER-FIGHT"),
};

/// So many times the same target within the events' hour is no load that swings; a guess.
const SAME_STEP: i64 = 3;

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts.snapshot.view::<HorizontalPodAutoscaler>(subject) else { return };
    // The autoscaler says again and again that it sets the same size: each time somebody has set it back.
    let repeated = facts
        .all_messages()
        .filter(|message| message.reason == "SuccessfulRescale" && message.count >= SAME_STEP)
        .max_by_key(|message| message.count);
    let Some(message) = repeated else { return };
    let target = &it.spec.scale_target_ref;
    let kind = Kind::from_name(&target.kind);
    let workload = ObjectRef::new(kind, &subject.namespace, &target.name);
    let back = facts.messages_about(&workload).into_iter().find_map(|message| {
        let to = message.facts.iter().find_map(|fact| match fact {
            Fact::Workload(WorkloadFact::Scaled { to, .. }) => Some(*to),
            _ => None,
        })?;
        (message.count >= SAME_STEP && message.seen.text.contains("down")).then(|| (to, message.seen()))
    });
    match &back {
        Some((_, seen)) => case.supported_by(seen.clone()),
        None => case.hinted_by(message.seen()),
    };
    let times: Seen = Seen { kind: EvidenceKind::Event, ..message.seen() };
    case.step(format!("the autoscaler set the same size {} times", message.count), [times]);
    if let Some((to, seen)) = back {
        case.step(format!("each time it was set back, to {to}"), [seen]);
    }
    case.headline(format!("{subject} and somebody else set the number of pods of {workload} in turn"));
    case.severity(Severity::Warning);
    case.look(
        "who writes the field replicas",
        format!("kubectl get {} -o yaml --show-managed-fields | grep -B30 f:replicas: | grep manager:", workload.kubectl()),
    );
    case.advice("take replicas out of the manifest that a pipeline or GitOps tool applies, or remove the autoscaler", Risk::None);
}
