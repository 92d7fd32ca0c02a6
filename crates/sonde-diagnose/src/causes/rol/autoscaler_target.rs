//! ROL-AUTOSCALER-TARGET: an autoscaler cannot read or change what it should scale.

use sonde_model::{Code, Kind, ObjectRef, Risk};
use sonde_world::view::HorizontalPodAutoscaler;

use super::autoscaler_no_metrics::is_about_the_target;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-AUTOSCALER-TARGET"),
    title: "autoscaler cannot scale its target",
    explains: &[Symptom::NotScaling],
    reads: &[Kind::HorizontalPodAutoscaler, Kind::Deployment, Kind::StatefulSet],
    state,
    page: page!("ROL-AUTOSCALER-TARGET"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(it) = facts
        .snapshot
        .view::<HorizontalPodAutoscaler>(&facts.episode.subject)
    else {
        return;
    };
    let conditions = it.conditions();
    let unable = conditions.iter().find(|it| {
        it.is_false()
            && match it.kind.as_str() {
                // Up to 1.11 an autoscaler that waits between two steps said that it is unable, too.
                "AbleToScale" => !it.reason.starts_with("Backoff"),
                "ScalingActive" => is_about_the_target(&it.reason) && it.reason != "AmbiguousSelector",
                _ => false,
            }
    });
    let Some(unable) = unable else { return };
    let seen = facts.field(
        &format!("status.conditions[{}]", unable.kind),
        format!("{}: {}", unable.reason, unable.message),
    );
    case.proven_by(seen.clone());
    let target = &it.spec.scale_target_ref;
    let named = format!("{}/{}", target.kind, target.name);
    case.step(
        format!("it should scale {named}"),
        [facts.field("spec.scaleTargetRef", &named)],
    );
    let absent = facts.absence(&ObjectRef::new(
        Kind::from_name(&target.kind),
        &facts.episode.subject.namespace,
        &target.name,
    ));
    if let Some(absent) = absent {
        case.step(format!("there is no {named}"), [absent]);
    }
    case.step(format!("it cannot: {}", unable.message), [seen]);
    case.headline(format!(
        "{} cannot scale {named}: {}",
        facts.episode.subject, unable.message
    ));
    case.advice(
        "correct kind, name and apiVersion of the target, or give the control plane the right to scale it",
        Risk::None,
    );
}
