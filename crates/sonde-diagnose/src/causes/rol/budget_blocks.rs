//! ROL-BUDGET-BLOCKS: a disruption budget allows no pod to go, so a node cannot be drained.

use crate::wording::count;
use sonde_model::{Code, Kind, Risk, Severity};
use sonde_world::view::PodDisruptionBudget;

use crate::cause::page;
use crate::triage::{RETURN_PATIENCE, held_by_budget, unready_since};
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-BUDGET-BLOCKS"),
    title: "disruption budget blocks a drain",
    explains: &[Symptom::BudgetBlocks],
    reads: &[Kind::PodDisruptionBudget, Kind::Pod, Kind::Node],
    state,
    page: page!("ROL-BUDGET-BLOCKS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts.snapshot.view::<PodDisruptionBudget>(subject) else {
        return;
    };
    let Some((pod, node)) = held_by_budget(facts.snapshot, subject, &it) else {
        return;
    };
    let status = &it.status;
    let seen = facts.field("status.disruptionsAllowed", 0);
    let never = status.desired_healthy >= status.expected_pods;
    // Pods that are on their way back end the hold by themselves; those that are not have a finding of their own.
    let away = it
        .spec
        .selector
        .iter()
        .flat_map(|selector| facts.snapshot.pods_matching(&subject.namespace, selector))
        .filter(|pod| pod.pod().is_some_and(|it| !it.is_terminal()))
        .find_map(|pod| Some((unready_since(pod)?, pod.reference.clone())));
    let coming = away
        .as_ref()
        .zip(facts.now)
        .is_some_and(|((since, _), now)| now.duration_since(*since) < RETURN_PATIENCE);
    if never || !coming {
        case.proven_by(seen.clone());
    } else {
        case.hinted_by(seen.clone());
    }
    if let Some((_, pod)) = away.filter(|_| !never) {
        case.explained_by(pod);
    }
    let rule = match (&it.spec.min_available, &it.spec.max_unavailable) {
        (Some(least), _) => format!("at least {least} must be available"),
        (_, Some(most)) => format!("at most {most} may be unavailable"),
        _ => "none may be unavailable".into(),
    };
    case.step(
        format!("of {} {rule}", count(status.expected_pods, "pod")),
        [facts.field("spec", &rule)],
    );
    case.step(
        format!(
            "{} are healthy and {} are needed, so none may go",
            status.current_healthy, status.desired_healthy
        ),
        [seen],
    );
    case.step(
        format!("{node} is cordoned, and {} on it cannot be evicted", pod.name),
        [field_on(&node, "spec.unschedulable", true)],
    );
    case.headline(format!(
        "{subject} blocks the drain of {node}: it allows no pod to go"
    ));
    case.severity(Severity::Warning);
    case.advice(
        if never {
            "as many pods are needed as there are: give the workload one more replica, or the budget a lower bound"
        } else {
            "bring the unhealthy pods back first: the budget counts them as already disrupted"
        },
        Risk::None,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, pod};

    fn budget() -> Value {
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "app", "namespace": "shop"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "app"}}},
            "status": {"disruptionsAllowed": 0, "expectedPods": 1, "currentHealthy": 1, "desiredHealthy": 1}})
    }

    fn node(cordoned: bool) -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {"unschedulable": cordoned},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    }

    #[test]
    fn found_while_a_node_waits_to_be_drained() {
        let outcome = Scene::new()
            .object(budget())
            .object(node(true))
            .object(pod(json!({})))
            .diagnose();
        outcome.finds_only("ROL-BUDGET-BLOCKS", Verdict::Proven);
    }

    #[test]
    fn silent_while_nobody_wants_a_disruption() {
        Scene::new()
            .object(budget())
            .object(node(false))
            .object(pod(json!({})))
            .diagnose()
            .is_calm();
    }
}
