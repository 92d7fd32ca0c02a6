//! RDY-READINESS-GATE: the containers are ready, and a readiness gate of the pod is not set.

use sonde_model::{Code, Risk};

use crate::cause::page;
use crate::triage::GATE_PATIENCE;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-READINESS-GATE"),
    title: "a readiness gate is not set",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-READINESS-GATE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let pod = facts.pod();
    let Some(ready) = pod.condition("Ready").filter(|ready| ready.is_false()) else {
        return;
    };
    // A description shows the gates and no reasons.
    let described = ready.reason.is_empty() && facts.is_partial() && !pod.spec.readiness_gates.is_empty();
    if ready.reason != "ReadinessGatesNotReady" && !described {
        return;
    }
    let said = facts.field(
        "status.conditions[Ready]",
        match ready.reason.as_str() {
            "" => ready.status.clone(),
            reason => format!("{reason}: {}", ready.message),
        },
    );
    let mut open = Vec::new();
    for (at, gate) in pod.spec.readiness_gates.iter().enumerate() {
        let condition = pod.condition(&gate.condition_type);
        if condition.is_some_and(|it| it.is_true()) {
            continue;
        }
        let state = match condition {
            Some(it) if !it.message.is_empty() => format!("is {}: {}", it.status, it.message),
            Some(it) => format!("is {}", it.status),
            None => "was never set".into(),
        };
        case.step(
            format!("the readiness gate {} {state}", gate.condition_type),
            [facts.field(
                &format!("spec.readinessGates[{at}].conditionType"),
                &gate.condition_type,
            )],
        );
        open.push(gate.condition_type.clone());
    }
    if open.is_empty() && described {
        return;
    }
    // Controllers of load balancers take a minute or two to set theirs.
    if described {
        case.supported_by(said.clone());
    } else if facts.age().is_some_and(|age| age < GATE_PATIENCE) {
        case.hinted_by(said.clone());
    } else {
        case.proven_by(said.clone());
    }
    case.step("all containers are ready, the pod is not", [said]);
    let gates = if open.is_empty() {
        "a readiness gate".to_owned()
    } else {
        open.join(", ")
    };
    case.headline(format!(
        "pod {} is not ready although its containers are: nobody has set {gates}",
        facts.episode.subject.name
    ));
    case.advice(
        "see that the controller that sets this condition runs and knows the pod (a load balancer's controller, often by a label of the namespace); its log tells why it does not",
        Risk::None,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, pod};

    fn gated(ready: &str, reason: &str, gate: Option<&str>) -> Value {
        let mut conditions = vec![
            json!({"type": "PodScheduled", "status": "True"}),
            json!({"type": "ContainersReady", "status": "True"}),
            json!({"type": "Ready", "status": ready, "reason": reason, "lastTransitionTime": "2026-03-01T11:00:00Z",
                "message": "the status of pod readiness gate \"example.com/attached\" is not \"True\", but False"}),
        ];
        if let Some(status) = gate {
            conditions.push(json!({"type": "example.com/attached", "status": status}));
        }
        pod(
            json!({"spec": {"readinessGates": [{"conditionType": "example.com/attached"}]}, "status": {"conditions": conditions}}),
        )
    }

    #[test]
    fn found_with_the_gates_name() {
        for gate in [None, Some("False")] {
            let outcome = Scene::new()
                .object(gated("False", "ReadinessGatesNotReady", gate))
                .diagnose();
            let finding = outcome.finds_only("RDY-READINESS-GATE", Verdict::Proven);
            assert!(
                finding.headline.contains("example.com/attached"),
                "{}",
                finding.headline
            );
        }
    }

    #[test]
    fn calm_when_it_is_set() {
        Scene::new()
            .object(gated("True", "", Some("True")))
            .diagnose()
            .is_calm();
    }
}
