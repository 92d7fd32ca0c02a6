//! SVC-WRONG-TARGET-PORT: the service sends to a named port that its pods do not have.

use sonde_model::{Code, Kind, Risk};
use sonde_schedule::nearest;
use sonde_world::view::{IntOrString, LabelSelector, Pod, Service};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SVC-WRONG-TARGET-PORT"),
    title: "service's target port is no port of its pods",
    explains: &[Symptom::NoEndpoints],
    reads: &[Kind::Service],
    state,
    page: page!("SVC-WRONG-TARGET-PORT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(service) = facts.snapshot.view::<Service>(subject) else {
        return;
    };
    let selector = LabelSelector {
        match_labels: service.spec.selector.clone(),
        match_expressions: Vec::new(),
    };
    let mut pods = facts.snapshot.pods_matching(&subject.namespace, &selector);
    let Some(object) = pods.find(|pod| pod.pod().is_some_and(|it| !it.is_terminal())) else {
        return;
    };
    let Ok(pod) = object.encoded.decode::<Pod>() else {
        return;
    };
    let names: Vec<&str> = pod
        .all_containers()
        .flat_map(|container| &container.ports)
        .map(|port| port.name.as_str())
        .filter(|name| !name.is_empty())
        .collect();
    let missing = service
        .spec
        .ports
        .iter()
        .enumerate()
        .find_map(|(at, port)| match &port.target_port {
            Some(IntOrString::String(name)) if !names.contains(&name.as_str()) => Some((at, name.clone())),
            _ => None,
        });
    let Some((at, name)) = missing else { return };
    let has = if names.is_empty() {
        "no named port".to_owned()
    } else {
        names.join(", ")
    };
    let seen = facts.field(&format!("spec.ports[{at}].targetPort"), &name);
    case.proven_by(seen.clone());
    case.step(format!("the service sends to the port named {name}"), [seen]);
    case.step(
        format!("its pods have {has}"),
        [field_on(
            &object.reference,
            "spec.containers[].ports[].name",
            &has,
        )],
    );
    case.step("so the service gets no endpoint", []);
    case.headline(format!(
        "{subject} reaches no pod: its target port {name} is no port of its pods ({has})"
    ));
    match nearest(&name, names.iter().copied()) {
        Some(close) => case.advice(format!("set targetPort to {close}"), Risk::Wide),
        None => case.advice(
            "set targetPort to a port that the container really opens, by number or by its name",
            Risk::Wide,
        ),
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use crate::testing::{Scene, pod};

    fn scene(target: Value) -> Scene {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop",
            "creationTimestamp": "2026-03-01T10:00:00Z"},
            "spec": {"selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": target}]}});
        let pod = pod(
            json!({"spec": {"containers": [{"name": "app", "ports": [{"name": "http", "containerPort": 8080}]}]}}),
        );
        Scene::new().object(service).object(pod).complete(&[Kind::Pod])
    }

    #[test]
    fn found_when_the_name_is_no_port() {
        let outcome = scene(json!("htpp")).diagnose();
        let finding = outcome.finds_only("SVC-WRONG-TARGET-PORT", Verdict::Proven);
        assert!(finding.fixes[0].text.contains("http"), "{:?}", finding.fixes);
    }

    #[test]
    fn silent_with_the_right_name_or_a_number() {
        scene(json!("http")).diagnose().is_calm();
        // A container may listen on a port that it does not declare.
        scene(json!(9999)).diagnose().is_calm();
    }
}
