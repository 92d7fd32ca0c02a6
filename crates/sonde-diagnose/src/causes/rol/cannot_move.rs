//! ROL-CANNOT-MOVE: a rollout may neither take a pod away nor find room for one more.

use sonde_model::{Code, Kind, Risk};
use sonde_world::view::{Deployment, IntOrString};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-CANNOT-MOVE"),
    title: "surge and unavailable leave no way to move",
    explains: &[Symptom::RolloutStuck],
    reads: &[Kind::Pod],
    state,
    page: page!("ROL-CANNOT-MOVE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts
        .snapshot
        .view::<Deployment>(subject)
        .filter(|_| subject.kind == Kind::Deployment)
    else {
        return;
    };
    let Some(rolling) = it
        .spec
        .strategy
        .rolling_update
        .as_ref()
        .filter(|_| it.spec.strategy.kind != "Recreate")
    else {
        return;
    };
    let replicas = it.spec.replicas.unwrap_or(1);
    let (Some(surge), Some(unavailable)) = (
        resolve(rolling.max_surge.as_ref(), replicas, true),
        resolve(rolling.max_unavailable.as_ref(), replicas, false),
    ) else {
        return;
    };
    // Where both come to 0, the controller takes one pod away (`ResolveFenceposts`).
    if unavailable > 0 || surge == 0 {
        return;
    }
    let waiting = facts
        .snapshot
        .owned_by(subject)
        .flat_map(|set| facts.snapshot.owned_by(&set.reference))
        .find(|pod| {
            pod.pod()
                .is_some_and(|pod| pod.node.is_empty() && !pod.is_terminal())
        });
    let Some(waiting) = waiting else { return };
    let settings = facts.field(
        "spec.strategy.rollingUpdate",
        format!(
            "maxUnavailable: {}, maxSurge: {}",
            text(rolling.max_unavailable.as_ref()),
            text(rolling.max_surge.as_ref())
        ),
    );
    let refused = waiting
        .pod()
        .and_then(|pod| pod.condition("PodScheduled"))
        .filter(|it| it.is_false());
    match refused {
        // The scheduler's word about the new pod, and old pods that may not go: nothing can move.
        Some(it) => {
            case.proven_by(settings.clone());
            let said = format!("{}: {}", it.reason, it.message);
            case.proven_by(field_on(
                &waiting.reference,
                "status.conditions[PodScheduled]",
                said,
            ));
        }
        None => {
            case.supported_by(settings.clone());
        }
    }
    case.step(
        "the rollout may take no old pod away before a new one is ready (maxUnavailable is 0)",
        [settings],
    );
    case.step(
        format!(
            "the new pod {} finds no node beside the old ones",
            waiting.reference.name
        ),
        [field_on(&waiting.reference, "status.phase", "Pending")],
    );
    case.headline(format!(
        "the rollout of {subject} cannot move: no old pod may go, and there is no room for a new one"
    ));
    case.fix(
        "let the rollout take one pod away first",
        format!(
            "kubectl patch {} --type merge -p '{{\"spec\":{{\"strategy\":{{\"rollingUpdate\":{{\"maxUnavailable\":1}}}}}}}}'",
            subject.kubectl()
        ),
        Risk::Restart,
    );
}

/// Percentages round down for unavailable and up for surge (`deployment_util.go`, `ResolveFenceposts`). What is neither a
/// number nor a percentage tells nothing.
fn resolve(value: Option<&IntOrString>, replicas: i64, up: bool) -> Option<i64> {
    match value {
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(text)) => {
            let percent: i64 = text.strip_suffix('%')?.parse().ok()?;
            let hundredths = replicas.saturating_mul(percent);
            Some(hundredths.saturating_add(if up { 99 } else { 0 }) / 100)
        }
        None => resolve(Some(&IntOrString::String("25%".into())), replicas, up),
    }
}

fn text(value: Option<&IntOrString>) -> String {
    value.map_or_else(|| "25%".into(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_as_the_controller_rounds() {
        let percent = |text: &str| Some(IntOrString::String(text.into()));
        assert_eq!(resolve(percent("25%").as_ref(), 3, false), Some(0));
        assert_eq!(resolve(percent("25%").as_ref(), 3, true), Some(1));
        assert_eq!(resolve(None, 4, false), Some(1));
        assert_eq!(resolve(Some(&IntOrString::Int(0)), 4, false), Some(0));
        for broken in ["", "%", "x%", "25"] {
            assert_eq!(resolve(percent(broken).as_ref(), 4, false), None, "{broken}");
        }
        let huge = Some(9_223_372_036_854_775_807);
        assert_eq!(
            resolve(percent("9223372036854775807%").as_ref(), i64::MAX, true),
            huge.map(|it: i64| it / 100)
        );
    }
}
