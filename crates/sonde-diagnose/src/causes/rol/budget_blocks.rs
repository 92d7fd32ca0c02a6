//! ROL-BUDGET-BLOCKS: a disruption budget allows no pod to go, so a node cannot be drained.

use sonde_model::{Code, Kind, ObjectRef, Risk, Severity};
use sonde_world::view::PodDisruptionBudget;

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-BUDGET-BLOCKS"),
    title: "disruption budget blocks a drain",
    explains: &[Symptom::BudgetBlocks],
    reads: &[Kind::PodDisruptionBudget, Kind::Pod],
    state,
    page: page!("ROL-BUDGET-BLOCKS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts.snapshot.view::<PodDisruptionBudget>(subject) else { return };
    let Some(selector) = &it.spec.selector else { return };
    let held = facts.snapshot.pods_matching(&subject.namespace, selector).find_map(|pod| {
        let node = ObjectRef::cluster(Kind::Node, &pod.pod()?.node);
        facts.snapshot.get(&node)?.node()?.unschedulable.then(|| (pod.reference.clone(), node))
    });
    let Some((pod, node)) = held else { return };
    let status = &it.status;
    let seen = facts.field("status.disruptionsAllowed", 0);
    case.proven_by(seen.clone());
    let rule = match (&it.spec.min_available, &it.spec.max_unavailable) {
        (Some(least), _) => format!("at least {least} must be available"),
        (_, Some(most)) => format!("at most {most} may be unavailable"),
        _ => "none may be unavailable".into(),
    };
    case.step(format!("of {} pods {rule}", status.expected_pods), [facts.field("spec", &rule)]);
    case.step(
        format!("{} are healthy and {} are needed, so none may go", status.current_healthy, status.desired_healthy),
        [seen],
    );
    case.step(
        format!("{node} is cordoned, and {} on it cannot be evicted", pod.name),
        [field_on(&node, "spec.unschedulable", true)],
    );
    case.headline(format!("{subject} blocks the drain of {node}: it allows no pod to go"));
    case.severity(Severity::Warning);
    let never = status.desired_healthy >= status.expected_pods;
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
        let outcome = Scene::new().object(budget()).object(node(true)).object(pod(json!({}))).diagnose();
        outcome.finds_only("ROL-BUDGET-BLOCKS", Verdict::Proven);
    }

    #[test]
    fn silent_while_nobody_wants_a_disruption() {
        Scene::new().object(budget()).object(node(false)).object(pod(json!({}))).diagnose().is_calm();
    }
}
