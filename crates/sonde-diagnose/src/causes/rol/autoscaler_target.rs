//! ROL-AUTOSCALER-TARGET: an autoscaler cannot read or change what it should scale.

use sonde_model::{Code, Kind, Risk};
use sonde_world::view::HorizontalPodAutoscaler;

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-AUTOSCALER-TARGET"),
    title: "autoscaler cannot scale its target",
    explains: &[Symptom::NotScaling],
    reads: &[Kind::HorizontalPodAutoscaler],
    state,
    page: page!("ROL-AUTOSCALER-TARGET"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(it) = facts.snapshot.view::<HorizontalPodAutoscaler>(&facts.episode.subject) else { return };
    let unable = it.status.conditions.iter().find(|it| it.kind == "AbleToScale" && it.is_false());
    let Some(unable) = unable else { return };
    let seen = facts.field("status.conditions[AbleToScale]", format!("{}: {}", unable.reason, unable.message));
    case.proven_by(seen.clone());
    let target = &it.spec.scale_target_ref;
    let named = format!("{}/{}", target.kind, target.name);
    case.step(format!("it should scale {named}"), [facts.field("spec.scaleTargetRef", &named)]);
    case.step(format!("it cannot: {}", unable.message), [seen]);
    case.headline(format!("{} cannot scale {named}: {}", facts.episode.subject, unable.message));
    case.advice("correct kind, name and apiVersion of the target, or give the control plane the right to scale it", Risk::None);
}
