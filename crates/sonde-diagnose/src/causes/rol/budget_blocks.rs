//! ROL-BUDGET-BLOCKS: a disruption budget allows no pod to go, so a node cannot be drained.

use crate::wording::count;
use sonde_model::{Code, Kind, Risk, Severity};
use sonde_world::view::PodDisruptionBudget;

use crate::cause::page;
use crate::triage::{RETURN_PATIENCE, held_by_budget, lets_none_go, unready_since};
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
        return no_drain_can_pass(facts, case, &it);
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
    let rule = rule(&it);
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

fn rule(it: &PodDisruptionBudget) -> String {
    match (&it.spec.min_available, &it.spec.max_unavailable) {
        (Some(least), _) => format!("at least {least} must be available"),
        (_, Some(most)) => format!("at most {most} may be unavailable"),
        _ => "none may be unavailable".into(),
    }
}

/// Nobody drains a node of its pods now; who does will wait in vain.
fn no_drain_can_pass(facts: &Facts<'_>, case: &mut Case, it: &PodDisruptionBudget) {
    if !lets_none_go(it) {
        return;
    }
    let subject = &facts.episode.subject;
    let rule = rule(it);
    let pods = count(it.status.expected_pods, "pod");
    let seen = facts.field("status.disruptionsAllowed", 0);
    case.severity(Severity::Info);
    case.proven_by(seen.clone());
    case.step(format!("of {pods} {rule}"), [facts.field("spec", &rule)]);
    case.step("all are healthy, and none may go", [seen]);
    case.headline(format!(
        "{subject} lets no pod go even when all are healthy: of {pods} {rule}; a drain of their nodes will wait for ever"
    ));
    case.advice(
        "give the workload one more replica, or the budget a lower bound, before its nodes are to be drained",
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

    /// Advice, and no alarm; none where a pod may go when all are healthy.
    #[test]
    fn calm_while_nobody_wants_a_disruption() {
        let told = |status: Value| {
            let mut it = budget();
            it["status"] = status;
            let outcome = Scene::new()
                .object(it)
                .object(node(false))
                .object(pod(json!({})))
                .diagnose();
            outcome.is_calm();
            outcome.claims("ROL-BUDGET-BLOCKS")
        };
        assert!(told(budget()["status"].clone()));
        let status = |expected: i64, healthy: i64, desired: i64| json!({"disruptionsAllowed": 0, "expectedPods": expected, "currentHealthy": healthy, "desiredHealthy": desired});
        assert!(told(status(3, 3, 3)));
        // One of three is on its way back, and then another may go.
        assert!(!told(status(3, 2, 2)));
        assert!(!told(status(0, 0, 0)));
        assert!(!told(status(1, 0, 1)));
    }
}
